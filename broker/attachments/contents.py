"""The bytes of attachments, wherever they are kept: files beside a SQLite database, or rows of a shared one.

Every call may wait for the disk: never on the event loop's thread.
"""

from collections.abc import Iterable
from typing import Protocol

from broker.attachments.rules import ByteRange, UploadKey


class ContentsFullError(OSError):
    """No room is left. What was written before stays."""


class UploadMovedError(Exception):
    """Another request has written to this upload meanwhile, through another broker: it no longer stands there."""


class Piece(Protocol):
    """An upload that is being written to. To be closed."""

    def write(self, data: bytes, offset: int) -> None:
        """Write all of `data` at an offset, which is where the upload stands.

        Raises:
            ContentsFullError: there is no room for all of it.
            UploadMovedError: the upload no longer stands there.
        """
        ...

    def close(self) -> None:
        """Make durable what was written."""
        ...


class AttachmentContents(Protocol):
    """The bytes of all attachments of one exchange."""

    def measure(self, key: UploadKey) -> int | None:
        """Return how many bytes are stored and durable; None where there are none."""
        ...

    def measure_free(self) -> int:
        """Return for how many bytes there is room."""
        ...

    def open_piece(self, key: UploadKey) -> Piece:
        """Return what writes to an upload."""
        ...

    def compute_sha256(self, key: UploadKey) -> str:
        """Return the SHA-256 of the stored bytes."""
        ...

    def read(self, key: UploadKey, part: ByteRange) -> bytes:
        """Return the bytes of a part; fewer where they end before.

        Raises:
            FileNotFoundError: nothing is stored.
        """
        ...

    def remove(self, key: UploadKey) -> None:
        """Remove the bytes, if there are any: those that nobody's row speaks of, or that are not the ones announced."""
        ...

    def list_keys(self) -> Iterable[UploadKey]:
        """Yield the key of everything stored, sound or not."""
        ...

    def list_page(self, after: UploadKey | None, limit: int) -> list[UploadKey]:
        """Return the first `limit` of those keys behind one, or of all, in their order."""
        ...
