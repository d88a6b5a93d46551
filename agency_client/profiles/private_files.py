"""Files and folders that only their owner may read: written whole or not at all, refused when others could look."""

import fcntl
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from agency_client.errors import ClientError, NotFoundError

PRIVATE_FILE_MODE = 0o600
PRIVATE_FOLDER_MODE = 0o700


class NotPrivateError(ClientError):
    """A file or folder that others could read or replace."""

    default_code = "not-private"


def make_private_folder(path: Path) -> None:
    """Make a folder of mode 0700, parents included; one that exists must be private already.

    Raises:
        NotPrivateError: it exists, and others may enter it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.mkdir(mode=PRIVATE_FOLDER_MODE)
    except FileExistsError:
        verify_private(path)


def verify_private(path: Path) -> None:
    """Check that a file or folder is this user's own, no link, and closed to everybody else.

    Raises:
        NotFoundError: nothing lies there.
        NotPrivateError: it is a link, somebody else's, or open to others.
    """
    try:
        found = path.lstat()
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no {path}", code="file-missing") from error
    if stat.S_ISLNK(found.st_mode):
        raise NotPrivateError(f"{path} is a link", fix="put the file itself there")
    if found.st_uid != os.geteuid():
        raise NotPrivateError(f"{path} belongs to another user", fix="run as its owner")
    if found.st_mode & 0o077:
        mode = PRIVATE_FOLDER_MODE if stat.S_ISDIR(found.st_mode) else PRIVATE_FILE_MODE
        raise NotPrivateError(
            f"{path} is open to other users (mode {stat.S_IMODE(found.st_mode):04o})", fix=f"chmod {mode:o} '{path}'"
        )


def verify_private_tree(folder: Path) -> None:
    """Check a folder and everything in it.

    Raises:
        NotFoundError: the folder is not there.
        NotPrivateError: as `verify_private`, for the first that is wrong.
    """
    verify_private(folder)
    for path in sorted(folder.rglob("*")):
        try:
            verify_private(path)
        except NotFoundError:
            continue  # Another process of this profile has just closed its store or ended its draft.


def read_private_file(path: Path) -> bytes:
    """Return a private file's bytes.

    Raises:
        NotFoundError, NotPrivateError: as `verify_private`.
    """
    verify_private(path)
    return path.read_bytes()


def write_private_file(path: Path, data: bytes, *, replace: bool = False) -> None:
    """Write a file of mode 0600: after a crash it is there whole, or not there (or as before).

    Raises:
        FileExistsError: it exists and `replace` was not said.
    """
    with writing_private_file(path, replace=replace) as file:
        file.write(data)


@contextmanager
def writing_private_file(path: Path, *, replace: bool = False) -> Iterator[BinaryIO]:
    """Give a file of mode 0600 to write to; it is there whole when the block ends, and not there when the block fails.

    Raises:
        FileExistsError: it exists and `replace` was not said.
    """
    draft = path.with_name(f".{path.name}.{threading.get_native_id()}.new")
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, PRIVATE_FILE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _put_in_place(draft, path, replace=replace)
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(path.parent)


def delete_private_file(path: Path) -> None:
    """Overwrite a file with zeros, then remove it; what journals and flash memory still hold is beyond any program."""
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
    _sync_folder(path.parent)


@contextmanager
def locking_folder(folder: Path) -> Iterator[None]:
    """Keep every other process and thread that locks this folder waiting until the block ends."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _put_in_place(draft: Path, path: Path, *, replace: bool) -> None:
    if replace:
        draft.replace(path)
    else:
        path.hardlink_to(draft)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
