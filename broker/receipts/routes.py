"""Receipts over HTTP."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from broker.access.authentication import Authentication
from broker.http.documents import answer_document, read_document
from broker.http.operations import add_operation
from broker.receipts.service import ReceiptService
from schemas.api import RECEIPTS_PATH, EvidenceList, ReceiptsRequest
from schemas.log.records import Role


def make_router(service: ReceiptService, authentication: Authentication) -> APIRouter:
    """Return the address receipts are handed in at."""
    router = APIRouter(tags=["receipts"])

    async def submit_receipts(request: Request) -> Response:
        """Pass sealed receipts on to who sent the messages, all or none. A receipt handed in again keeps its leaf."""
        caller = await authentication.find_caller(request, Role.NODE)
        evidence, are_new = await service.submit(caller, await read_document(request, ReceiptsRequest))
        return answer_document(evidence, 201 if are_new else 200)

    add_operation(
        router,
        "POST",
        RECEIPTS_PATH,
        submit_receipts,
        takes=ReceiptsRequest,
        gives={200: EvidenceList, 201: EvidenceList},
        refuses=(
            "certificate-unknown", "token-refused", "role-not-allowed", "not-the-sender", "wrong-shape",
            "wrong-exchange", "recipient-refused", "encryption-key-not-current", "receipt-refused", "not-found",
        ),
    )  # fmt: skip
    return router
