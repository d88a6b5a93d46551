"""Receipts over HTTP."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from broker.access.authentication import Authentication
from broker.http.admission import demand_pace
from broker.http.documents import answer_document, read_batch, read_document
from broker.http.operations import add_operation
from broker.receipts.service import ReceiptService
from schemas.api import RECEIPT_BATCHES_PATH, RECEIPTS_PATH, EvidenceList, ReceiptsRequest
from schemas.batches import MAX_RECEIPT_BATCH_BYTES, BatchAnswer, ReceiptBatch
from schemas.log.records import Role

_CALLER_REFUSALS = ("certificate-unknown", "token-refused", "role-not-allowed")
_REFUSALS = (
    *_CALLER_REFUSALS, "wrong-shape", "not-the-sender", "wrong-exchange", "recipient-refused",
    "encryption-key-not-current", "receipt-refused", "inbox-full", "not-found",
)  # fmt: skip


def make_router(service: ReceiptService, authentication: Authentication) -> APIRouter:
    """Return the addresses receipts are handed in at."""
    router = APIRouter(tags=["receipts"])

    async def submit_receipts(request: Request) -> Response:
        """Pass sealed receipts on to who sent the messages, all or none. A receipt handed in again keeps its leaf."""
        caller = await authentication.find_caller(request, Role.NODE)
        question = await read_document(request, ReceiptsRequest)
        demand_pace(request.scope, len(question.receipts))
        evidence, are_new = await service.submit(caller, question)
        return answer_document(evidence, 201 if are_new else 200)

    async def submit_batch(request: Request) -> Response:
        """Pass sealed receipts on, each on its own: what is wrong with one of them is answered in its place alone."""
        caller = await authentication.find_caller(request, Role.NODE)
        receipts = await read_batch(request, "receipts", max_bytes=MAX_RECEIPT_BATCH_BYTES)
        return answer_document(await service.submit_each(caller, receipts))

    add_operation(
        router,
        "POST",
        RECEIPTS_PATH,
        submit_receipts,
        takes=ReceiptsRequest,
        gives={200: EvidenceList, 201: EvidenceList},
        refuses=_REFUSALS,
    )
    add_operation(
        router,
        "POST",
        RECEIPT_BATCHES_PATH,
        submit_batch,
        takes=ReceiptBatch,
        gives={200: BatchAnswer},
        refuses=(*_CALLER_REFUSALS, "wrong-shape"),
    )
    return router
