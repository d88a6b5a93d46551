"""Attachments on the wire: limits, what is announced and answered while one is uploaded, and how P, M and alert agree.

The ciphertext of an attachment never stands in an envelope: P names it, M has its key. This module knows shapes and
sizes; sealing and opening are in `keys.attachments`.
"""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from schemas.envelope import MessageAttachment, Payload, SealedAttachment
from schemas.model import Digest, Size, Uuid, WireModel

MAX_ATTACHMENT_BYTES = 1 << 30
MAX_PIECE_BYTES = 4 << 20
"""How much of an attachment one request carries, up or down."""
UNREFERENCED_HOURS = 24
"""How long an upload that no message names is kept, from its announcement."""

OFFSET_HEADER = "Upload-Offset"
PIECE_MEDIA_TYPE = "application/partial-upload"
CONTENT_MEDIA_TYPE = "application/octet-stream"

_CHUNK_BYTES = 16_384
_FRAME_BYTES, _TAG_BYTES = 56, 16


def measure_sealed(plain_bytes: int) -> int:
    """Return how many bytes Cobblestone-256 makes of a plaintext of so many: a frame, and a tag for each chunk."""
    return plain_bytes + _FRAME_BYTES + _TAG_BYTES * (plain_bytes // _CHUNK_BYTES + 1)


MAX_SEALED_BYTES = measure_sealed(MAX_ATTACHMENT_BYTES)


class Announcement(WireModel):
    """An upload to come: of which message of the caller's, and SHA-256 and size of the ciphertext."""

    message: Uuid
    id: Uuid
    sha256: Digest
    size: Annotated[int, Field(ge=1, le=MAX_SEALED_BYTES)]


class UploadAnswer(WireModel):
    """How far an upload has come: `offset` bytes are durable; `complete` once they are the ones announced."""

    message: Uuid
    id: Uuid
    offset: Size
    complete: bool


class AttachmentsError(ValueError):
    """What P, M and the alert say of attachments does not agree."""

    code = "attachments-refused"


def measure_content(payload: Payload) -> int:
    """Return how many bytes of ciphertext a message has in all, its attachments' too: what an agreement limits."""
    return payload.body.size + sum(item.size for item in payload.attachments)


def verify_attachments_agree(
    sealed: Sequence[SealedAttachment], inside: Sequence[MessageAttachment], noted_ids: Sequence[str]
) -> None:
    """Verify that P and M name the same attachments in the same order, and the alert speaks of each.

    The alert may speak of more: what it names beyond them did not travel with this message.

    Raises:
        AttachmentsError: they do not, one stands twice, or a size cannot be that of what M says is inside.
    """
    ids = [item.id for item in sealed]
    if ids != [item.id for item in inside]:
        raise AttachmentsError("attachments: the envelope and the message inside name different ones")
    if len(set(ids)) != len(ids):
        raise AttachmentsError("attachments: one stands there twice")
    for outer, inner in zip(sealed, inside, strict=True):
        if inner.id not in noted_ids:
            raise AttachmentsError(f"attachments: the alert does not speak of {inner.id}")
        if inner.size > MAX_ATTACHMENT_BYTES or outer.size != measure_sealed(inner.size):
            raise AttachmentsError(f"attachments: the size of {inner.id} is not that of its ciphertext")
