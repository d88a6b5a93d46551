"""What answers on each address of a broker in one process: its services, called as its HTTP routes call them."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from broker.access.caller import Caller
from broker.agreements.service import StepRange
from broker.composition import Broker
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
    AcknowledgeRequest,
    AuditQuery,
    Cosignature,
    LeaseRequest,
    ReceiptsRequest,
)
from schemas.batches import MAX_MESSAGE_BATCH_BYTES, MAX_RECEIPT_BATCH_BYTES, split_batch
from schemas.envelope import MAX_ENVELOPE_BYTES
from schemas.model import WireModel
from schemas.signed import DocumentType, SignedDocument

Handler = Callable[[Broker, Caller, bytes, Mapping[str, Any]], Coroutine[Any, Any, WireModel]]


def find_handler(path: str, *, is_post: bool) -> Handler:
    """Return what answers an address."""
    if path.startswith(f"{MESSAGES_PATH}/"):
        return lambda broker, caller, body, query: broker.inbox.find_states(caller, path.rpartition("/")[2])
    return (_POSTS if is_post else _GETS)[path]


def _take_key_document(document_type: DocumentType) -> Handler:
    async def take(broker: Broker, caller: Caller, body: bytes, _query: Mapping[str, Any]) -> WireModel:
        return (await broker.members.submit(caller, SignedDocument.from_canonical(body), document_type))[0]

    return take


async def _take_step(broker: Broker, caller: Caller, body: bytes, _query: Mapping[str, Any]) -> WireModel:
    return (await broker.agreements.submit(caller, SignedDocument.from_canonical(body, max_bytes=1 << 20)))[0]


async def _show_steps(broker: Broker, caller: Caller, _body: bytes, query: Mapping[str, Any]) -> WireModel:
    return broker.agreements.list_steps(caller, StepRange(int(query["after"])))


async def _take_envelopes(broker: Broker, caller: Caller, body: bytes, _query: Mapping[str, Any]) -> WireModel:
    return await broker.routing.accept_each(caller, split_batch(body, "envelopes", max_bytes=MAX_MESSAGE_BATCH_BYTES))


async def _take_receipt_batch(broker: Broker, caller: Caller, body: bytes, _query: Mapping[str, Any]) -> WireModel:
    return await broker.receipts.submit_each(caller, split_batch(body, "receipts", max_bytes=MAX_RECEIPT_BATCH_BYTES))


async def _take_message(broker: Broker, caller: Caller, body: bytes, _query: Mapping[str, Any]) -> WireModel:
    assert len(body) <= MAX_ENVELOPE_BYTES
    return (await broker.routing.accept(caller, body))[0]


async def _lease(broker: Broker, caller: Caller, body: bytes, _query: Mapping[str, Any]) -> WireModel:
    return await broker.inbox.lease(caller, LeaseRequest.from_canonical(body))


async def _acknowledge(broker: Broker, caller: Caller, body: bytes, _query: Mapping[str, Any]) -> WireModel:
    return await broker.inbox.acknowledge(caller, AcknowledgeRequest.from_canonical(body))


async def _take_receipts(broker: Broker, caller: Caller, body: bytes, _query: Mapping[str, Any]) -> WireModel:
    return (await broker.receipts.submit(caller, ReceiptsRequest.from_canonical(body, max_bytes=64 << 20)))[0]


async def _take_status(broker: Broker, caller: Caller, body: bytes, _query: Mapping[str, Any]) -> WireModel:
    return (await broker.statuses.submit_status(caller, SignedDocument.from_canonical(body)))[0]


async def _take_head(broker: Broker, caller: Caller, body: bytes, _query: Mapping[str, Any]) -> WireModel:
    return (await broker.statuses.submit_head(caller, SignedDocument.from_canonical(body)))[0]


async def _show_statuses(broker: Broker, caller: Caller, _body: bytes, _query: Mapping[str, Any]) -> WireModel:
    return await broker.statuses.list_statuses(caller)


async def _take_cosignature(broker: Broker, caller: Caller, body: bytes, _query: Mapping[str, Any]) -> WireModel:
    return await broker.witnesses.submit(caller, Cosignature.from_canonical(body).note)


async def _show_cosignatures(broker: Broker, _caller: Caller, _body: bytes, query: Mapping[str, Any]) -> WireModel:
    return await broker.witnesses.list_notes(frozenset(str(query["agencies"]).split(",")))


async def _show_checkpoint(broker: Broker, _caller: Caller, _body: bytes, _query: Mapping[str, Any]) -> WireModel:
    return broker.audit.show_checkpoint()


async def _prove_consistency(broker: Broker, _caller: Caller, _body: bytes, query: Mapping[str, Any]) -> WireModel:
    return broker.audit.prove_consistency(int(query["from"]), int(query["to"]))


async def _read_leaves(broker: Broker, _caller: Caller, _body: bytes, query: Mapping[str, Any]) -> WireModel:
    return broker.audit.read_leaves(int(query["start"]), int(query["end"]))


async def _query_records(broker: Broker, caller: Caller, body: bytes, _query: Mapping[str, Any]) -> WireModel:
    return await broker.audit.query(caller, AuditQuery.from_canonical(body))


_POSTS: dict[str, Handler] = {
    STEPS_PATH: _take_step,
    MESSAGES_PATH: _take_message,
    MESSAGE_BATCHES_PATH: _take_envelopes,
    LEASE_PATH: _lease,
    ACKNOWLEDGE_PATH: _acknowledge,
    RECEIPTS_PATH: _take_receipts,
    RECEIPT_BATCHES_PATH: _take_receipt_batch,
    STATUSES_PATH: _take_status,
    ACCESS_LOG_HEADS_PATH: _take_head,
    COSIGNATURES_PATH: _take_cosignature,
    AUDIT_PATH: _query_records,
    KEY_SETS_PATH: _take_key_document(DocumentType.KEY_SET),
    ENCRYPTION_KEYS_PATH: _take_key_document(DocumentType.ENCRYPTION_KEYS),
    REVOCATIONS_PATH: _take_key_document(DocumentType.REVOCATION),
}
_GETS: dict[str, Handler] = {
    STEPS_PATH: _show_steps,
    STATUSES_PATH: _show_statuses,
    COSIGNATURES_PATH: _show_cosignatures,
    CHECKPOINT_PATH: _show_checkpoint,
    CONSISTENCY_PATH: _prove_consistency,
    LEAVES_PATH: _read_leaves,
}
