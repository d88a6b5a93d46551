"""The status a node signs for one partner: how far everything stands that a broker could hide from it.

It is what makes withholding visible: the partner compares it with what it was given. `schemas.status` is the shape and
its chain; when one must be made and what its age means is the client's business.
"""

from typing import Annotated, Literal

from pydantic import Field

from schemas.codec import hash_text
from schemas.envelope import SeenCheckpoint
from schemas.model import AgencyId, Counter, Digest, ExchangeName, Kid, Size, StreamId, Timestamp, Uuid, WireModel

MAX_STATUS_BYTES = 128 * 1024


class ChainHead(WireModel):
    """The newest step of the signer's own chain of one agreement."""

    agreement: Uuid
    party_seq: Counter
    head: Digest


class StreamPosition(WireModel):
    """The last number of one stream to the partner, and the voided ones (refused, returned, expired, withdrawn)."""

    stream: StreamId
    last: Size
    voided: Annotated[tuple[Counter, ...], Field(max_length=4096)]


class Status(WireModel):
    """A status (typ `bilateral-status`); `prev` is the digest of the one before it to the same partner.

    `chains_left_out` is how many chains with that partner it has no room for: those that were spoken in longest ago.
    """

    v: Literal[1]
    exchange: ExchangeName
    agency: AgencyId
    partner: AgencyId
    seq: Counter
    prev: Digest | None = None
    time: Timestamp
    keyset: Counter
    revoked: Annotated[tuple[Kid, ...], Field(max_length=256)]
    chains: Annotated[tuple[ChainHead, ...], Field(max_length=256)]
    chains_left_out: Counter | None = None
    streams: Annotated[tuple[StreamPosition, ...], Field(max_length=64)]
    checkpoint: SeenCheckpoint


def digest_status(payload: bytes) -> str:
    """Return the digest of a status' payload, the value `prev` names."""
    return hash_text("status", payload)
