"""Receipts: what a recipient agency says it did with messages, sealed for their sender. No officer is named.

The broker's own receipts are leaves of its log (`schemas.log.records`).
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from schemas.codec import b64u_encode, hash_domain
from schemas.envelope import WrappedKey
from schemas.model import AgencyId, Base64Url, Code, Digest, ExchangeName, Salt, Timestamp, Uuid, WireModel

MAX_MESSAGES_PER_RECEIPT = 256
MAX_RECEIPT_BYTES = 128 * 1024


class ReceiptType(StrEnum):
    """What happened to a message at the recipient."""

    HANDED_OVER = "handed-over"
    VERIFIED = "verified"
    UNVERIFIABLE = "unverifiable"
    OPENED = "opened"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    ACTED = "acted"
    ERASED = "erased"


class ReceiptedMessage(WireModel):
    """One message a receipt covers, and the coded reason where the type has one."""

    id: Uuid
    digest: Digest
    reason: Code | None = None


class Receipt(WireModel):
    """What a recipient signs (typ `bilateral-receipt`): `from_agency` received the messages, `to_agency` sent them."""

    v: Literal[1]
    exchange: ExchangeName
    salt: Salt
    type: ReceiptType
    from_agency: AgencyId
    to_agency: AgencyId
    time: Timestamp
    late: bool
    messages: Annotated[tuple[ReceiptedMessage, ...], Field(min_length=1, max_length=MAX_MESSAGES_PER_RECEIPT)]


class SealedReceipt(WireModel):
    """What travels: the broker sees the digest of the receipt's payload, its type, from and to."""

    v: Literal[1]
    exchange: ExchangeName
    type: ReceiptType
    from_agency: AgencyId
    to_agency: AgencyId
    digest: Digest
    recipient: WrappedKey
    ciphertext: Annotated[Base64Url, Field(max_length=(MAX_RECEIPT_BYTES * 4 + 2) // 3)]


def compute_receipt_digest(payload: bytes) -> str:
    """Return hash("receipt", payload) of the signed receipt's payload."""
    return b64u_encode(hash_domain("receipt", payload))
