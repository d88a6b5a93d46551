"""How the exchange in memory answers a batch: each member as if it had come alone, so that lies reach it as well."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from agency_client.refusals import RefusedConflictError, RefusedError
from schemas.api import MESSAGES_PATH, RECEIPTS_PATH, LoggedRecord, ReceiptsRequest
from schemas.batches import (
    MAX_MESSAGE_BATCH_BYTES,
    MAX_RECEIPT_BATCH_BYTES,
    AcceptedMember,
    BatchAnswer,
    BatchMember,
    RefusedMember,
    split_batch,
)
from schemas.problems import PROBLEMS, ProblemDocument
from schemas.receipts import SealedReceipt

if TYPE_CHECKING:
    from tests.support.lying_exchange import LyingExchange

Found = tuple[LoggedRecord, tuple[str, ...]]


def take_message_batch(exchange: "LyingExchange", agency: str, body: bytes, query: Mapping[str, Any]) -> BatchAnswer:
    """Answer a batch of envelopes."""

    def take(envelope: bytes) -> Found:
        evidence: Any = exchange.answer(agency, MESSAGES_PATH, envelope, query)
        return evidence.leaf, evidence.proof

    return _answer(exchange, split_batch(body, "envelopes", max_bytes=MAX_MESSAGE_BATCH_BYTES), take)


def take_receipt_batch(exchange: "LyingExchange", agency: str, body: bytes, query: Mapping[str, Any]) -> BatchAnswer:
    """Answer a batch of receipts."""

    def take(receipt: bytes) -> Found:
        request = ReceiptsRequest(receipts=(SealedReceipt.from_canonical(receipt),))
        evidence: Any = exchange.answer(agency, RECEIPTS_PATH, request.canonical(), query)
        return evidence.leaves[0], evidence.proofs[0]

    return _answer(exchange, split_batch(body, "receipts", max_bytes=MAX_RECEIPT_BATCH_BYTES), take)


def refuse_member(slug: str, detail: str = "refused", *, later: int | None = None) -> RefusedMember:
    """Return the refusal of one member."""
    problem = PROBLEMS[slug]
    document = ProblemDocument(type=problem.uri, title=problem.title, status=problem.status, detail=detail)
    return RefusedMember(type="refused", problem=document, retry_after_seconds=later)


def _answer(exchange: "LyingExchange", members: tuple[bytes, ...], take: Callable[[bytes], Found]) -> BatchAnswer:
    taken = [_take_one(exchange, member, take) for member in members]
    answered = tuple(_prove_anew(exchange, item) for item in taken)
    return BatchAnswer(members=answered, checkpoint=exchange.sign_note())


def _take_one(exchange: "LyingExchange", member: bytes, take: Callable[[bytes], Found]) -> BatchMember | LoggedRecord:
    try:
        leaf, proof = take(member)
    except (RefusedError, RefusedConflictError) as error:
        return refuse_member(error.code, error.sentence)
    is_honest = leaf.index < len(exchange.records) and proof == exchange.prove(leaf.index)
    return leaf if is_honest else AcceptedMember(type="accepted", new=True, leaf=leaf, proof=proof)


def _prove_anew(exchange: "LyingExchange", item: BatchMember | LoggedRecord) -> BatchMember:
    # The tree has grown with the members behind it.
    if not isinstance(item, LoggedRecord):
        return item
    return AcceptedMember(type="accepted", new=True, leaf=item, proof=exchange.prove(item.index))
