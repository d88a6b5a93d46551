"""Plaintext on its way to a name: noted in the profile before it exists, so that a save that was killed leaves none.

    FOLDER/.bilateral-ID.part           the draft, locked by who writes it
    PROFILE/attachments/saving/ID       its path, until it has a name or is gone

A draft that nobody holds locked was left behind. It is removed with the next save and whenever a node clears up; one
in a folder that is away, on a stick for instance, when that is there again.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from agency_client.attachments.folder import create_file
from agency_client.errors import NotFoundError
from agency_client.profiles.private_files import (
    locking_folder,
    make_private_folder,
    read_private_file,
    write_private_file,
)
from agency_client.profiles.profile import Profile
from keys.generation import generate_id


@dataclass(frozen=True, slots=True)
class Draft:
    """A file without a name of its own yet, open for writing."""

    path: Path
    descriptor: int


@contextmanager
def writing_draft(profile: Profile, folder: Path) -> Iterator[Draft]:
    """Give a draft to write in a folder; when the block ends it has been given a name, or is gone."""
    notes, id_ = _make_folder(profile), generate_id()
    note, path = notes / id_, folder.absolute() / _name_draft(id_)
    with locking_folder(notes):
        write_private_file(note, os.fsencode(path))
        descriptor = create_file(path)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield Draft(path, descriptor)
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)
        note.unlink(missing_ok=True)


def clear_drafts(profile: Profile) -> int:
    """Remove the drafts that saves left behind when they were killed; return how many."""
    return sum(_clear(profile, note, path) for note, path in _list_notes(profile))


def list_left_behind(profile: Profile) -> list[Path]:
    """Return the drafts that nobody writes any more; nothing is removed."""
    return [path for _, path in _list_notes(profile) if _is_left_behind(path)]


def _clear(profile: Profile, note: Path, path: Path) -> bool:
    with locking_folder(_make_folder(profile)):
        is_left_behind = _is_left_behind(path)
        with suppress(OSError):
            if is_left_behind:
                path.unlink()
            if path.parent.is_dir() and not path.exists():
                note.unlink(missing_ok=True)
    return is_left_behind


def _is_left_behind(path: Path) -> bool:
    """Return whether a draft lies there that nobody holds locked."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _list_notes(profile: Profile) -> Iterator[tuple[Path, Path]]:
    folder = _find_folder(profile)
    for note in sorted(folder.iterdir()) if folder.is_dir() else ():
        with suppress(NotFoundError):  # Its save has ended meanwhile.
            path = Path(os.fsdecode(read_private_file(note)))
            if path.name == _name_draft(note.name):
                yield note, path


def _name_draft(id_: str) -> str:
    return f".bilateral-{id_}.part"


def _find_folder(profile: Profile) -> Path:
    return profile.folder / "attachments" / "saving"


def _make_folder(profile: Profile) -> Path:
    folder = _find_folder(profile)
    if not folder.is_dir():
        make_private_folder(folder.parent)
        make_private_folder(folder)
    return folder
