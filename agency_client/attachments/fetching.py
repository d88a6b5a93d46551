"""Fetch the ciphertext of a received attachment in ranges, from where the last attempt was cut off.

What is kept is ciphertext, and complete only once its SHA-256 is the one that was signed for; what is not goes at once.
"""

import fcntl
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agency_client.attachments.folder import demand_room, find_incoming, read_pieces, write_all
from agency_client.errors import ConflictError, NotFoundError, VerificationFailedError
from agency_client.node import Node
from agency_client.profiles.private_files import PRIVATE_FILE_MODE
from agency_client.refusals import RefusedError
from keys.attachments import Measured, StreamMeter
from schemas.api import ATTACHMENTS_PATH
from schemas.attachments import MAX_PIECE_BYTES
from schemas.envelope import SealedAttachment

Progress = Callable[[int], None]
LOST_THERE = "attachment-lost"


class AttachmentForgedError(VerificationFailedError):
    """The exchange handed out other bytes than the sender signed for."""

    default_code = "attachment-forged"


class AttachmentGoneError(NotFoundError):
    """The exchange does not have the attachment for this agency, or not any more."""

    default_code = "attachment-gone"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A received attachment: whose message, under which id and digest, and what P says of the attachment."""

    sender: str
    message_id: str
    digest: str
    sealed: SealedAttachment


def fetch_attachment(node: Node, wanted: Wanted, progress: Progress = lambda _: None) -> Path:
    """Return the file with the ciphertext, fetched as far as it was not here.

    Raises:
        AttachmentForgedError: the bytes are not those the sender signed for; they were deleted.
        AttachmentGoneError: the exchange has nothing, or the agreement does not let it go.
        ConflictError: another process of this node is fetching it.
        DiskFullError: there is no room for it.
        OfflineError: the exchange was not reached; what came is kept.
    """
    path = find_incoming(node.profile, wanted.digest, wanted.sealed.id)
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE_FILE_MODE)
    try:
        _lock(descriptor)
        _fetch_rest(node, wanted, descriptor, progress)
    finally:
        os.close(descriptor)
    if not is_fetched(path, wanted.sealed):
        path.unlink(missing_ok=True)
        raise AttachmentForgedError(
            f"the exchange handed out other bytes than {wanted.sender} signed for; they were deleted",
            fix="try once more; if it stays so, call the partner's duty desk",
        )
    return path


def is_fetched(path: Path, sealed: SealedAttachment) -> bool:
    """Return whether a file is the ciphertext that was signed for, to the last byte."""
    meter = StreamMeter()
    try:
        for piece in read_pieces(path):
            meter.add(piece)
    except FileNotFoundError:
        return False
    return meter.measured == Measured(sealed.sha256, sealed.size)


def _lock(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise ConflictError("another process is fetching this attachment", code="fetch-running") from error


def _fetch_rest(node: Node, wanted: Wanted, descriptor: int, progress: Progress) -> None:
    size, offset = wanted.sealed.size, os.lseek(descriptor, 0, os.SEEK_END)
    if offset > size:
        os.ftruncate(descriptor, 0)
        offset = os.lseek(descriptor, 0, os.SEEK_SET)
    demand_room(node.profile.folder, size - offset)
    progress(offset)
    address = f"{ATTACHMENTS_PATH}/{wanted.sender}/{wanted.message_id}/{wanted.sealed.id}"
    while offset < size:
        count = min(MAX_PIECE_BYTES, size - offset)
        write_all(descriptor, _read_range(node, address, offset, count))
        offset += count
        progress(count)
    os.fsync(descriptor)


def _read_range(node: Node, address: str, offset: int, count: int) -> bytes:
    try:
        return node.connection.read_range(address, offset, count)
    except NotFoundError as error:
        raise AttachmentGoneError(
            "the exchange does not have this attachment for this agency any more",
            fix="ask its sender to send it again",
        ) from error
    except RefusedError as error:
        if error.code != LOST_THERE:
            raise
        raise AttachmentGoneError(
            "the exchange had this attachment for this agency and has lost its bytes",
            code=LOST_THERE,
            fix="ask its sender to send it again, and tell the operator of the exchange",
        ) from error
