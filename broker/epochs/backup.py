"""A backup in one file, and a folder made from one again.

The file is an uncompressed tar of the exchange's folder: sheet, names, a consistent copy of the database, and its keys
only where they are sealed or were asked for. The copy is a SQLite file whatever engine the exchange is on, and goes
into either. What is made from one is marked: its log may not grow until the operator has found out whether anything
was lost since.
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

from sqlalchemy import URL

from broker.audit.log_store import select_head, store_stop
from broker.audit.standing import Stop, StopReason
from broker.database import open_exchange_database, write_database_url
from broker.durable_files import sync_file, sync_folder, write_private_file
from broker.epochs.carrying import Progress
from broker.epochs.copying import copy_rows
from broker.epochs.errors import BackupError
from broker.epochs.switch import DATABASE_FILES
from broker.exchange import ExchangeExistsError, ExchangeFolder, build_folder, read_sheet, read_stop, write_stop
from broker.storage.engine import open_database
from broker.storage.failpoints import failpoint
from broker.storage.migrate import migrate, migrate_within
from broker.storage.revision import find_revision, verify_migrated, verify_not_newer
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
    """Write a backup of an exchange, also while it is served; `progress` is told pages or rows of the database.

    Keys under a passphrase are in it; others only `with_open_keys`.

    Raises:
        BackupError: something stands where the backup should.
        ExchangeError: there is no exchange.
    """
    sheet = read_sheet(folder)
    if target.exists():
        raise BackupError(f"{target} is there already: a backup never takes the place of another file")
    with _working_folder(target) as working:
        _copy_database(folder, sheet, working / _DATABASE, progress)
        names = [*_PUBLIC, *_choose_keys(folder, with_open_keys=with_open_keys)]
        _write_archive(working / "archive", [folder.path / name for name in names] + [working / _DATABASE])
        _publish(working / "archive", target)
        return BackedUp(sheet, _read_size(working / _DATABASE), next((name for name in names if name in _KEYS), None))


def restore(
    source: Path,
    path: Path,
    now: datetime,
    progress: Progress = lambda _done, _of: None,
    *,
    database: URL | None = None,
) -> BackedUp:
    """Make the exchange's folder from a backup, or put the backup's database into it; its log is stopped from then on.

    The folder must be empty or missing, or that of the same exchange and epoch; then the database that was there is
    kept beside the new one: as `broker.db.replaced`, or as a schema of that ending. An empty folder's exchange is kept
    in the PostgreSQL `database`, if one is given. For whoever holds the exchange's lock, where there is one.

    Raises:
        BackupError: the file is no backup, or one of another exchange.
        ExchangeExistsError: the folder, or the database, holds something else.
        DatabaseInUseError: a broker has the shared database open.
    """
    folder = ExchangeFolder(path)
    if folder.sheet.is_file():
        if database is not None:
            raise BackupError(f"{path} holds the exchange already: it is restored to where it is kept")
        with folder.hold_lock():
            return _restore_into(folder, source, now, progress)
    with build_folder(path) as building:
        found, stop = _unpack(source, building), _mark_restored(now)
        write_stop(building, stop)
        if database is not None:
            write_database_url(building, database)
            _verify_vacant(building)
            _load_shared(building, building.database, stop, progress)
            building.database.unlink()
        return found


def _restore_into(folder: ExchangeFolder, source: Path, now: datetime, progress: Progress) -> BackedUp:
    kept = folder.path / f"{_DATABASE}.replaced"
    if kept.exists():
        raise BackupError(f"{kept} is there from an earlier restore: move it away first")
    with _working_folder(folder.path / "restore") as working:
        unpacked = ExchangeFolder(working)
        found = _unpack(source, unpacked)
        if unpacked.sheet.read_bytes() != folder.sheet.read_bytes():
            raise BackupError(f"{source} is a backup of {found.sheet.origin} with other keys, not of this exchange")
        stop = _mark_restored(now, read_stop(folder))  # evidence against the log is kept
        if folder.database_url.exists():
            # It says itself that it stopped, with its rows or not at all: a folder that said so of a restore that was
            # refused would stop every broker.
            _load_shared(folder, unpacked.database, stop, progress)
            failpoint("restore.loaded")
            write_stop(folder, stop)
        else:
            _replace_file(folder, unpacked.database, kept, stop)
    return found


def _replace_file(folder: ExchangeFolder, unpacked: Path, kept: Path, stop: Stop) -> None:
    write_stop(folder, stop)  # first: whatever happens next, nothing is signed with either file
    failpoint("restore.stopped")
    for name in DATABASE_FILES:
        if (folder.path / name).exists():
            (folder.path / name).rename(folder.path / name.replace(_DATABASE, kept.name))
    failpoint("restore.moved-away")
    unpacked.rename(folder.database)
    sync_folder(folder.path)


def _verify_vacant(folder: ExchangeFolder) -> None:
    with closing(open_exchange_database(folder, read_sheet(folder))) as shared, shared.read() as connection:
        if find_revision(connection) is not None:
            raise ExchangeExistsError("the database holds an exchange already: name an empty one")


def _load_shared(folder: ExchangeFolder, unpacked: Path, stop: Stop, progress: Progress) -> None:
    """Put a backup's database into the shared one, where no broker may be at work: whole or not at all."""
    sheet = read_sheet(folder)
    with (
        closing(open_database(unpacked)) as source,
        closing(open_exchange_database(folder, sheet, is_alone=True)) as shared,
    ):
        migrate(source)
        with source.read() as old, shared.write() as connection:
            shared.set_schema_aside(connection)
            migrate_within(shared, connection)
            copy_rows(old, connection, progress)
            store_stop(connection, stop.canonical())


def _mark_restored(now: datetime, known: Stop | None = None) -> Stop:
    note, witness = (known.note, known.witness) if known else (None, None)
    return Stop(v=1, reason=StopReason.RESTORED, since=now.replace(microsecond=0), note=note, witness=witness)


def _choose_keys(folder: ExchangeFolder, *, with_open_keys: bool) -> list[str]:
    if folder.sealed_secrets.exists():
        return [folder.sealed_secrets.name]
    return [folder.open_secrets.name] if with_open_keys else []


def _copy_database(folder: ExchangeFolder, sheet: ExchangeSheet, target: Path, progress: Progress) -> None:
    """Copy what is committed, without holding up whoever writes."""
    if folder.database_url.exists():
        _copy_shared(folder, sheet, target, progress)
    else:
        _copy_file(folder.database, target, progress)


def _copy_shared(folder: ExchangeFolder, sheet: ExchangeSheet, target: Path, progress: Progress) -> None:
    """Copy one snapshot of a shared database into a SQLite file."""
    with closing(open_exchange_database(folder, sheet)) as shared, closing(open_database(target)) as copy:
        migrate(copy)
        # Committing a large copy takes its time, and the server ends a session that waits for it too long.
        with copy.write() as connection, shared.read() as source:
            verify_migrated(source)
            copy_rows(source, connection, progress)
        copy.empty_write_ahead_log()


def _copy_file(source: Path, target: Path, progress: Progress) -> None:
    """Copy a SQLite file page by page (SQLite's online backup)."""
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
