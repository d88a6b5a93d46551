"""Where ciphertexts of attachments lie in a profile: those on their way out, and those that were fetched.

    PROFILE/attachments/out/MESSAGE.ATTACHMENT       until the message's sealed bytes are dropped
    PROFILE/attachments/in/DIGEST.ATTACHMENT         until the message's content is erased

Ciphertext only, files of mode 0600. The keys are in the messages' content, which the store encrypts and erases: what
lies here without it is noise.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agency_client.errors import ClientError
from agency_client.profiles.private_files import PRIVATE_FILE_MODE, make_private_folder
from agency_client.profiles.profile import Profile

LOCK = "attachments"
LOCK_SECONDS = 120.0
PIECE_BYTES = 1 << 20
RESERVED_BYTES = 64 << 20
"""How much of a disk stays free whatever is attached: the store must always find room."""


class DiskFullError(ClientError):
    """There is no room for a file."""

    default_code = "disk-full"


@dataclass(frozen=True, slots=True)
class KeptFile:
    """One ciphertext: of which message (its id on the way out, its digest on the way in), and which attachment."""

    path: Path
    message: str
    attachment: str


def find_outgoing(profile: Profile, message_id: str, attachment_id: str) -> Path:
    """Return where the ciphertext of an attachment lies that is to be uploaded."""
    return _make_folder(profile, "out") / f"{message_id}.{attachment_id}"


def find_incoming(profile: Profile, digest: str, attachment_id: str) -> Path:
    """Return where the ciphertext of a received attachment lies, or will."""
    return _make_folder(profile, "in") / f"{digest}.{attachment_id}"


def list_outgoing(profile: Profile) -> Iterator[KeptFile]:
    """Yield every ciphertext on its way out."""
    return _list(profile, "out")


def list_incoming(profile: Profile) -> Iterator[KeptFile]:
    """Yield every ciphertext that was fetched, whole or in part."""
    return _list(profile, "in")


def demand_room(folder: Path, coming_bytes: int) -> None:
    """Verify that a folder's disk has room for so many bytes more.

    Raises:
        DiskFullError: there would be too little left.
    """
    free = shutil.disk_usage(folder).free
    if coming_bytes and free - coming_bytes < RESERVED_BYTES:
        raise DiskFullError(
            f"{coming_bytes} bytes are to be written and {free} are free: too little would be left for everything else",
            fix="free some space",
        )


def create_file(path: Path) -> int:
    """Return a descriptor of a new private file.

    Raises:
        FileExistsError: something lies there.
    """
    return os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE_FILE_MODE)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of it.

    Raises:
        DiskFullError: there is no room.
    """
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except OSError as error:
        raise DiskFullError(f"the file cannot be written: {error.strerror}", fix="free some space") from error


def read_pieces(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes, a piece at a time."""
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def _make_folder(profile: Profile, name: str) -> Path:
    folder = profile.folder / "attachments" / name
    if not folder.is_dir():
        make_private_folder(folder.parent)
        make_private_folder(folder)
    return folder


def _list(profile: Profile, name: str) -> Iterator[KeptFile]:
    folder = profile.folder / "attachments" / name
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        message, _, attachment = path.name.rpartition(".")
        yield KeptFile(path, message, attachment)
