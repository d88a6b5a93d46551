"""The bytes of attachments as files: one private file each in a folder beside the database, named by checked ids.

    FOLDER/SENDER/MESSAGE.ATTACHMENT

What is acknowledged was synced. Nothing here decides: a key comes from a row that was announced, never from a request.
"""

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from broker.attachments.contents import ContentsFullError
from broker.attachments.rules import ByteRange, UploadKey
from broker.durable_files import sync_file, sync_folder
from schemas.codec import b64u_encode

_READ_BYTES = 1 << 20
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class AttachmentFiles:
    """The files of one exchange. Every call may wait for the disk: never on the event loop's thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: set[Path] = set()

    def measure(self, key: UploadKey) -> int | None:
        """Return how many bytes are stored and durable; None where there is no file."""
        path = self._path(key)
        try:
            sync_file(path)
            self._know(path.parent)
            return path.stat().st_size
        except FileNotFoundError:
            return None

    def measure_free(self) -> int:
        """Return how many bytes the disk has left."""
        self._know(self._folder)
        return shutil.disk_usage(self._folder).free

    def open_piece(self, key: UploadKey) -> "_OpenFile":
        """Return what writes to the file; it is made, and known to its folder for good, if need be."""
        path = self._path(key)
        self._know(path.parent)
        is_new = not path.exists()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        if is_new:
            sync_folder(path.parent)
        return _OpenFile(descriptor)

    def compute_sha256(self, key: UploadKey) -> str:
        """Return the SHA-256 of the stored bytes."""
        digest = hashlib.sha256()
        with self._path(key).open("rb") as file:
            while piece := file.read(_READ_BYTES):
                digest.update(piece)
        return b64u_encode(digest.digest())

    def read(self, key: UploadKey, part: ByteRange) -> bytes:
        """Return the bytes of a part; fewer where the file ends before.

        Nothing stays open behind it: whoever waits for this in a thread may be gone before it ends.

        Raises:
            FileNotFoundError: there is no such file.
        """
        descriptor = os.open(self._path(key), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            return os.pread(descriptor, part.count, part.start)
        finally:
            os.close(descriptor)

    def remove(self, key: UploadKey) -> None:
        """Remove the file, if there is one."""
        self._path(key).unlink(missing_ok=True)

    def list_keys(self) -> Iterator[UploadKey]:
        """Yield the key of every file, sound or not."""
        for folder in self._folder.glob("*/"):
            yield from _list_files(folder)

    def list_page(self, after: UploadKey | None, limit: int) -> list[UploadKey]:
        """Return the first `limit` of those keys behind one, or of all, in their order, and read no folder more."""
        page: list[UploadKey] = []
        for folder in sorted(self._folder.glob("*/")):
            if after is None or folder.name >= after.sender:
                page += sorted(key for key in _list_files(folder) if after is None or key > after)
            if len(page) >= limit:
                break
        return page[:limit]

    def _know(self, folder: Path) -> None:
        """Make a folder if need be, and let its names be durable: a broker that was killed may not have come so far.

        Once in this process: what it makes later it syncs itself.
        """
        if folder in self._known and folder.is_dir():
            return
        if folder != self._folder:
            self._know(self._folder)
        folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(folder)
        sync_folder(folder.parent)
        self._known.add(folder)

    def _path(self, key: UploadKey) -> Path:
        return self._folder / key.sender / f"{key.message}.{key.id}"


def _list_files(folder: Path) -> Iterator[UploadKey]:
    for path in folder.iterdir():
        message, _, attachment_id = path.name.partition(".")
        yield UploadKey(folder.name, message, attachment_id)


class _OpenFile:
    """A file that one request writes to; nobody else does, for an upload takes one request at a time."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, data: bytes, offset: int) -> None:
        view = memoryview(data)
        try:
            while view:
                written = os.pwrite(self._descriptor, view, offset)
                view, offset = view[written:], offset + written
        except OSError as error:
            if error.errno in _FULL:
                raise ContentsFullError(error.errno, "no room is left") from error
            raise

    def close(self) -> None:
        try:
            os.fsync(self._descriptor)
        finally:
            os.close(self._descriptor)
