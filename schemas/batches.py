"""Several things handed in with one request, each answered on its own: what stands in the request and in the answer.

A batch is a way to travel and nothing more. No member knows of another, nothing signed names the batch, and each is
judged, accepted or refused as if it had come alone. So only the frame is refused as a whole.
"""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from schemas.api import LoggedRecord, Note, Proof
from schemas.codec import decode_canonical, encode_canonical, name_field
from schemas.envelope import Envelope
from schemas.model import DocumentError, WireModel
from schemas.problems import ProblemDocument
from schemas.receipts import SealedReceipt

MAX_BATCH_MEMBERS = 64
MAX_MESSAGE_BATCH_BYTES = 4 * 1024 * 1024
MAX_RECEIPT_BATCH_BYTES = 1024 * 1024
MAX_RETRY_SECONDS = 86_400


class EnvelopeBatch(WireModel):
    """Envelopes to accept, each on its own, in this order."""

    envelopes: Annotated[tuple[Envelope, ...], Field(min_length=1, max_length=MAX_BATCH_MEMBERS)]


class ReceiptBatch(WireModel):
    """Sealed receipts to pass on, each on its own, in this order."""

    receipts: Annotated[tuple[SealedReceipt, ...], Field(min_length=1, max_length=MAX_BATCH_MEMBERS)]


class AcceptedMember(WireModel):
    """A member that is in the log: its leaf, the leaf's proof under the answer's checkpoint, and whether it is new."""

    type: Literal["accepted"]
    new: bool
    leaf: LoggedRecord
    proof: Proof


class RefusedMember(WireModel):
    """A member that was not accepted, and the problem that it would have been answered with alone.

    `retry_after_seconds` is what would have stood in `Retry-After`.
    """

    type: Literal["refused"]
    problem: ProblemDocument
    retry_after_seconds: Annotated[int, Field(ge=1, le=MAX_RETRY_SECONDS)] | None = None


BatchMember = Annotated[AcceptedMember | RefusedMember, Field(discriminator="type")]


class BatchAnswer(WireModel):
    """What became of each member of a batch, in the order of the request, all under one checkpoint."""

    members: Annotated[tuple[BatchMember, ...], Field(min_length=1, max_length=MAX_BATCH_MEMBERS)]
    checkpoint: Note


def split_batch(unverified_data: bytes, name: str, *, max_bytes: int) -> tuple[bytes, ...]:
    """Return the canonical bytes of each member of the batch `{name: [members]}`, whatever those are.

    A member of a wrong shape is its own matter; one that is not canonical spoils the whole, for then its bytes are not
    known to be those that were meant.

    Raises:
        CodecError: the whole is too large or not canonical JSON.
        DocumentError: the frame is of another shape, or has none or too many members.
    """
    value = decode_canonical(unverified_data, max_bytes=max_bytes)
    if not isinstance(value, dict):
        raise DocumentError("batch", "", "an object is expected")
    if value.keys() != {name}:
        wrong = next((other for other in value if other != name), name)
        raise DocumentError("batch", name_field(wrong), f"{name} stands there, and nothing else")
    members = value[name]
    if not isinstance(members, list) or not 1 <= len(members) <= MAX_BATCH_MEMBERS:
        raise DocumentError("batch", name, f"a list of 1 to {MAX_BATCH_MEMBERS} members is expected")
    return tuple(map(encode_canonical, members))


def join_batch(name: str, members: Iterable[bytes]) -> bytes:
    """Return the batch `{name: [members]}` of members that are canonical already, without reading them again."""
    return b'{"' + name.encode("ascii") + b'":[' + b",".join(members) + b"]}"
