"""A backup in one file, and a folder made from one again.

The file is an uncompressed tar of the exchange's folder: sheet, names, a consistent copy of the database, and its keys
only where they are sealed or were asked for. A folder made from one is marked: its log may not grow until the operator
has found out whether anything was lost since.
"""

import os
import shutil
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from broker.audit.log_store import select_head
from broker.audit.standing import Stop, StopReason
from broker.durable_files import sync_file, sync_folder, write_private_file
from broker.epochs.carrying import Progress
from broker.epochs.errors import BackupError
from broker.epochs.switch import DATABASE_FILES
from broker.exchange import ExchangeFolder, build_folder, read_sheet, read_stop, write_stop
from broker.storage.engine import open_database
from broker.storage.failpoints import failpoint
from broker.storage.revision import verify_not_newer
from schemas.key_documents import ExchangeSheet

PAGES_AT_ONCE = 512
MAX_SMALL_FILE_BYTES = 1 << 20
_DATABASE = "broker.db"
_PUBLIC = ("exchange.json", "names.json")
_KEYS = ("secrets.sealed", "secrets.json")


@dataclass(frozen=True, slots=True)
class BackedUp:
    """What is in a backup: the exchange, its log's size, and whether the exchange's keys are."""

    sheet: ExchangeSheet
    size: int
    keys: str | None


def back_up(folder: ExchangeFolder, target: Path, progress: Progress, *, with_open_keys: bool) -> BackedUp:
    """Write a backup of an exchange, also while it is served; `progress` is told pages of the database.

    Keys under a passphrase are in it; others only `with_open_keys`.

    Raises:
        BackupError: something stands where the backup should.
        ExchangeError: there is no exchange.
    """
    sheet = read_sheet(folder)
    if target.exists():
        raise BackupError(f"{target} is there already: a backup never takes the place of another file")
    with _working_folder(target) as working:
        _copy_database(folder.database, working / _DATABASE, progress)
        names = [*_PUBLIC, *_choose_keys(folder, with_open_keys=with_open_keys)]
        _write_archive(working / "archive", [folder.path / name for name in names] + [working / _DATABASE])
        _publish(working / "archive", target)
        return BackedUp(sheet, _read_size(working / _DATABASE), next((name for name in names if name in _KEYS), None))


def restore(source: Path, path: Path, now: datetime) -> BackedUp:
    """Make the exchange's folder from a backup, or put the backup's database into it; its log is stopped from then on.

    The folder must be empty or missing, or that of the same exchange and epoch; then the database that was there is
    kept beside the new one, as `broker.db.replaced`. For whoever holds the exchange's lock, where there is one.

    Raises:
        BackupError: the file is no backup, or one of another exchange.
        ExchangeExistsError: the folder holds something else.
    """
    folder = ExchangeFolder(path)
    if folder.sheet.is_file():
        with folder.hold_lock():
            return _restore_into(folder, source, now)
    with build_folder(path) as building:
        found = _unpack(source, building)
        write_stop(building, _mark_restored(now))
        return found


def _restore_into(folder: ExchangeFolder, source: Path, now: datetime) -> BackedUp:
    kept = folder.path / f"{_DATABASE}.replaced"
    if kept.exists():
        raise BackupError(f"{kept} is there from an earlier restore: move it away first")
    with _working_folder(folder.path / "restore") as working:
        unpacked = ExchangeFolder(working)
        found = _unpack(source, unpacked)
        if unpacked.sheet.read_bytes() != folder.sheet.read_bytes():
            raise BackupError(f"{source} is a backup of {found.sheet.origin} with other keys, not of this exchange")
        # First: whatever happens next, nothing is signed with either database. Evidence against the log is kept.
        write_stop(folder, _mark_restored(now, read_stop(folder)))
        failpoint("restore.stopped")
        for name in DATABASE_FILES:
            if (folder.path / name).exists():
                (folder.path / name).rename(folder.path / name.replace(_DATABASE, kept.name))
        failpoint("restore.moved-away")
        unpacked.database.rename(folder.database)
        sync_folder(folder.path)
    return found


def _mark_restored(now: datetime, known: Stop | None = None) -> Stop:
    note, witness = (known.note, known.witness) if known else (None, None)
    return Stop(v=1, reason=StopReason.RESTORED, since=now.replace(microsecond=0), note=note, witness=witness)


def _choose_keys(folder: ExchangeFolder, *, with_open_keys: bool) -> list[str]:
    if folder.sealed_secrets.exists():
        return [folder.sealed_secrets.name]
    return [folder.open_secrets.name] if with_open_keys else []


def _copy_database(source: Path, target: Path, progress: Progress) -> None:
    """Copy what is committed, page by page, without holding up whoever writes (SQLite's online backup)."""
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as reading,
        closing(sqlite3.connect(target)) as writing,
    ):
        reading.backup(
            writing, pages=PAGES_AT_ONCE, progress=lambda _, left, total: progress(total - left, total), sleep=0.01
        )


def _write_archive(archive: Path, files: list[Path]) -> None:
    descriptor = os.open(archive, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as raw, tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in files:
            tar.add(path, arcname=path.name, recursive=False, filter=_anonymise)
    sync_file(archive)


def _anonymise(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o600
    return member


def _publish(archive: Path, target: Path) -> None:
    try:
        os.link(archive, target)  # unlike a rename, it never takes the place of a file
    except FileExistsError as error:
        raise BackupError(f"{target} is there already") from error
    sync_folder(target.parent)


def _unpack(source: Path, folder: ExchangeFolder) -> BackedUp:
    """Take exactly the known files out of a backup, as ordinary private files, and look at each."""
    try:
        with tarfile.open(source, mode="r:") as tar:
            names = [_unpack_one(tar, member, folder.path) for member in tar]
    except tarfile.TarError as error:
        raise BackupError(f"{source} is no backup: {error}") from error
    missing = sorted({_DATABASE, *_PUBLIC} - set(names))
    if missing:
        raise BackupError(f"{source} is no backup of an exchange: {', '.join(missing)} is missing")
    return BackedUp(
        read_sheet(folder), _read_size(folder.database), next((name for name in names if name in _KEYS), None)
    )


def _unpack_one(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> str:
    content = tar.extractfile(member) if member.isreg() else None
    if content is None or member.name not in (_DATABASE, *_PUBLIC, *_KEYS) or (folder / member.name).exists():
        raise BackupError("the file holds something that no backup has")
    if member.name != _DATABASE:
        if member.size > MAX_SMALL_FILE_BYTES:
            raise BackupError(f"{member.name} in it is too large")
        write_private_file(folder / member.name, content.read())
        return member.name
    descriptor = os.open(folder / member.name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        shutil.copyfileobj(content, file, 1 << 20)
        file.flush()
        os.fsync(file.fileno())
    return member.name


def _read_size(database: Path) -> int:
    opened = open_database(database)
    try:
        with opened.read() as connection:
            verify_not_newer(connection)
            return select_head(connection).size
    finally:
        opened.close()


@contextmanager
def _working_folder(beside: Path) -> Iterator[Path]:
    working = beside.with_name(f".{beside.name}.new")
    shutil.rmtree(working, ignore_errors=True)
    working.mkdir(mode=0o700)
    try:
        yield working
    finally:
        shutil.rmtree(working, ignore_errors=True)
