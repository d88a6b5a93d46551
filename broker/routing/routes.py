"""Sending over HTTP: the hot path of the exchange."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from broker.access.authentication import Authentication
from broker.http.documents import JSON, answer_document
from broker.http.operations import add_operation
from broker.http.refusal import refuse
from broker.routing.service import RoutingService
from schemas.api import MESSAGES_PATH, Evidence
from schemas.envelope import MAX_ENVELOPE_BYTES, Envelope
from schemas.log.records import Role

BODY_LIMITS = {MESSAGES_PATH: MAX_ENVELOPE_BYTES}

_REFUSALS = (
    "certificate-unknown", "token-refused", "role-not-allowed", "not-the-sender", "wrong-shape", "wrong-exchange",
    "wrong-time", "signature-refused", "key-set-not-current", "key-revoked", "body-mismatch", "recipient-refused",
    "encryption-key-not-current", "agreement-unknown", "agreement-not-in-force", "not-covered", "quota-exhausted",
    "reference-refused", "attachments-refused", "digest-conflict", "number-conflict", "not-found",
)  # fmt: skip


def make_router(service: RoutingService, authentication: Authentication) -> APIRouter:
    """Return the address messages are sent to."""
    router = APIRouter(tags=["messages"])

    async def send_message(request: Request) -> Response:
        """Send an envelope. Answered once it is durable: 202, or 200 with the same leaf if it was accepted before."""
        caller = await authentication.find_caller(request, Role.NODE)
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
            raise refuse("unsupported-media-type", f"The body must be {JSON}.", field="Content-Type")
        evidence, is_new = await service.accept(caller, await request.body())
        return answer_document(evidence, 202 if is_new else 200)

    add_operation(
        router,
        "POST",
        MESSAGES_PATH,
        send_message,
        takes=Envelope,
        gives={200: Evidence, 202: Evidence},
        refuses=_REFUSALS,
        is_hot=True,
    )
    return router
