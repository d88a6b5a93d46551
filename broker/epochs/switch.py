"""Let a new epoch take the place of the old one in the exchange's folder: whole or not at all.

A new epoch is built in a folder of its own inside the exchange's. Giving that folder another name is the one step that
decides: before it everything is as it was, after it whoever opens the exchange next finishes what is left, moving the
old files into `epoch-N/` and the new ones into their place. Each move can be done again. No file is opened here.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from broker.durable_files import sync_file, sync_folder
from broker.storage.failpoints import failpoint

DATABASE_FILES = ("broker.db", "broker.db-wal", "broker.db-shm")
_ARCHIVED = (*DATABASE_FILES, "database.url", "exchange.json", "names.json", "stopped.json")
_BUILDING = ".epoch.new"
_DECIDED = "epoch-after-"


def name_archive(epoch: int) -> str:
    """Return the name of the folder that keeps an epoch that is over."""
    return f"epoch-{epoch}"


@contextmanager
def build_epoch(folder: Path, old_epoch: int) -> Iterator[Path]:
    """Lend an empty folder; once the block has ended well, what is in it takes the place of epoch `old_epoch`.

    For whoever holds the exchange's lock.
    """
    building = folder / _BUILDING
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(mode=0o700)
    try:
        yield building
        _drop_empty_side_files(building)
        for path in building.iterdir():
            sync_file(path)
        sync_folder(building)
        failpoint("rebase.before-decision")
        building.rename(folder / f"{_DECIDED}{old_epoch}")
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    sync_folder(folder)
    failpoint("rebase.decided")
    finish_switch(folder)


def is_switching(folder: Path) -> bool:
    """Return whether a new epoch was decided on and its files are not all in their place."""
    return _find_decided(folder) is not None


def finish_switch(folder: Path) -> None:
    """Bring all files into their place, if a new epoch was decided on. For whoever holds the exchange's lock."""
    decided = _find_decided(folder)
    if decided is None:
        return
    archive = folder / name_archive(int(decided.name.removeprefix(_DECIDED)))
    archive.mkdir(mode=0o700, exist_ok=True)
    for name in _ARCHIVED:
        if (folder / name).exists() and not (archive / name).exists() and _is_old(decided, name):
            (folder / name).rename(archive / name)
    sync_folder(archive)
    sync_folder(folder)
    failpoint("rebase.archived")
    for path in sorted(decided.iterdir()):
        path.rename(folder / path.name)
        sync_folder(folder)
        failpoint("rebase.moved")
    decided.rmdir()
    sync_folder(folder)


def _drop_empty_side_files(building: Path) -> None:
    """Leave the new database in one file: what stands beside the old one is told from it by that."""
    ahead, index = (building / name for name in DATABASE_FILES[1:])
    if ahead.exists() and ahead.stat().st_size:
        raise RuntimeError("the new database is not all in its own file")
    for path in (ahead, index):
        path.unlink(missing_ok=True)


def _find_decided(folder: Path) -> Path | None:
    return next(folder.glob(f"{_DECIDED}[0-9]*"), None)


def _is_old(decided: Path, name: str) -> bool:
    """Return whether the file in the exchange's folder is still the old epoch's: the new one, if any, was not moved."""
    return (decided / name).exists() or name in (*DATABASE_FILES[1:], "stopped.json")
