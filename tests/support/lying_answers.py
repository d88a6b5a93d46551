"""What a lying exchange answers when nobody tells it to lie: the honest answer, believing everything it is given."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from keys.generation import generate_id
from keys.sealing import ParsedEnvelope, parse_envelope
from schemas.agreements.steps import Step, digest_step
from schemas.api import (
    ACCESS_LOG_HEADS_PATH,
    ACKNOWLEDGE_PATH,
    AUDIT_PATH,
    CHECKPOINT_PATH,
    CONSISTENCY_PATH,
    COSIGNATURES_PATH,
    ENCRYPTION_KEYS_PATH,
    KEY_SETS_PATH,
    LEASE_PATH,
    LEAVES_PATH,
    MESSAGE_BATCHES_PATH,
    MESSAGES_PATH,
    RECEIPT_BATCHES_PATH,
    RECEIPTS_PATH,
    REVOCATIONS_PATH,
    STATUSES_PATH,
    STEPS_PATH,
    AcknowledgeAnswer,
    AcknowledgeRequest,
    AuditAnswer,
    AuditQuery,
    CheckpointAnswer,
    ConsistencyAnswer,
    Cosignature,
    CosignatureAnswer,
    CosignedNote,
    CosignedNotes,
    Evidence,
    EvidenceList,
    LeaseAnswer,
    LeaseRequest,
    LeavesAnswer,
    LoggedRecord,
    LoggedStep,
    MessageItem,
    OutcomeItem,
    RangeLeaf,
    ReceiptItem,
    ReceiptsRequest,
    StatusesAnswer,
    StepsAnswer,
)
from schemas.codec import b64u_decode, b64u_encode, hash_text
from schemas.envelope import Envelope, Reference
from schemas.key_documents import digest_key_document
from schemas.log.leaf import commit_record, make_leaf
from schemas.log.records import RecordType
from schemas.model import WireModel
from schemas.receipts import SealedReceipt
from schemas.signed import DocumentType, SignedDocument
from tests.support.lying_batches import take_message_batch, take_receipt_batch

if TYPE_CHECKING:
    from tests.support.lying_exchange import LyingExchange

_KEY_PATHS = {
    KEY_SETS_PATH: (RecordType.KEY_SET, DocumentType.KEY_SET),
    ENCRYPTION_KEYS_PATH: (RecordType.ENCRYPTION_KEYS, DocumentType.ENCRYPTION_KEYS),
    REVOCATIONS_PATH: (RecordType.REVOCATION, DocumentType.REVOCATION),
}
LEASE_SECONDS = 60


@dataclass(frozen=True)
class PlacedMessage:
    """A message in an inbox, with the leaf that the exchange says it was accepted by."""

    envelope: Envelope
    accepted: LoggedRecord


@dataclass(frozen=True)
class PlacedReceipt:
    """A receipt in an inbox."""

    receipt: SealedReceipt
    accepted: LoggedRecord


@dataclass(frozen=True)
class PlacedOutcome:
    """An outcome in an inbox."""

    leaf: LoggedRecord


Placed = PlacedMessage | PlacedReceipt | PlacedOutcome


def parse_envelope_kindly(envelope: Envelope) -> ParsedEnvelope:
    """Return the parts of an envelope; one whose ciphertext is not its own is read by what was signed."""
    from agency_client.receiving.sealed import read_sealed, strip_ciphertext

    try:
        return parse_envelope(envelope.canonical())
    except ValueError:
        sealed = read_sealed(strip_ciphertext(envelope))
        header_bytes = b64u_decode(sealed.payload.header)
        return ParsedEnvelope(
            envelope, sealed.payload, sealed.header, header_bytes, envelope.ciphertext_bytes, sealed.digest
        )


def make_record_leaf(logged: LoggedRecord) -> Any:
    commitment = commit_record(logged.record.to_wire(), b64u_decode(logged.salt))
    return make_leaf("public" if logged.record.is_public else "private", commitment)


def _take_key_document(exchange: "LyingExchange", agency: str, path: str, body: bytes) -> Evidence:
    record_type, document_type = _KEY_PATHS[path]
    document = SignedDocument.from_canonical(body)
    digest = digest_key_document(document_type, document.payload_bytes)
    return exchange.make_evidence(
        exchange.append(record_type, (agency,), agency=agency, digest=digest, document=document)
    )


_STEPS_AT_ONCE = 100


def _take_step(exchange: "LyingExchange", agency: str, body: bytes, query: Mapping[str, Any]) -> Evidence:
    document = SignedDocument.from_canonical(body)
    step = Step.from_canonical(document.payload_bytes)
    partner = next(
        known.terms.counterpart_of(agency)
        for known in [step, *(Step.from_canonical(item.payload_bytes) for item, _ in exchange.steps)]
        if known.terms is not None and known.digest == step.digest
    )
    logged = exchange.append(
        RecordType.AGREEMENT_STEP,
        (agency, partner),
        agency=agency,
        partner=partner,
        agreement=step.agreement,
        digest=digest_step(document.payload_bytes),
        step=step.action.value,
    )
    exchange.steps.append((document, logged))
    return exchange.make_evidence(logged)


def _show_steps(exchange: "LyingExchange", agency: str, body: bytes, query: Mapping[str, Any]) -> StepsAnswer:
    shown = [
        LoggedStep(document=document, leaf=leaf, proof=exchange.prove(leaf.index))
        for document, leaf in exchange.steps
        if leaf.index > int(query["after"]) and agency in leaf.record.concerns
    ]
    page = tuple(shown[:_STEPS_AT_ONCE])
    return StepsAnswer(steps=page, more=len(page) < len(shown), checkpoint=exchange.sign_note())


def _handle_steps(exchange: "LyingExchange", agency: str, body: bytes, query: Mapping[str, Any]) -> WireModel:
    return (_take_step if body else _show_steps)(exchange, agency, body, query)


def _take_message(exchange: "LyingExchange", agency: str, body: bytes, query: Mapping[str, Any]) -> Evidence:
    placed = exchange.accept(Envelope.from_canonical(body))
    if exchange.delivers:
        for recipient in parse_envelope(body).header.recipients:
            exchange.place(recipient.agency, placed)
    return exchange.make_evidence(placed.accepted)


def _lease(exchange: "LyingExchange", agency: str, body: bytes, query: Mapping[str, Any]) -> LeaseAnswer:
    waiting = exchange.inboxes.get(agency, {})
    if not waiting:
        return LeaseAnswer(withdrawn=(), items=(), more=False, checkpoint=exchange.sign_note())
    request = LeaseRequest.from_canonical(body)
    lease, left = request.lease or generate_id(), len(waiting) - request.max_items
    waiting = dict(sorted(waiting.items())[: request.max_items])
    handed_over = {
        number: _record_hand_over(exchange, agency, item, lease)
        for number, item in waiting.items()
        if isinstance(item, PlacedMessage)
    }
    items = tuple(_make_item(exchange, number, item, handed_over.get(number)) for number, item in waiting.items())
    return LeaseAnswer(
        lease=lease,
        leased_until=exchange.clock.now() + timedelta(seconds=LEASE_SECONDS),
        withdrawn=exchange.withdrawn.get(agency, ()),
        items=items,
        more=left > 0,
        checkpoint=exchange.sign_note(),
    )


def _record_hand_over(exchange: "LyingExchange", agency: str, item: PlacedMessage, lease: str) -> LoggedRecord:
    parsed = parse_envelope_kindly(item.envelope)
    sender = parsed.header.sender.agency
    return exchange.append(
        RecordType.MESSAGE_HANDED_OVER,
        (sender, agency),
        message=Reference(id=parsed.header.id, digest=parsed.digest),
        agency=sender,
        partner=agency,
        lease=lease,
    )


def _make_item(exchange: "LyingExchange", number: int, item: Placed, handed_over: LoggedRecord | None) -> Any:
    if isinstance(item, PlacedReceipt):
        proof = exchange.prove(item.accepted.index)
        return ReceiptItem(
            type="receipt", number=number, receipt=item.receipt, accepted=item.accepted, accepted_proof=proof
        )
    if isinstance(item, PlacedOutcome):
        return OutcomeItem(type="outcome", number=number, leaf=item.leaf, proof=exchange.prove(item.leaf.index))
    assert handed_over is not None
    return MessageItem(
        type="message",
        number=number,
        envelope=item.envelope,
        accepted=item.accepted,
        accepted_proof=exchange.prove(item.accepted.index),
        handed_over=handed_over,
        handed_over_proof=exchange.prove(handed_over.index),
    )


def _acknowledge(exchange: "LyingExchange", agency: str, body: bytes, query: Mapping[str, Any]) -> AcknowledgeAnswer:
    request = AcknowledgeRequest.from_canonical(body)
    settled = [number for number in request.numbers if exchange.inboxes.get(agency, {}).pop(number, None)]
    exchange.acknowledged += settled
    return AcknowledgeAnswer(settled=len(settled))


def _take_receipts(exchange: "LyingExchange", agency: str, body: bytes, query: Mapping[str, Any]) -> EvidenceList:
    leaves = []
    for receipt in ReceiptsRequest.from_canonical(body, max_bytes=64 << 20).receipts:
        leaf = log_receipt(exchange, receipt)
        exchange.place(receipt.to_agency, PlacedReceipt(receipt, leaf))
        leaves.append(leaf)
    proofs = tuple(exchange.prove(leaf.index) for leaf in leaves)
    return EvidenceList(leaves=tuple(leaves), proofs=proofs, checkpoint=exchange.sign_note())


def log_receipt(exchange: "LyingExchange", receipt: SealedReceipt, /, **changes: Any) -> LoggedRecord:
    """Log a receipt, whatever it is; `changes` are what the record falsely says."""
    members: dict[str, Any] = {
        "agency": receipt.from_agency,
        "partner": receipt.to_agency,
        "digest": receipt.digest,
        "receipt_type": receipt.type.value,
    }
    return exchange.append(RecordType.RECEIPT, (receipt.from_agency, receipt.to_agency), **members | changes)


def _take_status(exchange: "LyingExchange", agency: str, body: bytes, query: Mapping[str, Any]) -> WireModel:
    if not body:
        return StatusesAnswer(statuses=(), checkpoint=exchange.sign_note())
    document = SignedDocument.from_canonical(body)
    digest = hash_text("status", document.payload_bytes)
    return exchange.make_evidence(
        exchange.append(RecordType.STATUS, (agency,), agency=agency, partner="XX", digest=digest)
    )


def _take_head(exchange: "LyingExchange", agency: str, body: bytes, query: Mapping[str, Any]) -> WireModel:
    from schemas.api import AccessLogHead

    document = SignedDocument.from_canonical(body)
    head = AccessLogHead.from_canonical(document.payload_bytes)
    digest = hash_text("access-log-head", document.payload_bytes)
    return exchange.make_evidence(
        exchange.append(RecordType.ACCESS_LOG_HEAD, (agency,), agency=agency, digest=digest, count=head.count)
    )


def _show_checkpoint(exchange: "LyingExchange", agency: str, body: bytes, query: Mapping[str, Any]) -> WireModel:
    return CheckpointAnswer(checkpoint=exchange.sign_note())


def _show_consistency(exchange: "LyingExchange", agency: str, body: bytes, query: Mapping[str, Any]) -> WireModel:
    old, new = int(query["from"]), int(query["to"])
    proof = tuple(b64u_encode(item) for item in exchange.tree.consistency_proof(old, new))
    return ConsistencyAnswer(old_size=old, proof=proof, checkpoint=exchange.sign_note())


def _show_leaves(exchange: "LyingExchange", agency: str, body: bytes, query: Mapping[str, Any]) -> WireModel:
    start, end = int(query["start"]), int(query["end"])
    leaves = tuple(_show_leaf(logged) for logged in exchange.records[start:end])
    return LeavesAnswer(start=start, leaves=leaves, checkpoint=exchange.sign_note())


def _show_leaf(logged: LoggedRecord) -> RangeLeaf:
    leaf = make_record_leaf(logged)
    if not logged.record.is_public:
        return RangeLeaf(leaf_class="private", commitment=leaf.commitment)
    return RangeLeaf(leaf_class="public", commitment=leaf.commitment, record=logged.record, salt=logged.salt)


def _answer_auditor(exchange: "LyingExchange", agency: str, body: bytes, query: Mapping[str, Any]) -> WireModel:
    asked = AuditQuery.from_canonical(body)
    found = [
        logged
        for logged in exchange.records
        if agency in logged.record.concerns and (asked.after_index is None or logged.index > asked.after_index)
    ]
    shown = found[: asked.limit]
    logged = exchange.append(RecordType.AUDIT_QUERY, (agency,), agency=agency, detail=asked.reason, count=len(shown))
    return AuditAnswer(
        records=tuple(shown),
        proofs=tuple(exchange.prove(item.index) for item in shown),
        more=len(found) > len(shown),
        query=logged,
        checkpoint=exchange.sign_note(),
    )


def _take_cosignature(exchange: "LyingExchange", agency: str, body: bytes) -> CosignatureAnswer:
    exchange.cosignatures[agency] = Cosignature.from_canonical(body).note
    return CosignatureAnswer(checkpoint=exchange.sign_note())


def _handle_cosignatures(exchange: "LyingExchange", agency: str, body: bytes, query: Mapping[str, Any]) -> WireModel:
    if body:
        return _take_cosignature(exchange, agency, body)
    wanted = sorted(set(query["agencies"].split(",")) & exchange.cosignatures.keys())
    notes = tuple(CosignedNote(agency=witness, note=exchange.cosignatures[witness]) for witness in wanted)
    return CosignedNotes(notes=notes, checkpoint=exchange.sign_note())


Handler = Callable[["LyingExchange", str, bytes, Mapping[str, Any]], WireModel]
HANDLERS: dict[str, Handler] = {
    STEPS_PATH: _handle_steps,
    MESSAGES_PATH: _take_message,
    MESSAGE_BATCHES_PATH: take_message_batch,
    LEASE_PATH: _lease,
    ACKNOWLEDGE_PATH: _acknowledge,
    RECEIPTS_PATH: _take_receipts,
    RECEIPT_BATCHES_PATH: take_receipt_batch,
    STATUSES_PATH: _take_status,
    ACCESS_LOG_HEADS_PATH: _take_head,
    CHECKPOINT_PATH: _show_checkpoint,
    CONSISTENCY_PATH: _show_consistency,
    LEAVES_PATH: _show_leaves,
    COSIGNATURES_PATH: _handle_cosignatures,
    AUDIT_PATH: _answer_auditor,
    KEY_SETS_PATH: lambda exchange, agency, body, _: _take_key_document(exchange, agency, KEY_SETS_PATH, body),
    ENCRYPTION_KEYS_PATH: lambda exchange, agency, body, _: _take_key_document(
        exchange, agency, ENCRYPTION_KEYS_PATH, body
    ),
    REVOCATIONS_PATH: lambda exchange, agency, body, _: _take_key_document(exchange, agency, REVOCATIONS_PATH, body),
}
