"""Which statuses and access-log heads are accepted. Pure: documents, timelines, what stands before, and the time.

The signature is verified by `verify_status` and `verify_head` before the writer's turn; whether a document continues
what stands is asked in it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from broker.http.refusal import refuse
from keys.signing import verify_document
from keys.timeline import MemberTimeline
from schemas.api import AccessLogHead
from schemas.codec import MAX_DOCUMENT_VALUES, MAX_INTEGER, demand_few_values, hash_text
from schemas.envelope import MAX_CLOCK_AHEAD_SECONDS
from schemas.key_documents import AgencyClass
from schemas.signed import DocumentType, KeyUse, SignedDocument, read_signatures
from schemas.status import MAX_STATUS_BYTES, Status, digest_status

MAX_HEAD_BYTES = 4 * 1024


@dataclass(frozen=True, slots=True)
class VerifiedStatus:
    """A status by a receipt key of its agency; `kids` name the key."""

    document: SignedDocument
    status: Status
    digest: str
    kids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VerifiedHead:
    """An access-log head by a receipt key of its agency; `kids` name the key."""

    head: AccessLogHead
    digest: str
    kids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Signer:
    """Who must have signed: the caller and its node, its timeline, the exchange's name, and the moment."""

    agency: str
    node: str
    timeline: MemberTimeline
    exchange: str
    now: datetime


def verify_status(document: SignedDocument, signer: Signer) -> VerifiedStatus:
    """Verify a status by itself: form, exchange, signer, time, signatures.

    Raises:
        RefusedError, KeysError, CodecError: naming what failed.
    """
    payload = document.payload_bytes
    demand_few_values(payload, MAX_DOCUMENT_VALUES)
    status = Status.from_canonical(payload, max_bytes=MAX_STATUS_BYTES)
    _verify_place(status.exchange, status.agency, signer)
    if status.partner == status.agency:
        raise refuse("status-refused", "a status is for a partner, not for its own signer", field="partner")
    _verify_time(status.time, signer.now)
    kids = _verify_signatures(document, DocumentType.STATUS, signer)
    return VerifiedStatus(document, status, digest_status(payload), kids)


def verify_head(document: SignedDocument, signer: Signer) -> VerifiedHead:
    """Verify an access-log head by itself: form, exchange, signer and node, time, signatures.

    Raises:
        RefusedError, KeysError, CodecError: naming what failed.
    """
    payload = document.payload_bytes
    head = AccessLogHead.from_canonical(payload, max_bytes=MAX_HEAD_BYTES)
    _verify_place(head.exchange, head.agency, signer)
    if head.node != signer.node:
        sentence = f"the head is of the node {head.node}, the caller is {signer.node}"
        raise refuse("access-log-head-refused", sentence, field="node")
    _verify_time(head.time, signer.now)
    kids = _verify_signatures(document, DocumentType.ACCESS_LOG_HEAD, signer)
    return VerifiedHead(head, hash_text("access-log-head", payload), kids)


def verify_key_in_force(kids: tuple[str, ...], timeline: MemberTimeline, now: datetime) -> None:
    """Verify that the receipt key that signed may still sign.

    Raises:
        KeysError: it may not.
    """
    timeline.find_signing_keys(KeyUse.RECEIPT, kids, MAX_INTEGER, now)


def verify_partner(partner: MemberTimeline | None, name: str) -> None:
    """Verify that a status goes to an agency of this exchange.

    Raises:
        RefusedError: `recipient-refused`.
    """
    if partner is None or partner.agency_class is not AgencyClass.AGENCY:
        raise refuse("recipient-refused", f"{name} is no agency of this exchange", field="partner")


def verify_status_follows(status: Status, seq: int, digest: str | None, time: datetime | None) -> None:
    """Verify that a status continues the chain whose newest has number `seq` (0 for none) and this digest and time.

    Numbers may be passed over: what they named was in a log that was lost, or went to the partner as a file. The
    partner holds the chain itself.

    Raises:
        RefusedError: `chain-conflict`, saying what is expected.
    """
    is_next = status.seq == seq + 1
    continues = status.prev == digest if is_next else status.seq > seq and status.prev is not None
    if not continues:
        predecessor = f"with prev {digest}" if digest else "without prev"
        sentence = f"status {status.seq} does not follow status {seq}: expected is seq {seq + 1} {predecessor}, or more"
        raise refuse("chain-conflict", sentence, field="seq")
    if time is not None and status.time < time:
        raise refuse("chain-conflict", "a status cannot be older than the one before it", field="time")


def verify_head_follows(head: AccessLogHead, count: int, newest: str) -> None:
    """Verify that a head continues the one before it: an access log only grows.

    Raises:
        RefusedError: `access-log-head-refused`.
    """
    if head.count < count:
        sentence = f"the head covers {head.count} entries, the one before it {count}: an access log never shrinks"
        raise refuse("access-log-head-refused", sentence, field="count")
    if head.count == count and head.head != newest:
        sentence = f"another head was handed in for the same {count} entries: an access log is never rewritten"
        raise refuse("access-log-head-refused", sentence, field="head")


def _verify_place(exchange: str, agency: str, signer: Signer) -> None:
    if agency != signer.agency:
        raise refuse("not-the-sender", f"the document is of {agency}, the caller is {signer.agency}", field="agency")
    if exchange != signer.exchange:
        raise refuse("wrong-exchange", f"the document is for {exchange}, this is {signer.exchange}", field="exchange")


def _verify_time(time: datetime, now: datetime) -> None:
    if time > now + timedelta(seconds=MAX_CLOCK_AHEAD_SECONDS):
        sentence = f"it lies more than {MAX_CLOCK_AHEAD_SECONDS} seconds ahead of this exchange's clock"
        raise refuse("wrong-time", sentence, field="time")


def _verify_signatures(document: SignedDocument, document_type: DocumentType, signer: Signer) -> tuple[str, ...]:
    slots = read_signatures(document.payload, document.signatures, document_type)
    kids = tuple(slot.header.kid for slot in slots)
    jwks = signer.timeline.find_signing_keys(KeyUse.RECEIPT, kids, MAX_INTEGER, signer.now)
    verify_document(document, document_type, jwks)
    return kids
