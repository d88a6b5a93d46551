"""What may be uploaded, named by a message, and read. Pure: facts and times come in, a refusal or nothing comes out.

Left to the caller: who calls, and to load the facts in the transaction or snapshot that acts on them.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from broker.http.refusal import Refusal
from schemas.attachments import MAX_PIECE_BYTES, UNREFERENCED_HOURS, Announcement
from schemas.envelope import SealedAttachment

UNREFERENCED_KEPT = timedelta(hours=UNREFERENCED_HOURS)
_RETRY_QUOTA_SECONDS = 300
_RETRY_STORAGE_SECONDS = 300
_RANGE = re.compile(r"bytes=(0|[1-9][0-9]{0,14})-(0|[1-9][0-9]{0,14})", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class UploadKey:
    """Which attachment: of which message of which sender."""

    sender: str
    message: str
    id: str


@dataclass(frozen=True, slots=True)
class StoredUpload:
    """An announced attachment as it stands in the database; `ends_at` as in `broker.attachments.tables`."""

    key: UploadKey
    sha256: str
    size: int
    announced_at: datetime
    completed_at: datetime | None
    ends_at: datetime | None

    def is_announced_as(self, announcement: Announcement) -> bool:
        """Return whether the same bytes were announced."""
        return (self.sha256, self.size) == (announcement.sha256, announcement.size)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a member has here: uploads that no message names yet, all its attachments, and their bytes as announced."""

    unreferenced: int
    attachments: int
    stored_bytes: int


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one member may have here at once, and how many bytes of the disk stay free whatever comes.

    Attachments are counted as well as measured: a file of one byte takes a block, and a place in every list.
    """

    max_unreferenced: int
    max_attachments: int
    max_stored_bytes: int
    reserved_bytes: int


@dataclass(frozen=True, slots=True)
class NamedAttachment:
    """An attachment as a message names it, and what its sender has uploaded for that message under its id, if any."""

    sealed: SealedAttachment
    upload: StoredUpload | None


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a message is not accepted with an attachment: a code, a sentence, and the member it is about."""

    code: str
    sentence: str
    field: str


@dataclass(frozen=True, slots=True)
class ByteRange:
    """A part of an attachment: its first byte, and how many."""

    start: int
    count: int


def judge_announcement(
    announcement: Announcement, known: StoredUpload | None, usage: Usage, allowance: Allowance, free_bytes: int
) -> Refusal | None:
    """Return why an upload cannot begin or go on, or nothing."""
    if known is not None:
        if known.is_announced_as(announcement):
            return None
        sentence = f"other bytes were announced for the attachment {announcement.id} of this message"
        return Refusal("digest-conflict", sentence, "sha256")
    if usage.unreferenced >= allowance.max_unreferenced:
        sentence = (
            f"{usage.unreferenced} attachments were uploaded or begun that no message names; "
            f"send their messages, or wait until they go after {UNREFERENCED_HOURS} hours"
        )
        return Refusal("upload-quota-exhausted", sentence, retry_after_seconds=_RETRY_QUOTA_SECONDS)
    if usage.attachments >= allowance.max_attachments:
        sentence = f"this member has {usage.attachments} attachments here; they go when their messages' delivery ends"
        return Refusal("upload-quota-exhausted", sentence, retry_after_seconds=_RETRY_QUOTA_SECONDS)
    if usage.stored_bytes + announcement.size > allowance.max_stored_bytes:
        sentence = (
            f"this member's attachments here have {usage.stored_bytes} bytes, {announcement.size} more would pass "
            f"{allowance.max_stored_bytes}; they go when their messages' delivery ends"
        )
        return Refusal("upload-quota-exhausted", sentence, "size", retry_after_seconds=_RETRY_QUOTA_SECONDS)
    return judge_room(announcement.size, allowance, free_bytes)


def judge_room(coming_bytes: int, allowance: Allowance, free_bytes: int) -> Refusal | None:
    """Return why so many bytes cannot be stored now, or nothing: the log and the messages must always find room."""
    if free_bytes - coming_bytes >= allowance.reserved_bytes:
        return None
    sentence = "the exchange's disk has no room for this attachment now; what was stored of it is kept"
    return Refusal("storage-full", sentence, retry_after_seconds=_RETRY_STORAGE_SECONDS)


def judge_piece(upload: StoredUpload, durable_bytes: int, offset: int, length: int) -> Refusal | None:
    """Return why a piece is not taken, or nothing: it begins where the stored bytes end, and does not pass the end."""
    if upload.completed_at is not None:
        return Refusal("upload-conflict", "the attachment is complete; nothing is added to it", "Upload-Offset")
    if offset != durable_bytes:
        sentence = f"{durable_bytes} bytes are stored, the piece begins at {offset}; announce it again and go on there"
        return Refusal("upload-conflict", sentence, "Upload-Offset")
    if offset + length > upload.size:
        sentence = f"the piece ends at byte {offset + length}, {upload.size} were announced"
        return Refusal("attachments-refused", sentence, "size")
    return None


def find_objections(named: Sequence[NamedAttachment], *, is_aftercare: bool) -> Iterator[Objection]:
    """Yield why a message may not name these attachments: each must be there, complete, and the one it was signed for.

    What follows another message up passes outside quotas and in every state of an agreement, so it carries none.
    """
    if named and is_aftercare:
        sentence = "what follows a message up carries no attachments; send them with a message of their own"
        yield Objection("attachments-with-aftercare", sentence, "attachments")
        return
    ids = [item.sealed.id for item in named]
    for position, item in enumerate(named):
        field = f"attachments.{position}"
        if ids.index(item.sealed.id) != position:
            yield Objection("attachment-twice", f"the attachment {item.sealed.id} stands twice", f"{field}.id")
        elif item.upload is None:
            sentence = f"no attachment {item.sealed.id} was uploaded by its sender for this message; upload it first"
            yield Objection("attachment-missing", sentence, f"{field}.id")
        elif (item.upload.sha256, item.upload.size) != (item.sealed.sha256, item.sealed.size):
            sentence = f"other bytes were uploaded as {item.sealed.id} than the message was signed with"
            yield Objection("attachment-other", sentence, f"{field}.sha256")
        elif item.upload.completed_at is None:
            sentence = f"the attachment {item.sealed.id} is not complete here; upload the rest first"
            yield Objection("attachment-incomplete", sentence, f"{field}.id")


def parse_range(text: str | None, size: int) -> ByteRange | Refusal:
    """Return the part of an attachment that a `Range` field asks for (RFC 9110 §14.1.2): one range, both ends given."""
    found = None if text is None else _RANGE.fullmatch(text)
    if found is None:
        sentence = f"ask for one range: Range: bytes=FIRST-LAST, at most {MAX_PIECE_BYTES} bytes"
        return Refusal("range-refused", sentence, "Range")
    first, last = int(found[1]), int(found[2])
    if not first <= last < size or last - first >= MAX_PIECE_BYTES:
        sentence = f"the attachment has {size} bytes, and at most {MAX_PIECE_BYTES} of them are given at once"
        return Refusal("range-refused", sentence, "Range")
    return ByteRange(first, last - first + 1)
