"""Sending over HTTP: the hot path of the exchange."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from broker.access.authentication import Authentication
from broker.http.documents import JSON, answer_document, read_batch
from broker.http.operations import add_operation
from broker.http.refusal import refuse
from broker.routing.service import RoutingService
from schemas.api import MESSAGE_BATCHES_PATH, MESSAGES_PATH, Evidence
from schemas.batches import MAX_MESSAGE_BATCH_BYTES, BatchAnswer, EnvelopeBatch
from schemas.envelope import MAX_ENVELOPE_BYTES, Envelope
from schemas.log.records import Role

BODY_LIMITS = {MESSAGES_PATH: MAX_ENVELOPE_BYTES, MESSAGE_BATCHES_PATH: MAX_MESSAGE_BATCH_BYTES}

_CALLER_REFUSALS = ("certificate-unknown", "token-refused", "role-not-allowed")
_REFUSALS = (
    *_CALLER_REFUSALS, "wrong-shape", "not-the-sender", "wrong-exchange",
    "wrong-time", "signature-refused", "key-set-not-current", "key-revoked", "body-mismatch", "recipient-refused",
    "encryption-key-not-current", "agreement-unknown", "agreement-not-in-force", "not-covered", "quota-exhausted",
    "inbox-full",    "reference-refused", "attachments-refused", "digest-conflict", "number-conflict", "not-found",
)  # fmt: skip


def make_router(service: RoutingService, authentication: Authentication) -> APIRouter:
    """Return the addresses messages are sent to."""
    router = APIRouter(tags=["messages"])

    async def send_message(request: Request) -> Response:
        """Send an envelope. Answered once it is durable: 202, or 200 with the same leaf if it was accepted before."""
        caller = await authentication.find_caller(request, Role.NODE)
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
            raise refuse("unsupported-media-type", f"The body must be {JSON}.", field="Content-Type")
        evidence, is_new = await service.accept(caller, await request.body())
        return answer_document(evidence, 202 if is_new else 200)

    async def send_batch(request: Request) -> Response:
        """Send several envelopes, each on its own: what is wrong with one of them is answered in its place alone."""
        caller = await authentication.find_caller(request, Role.NODE)
        envelopes = await read_batch(request, "envelopes", max_bytes=MAX_MESSAGE_BATCH_BYTES)
        return answer_document(await service.accept_each(caller, envelopes))

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
    add_operation(
        router,
        "POST",
        MESSAGE_BATCHES_PATH,
        send_batch,
        takes=EnvelopeBatch,
        gives={200: BatchAnswer},
        refuses=(*_CALLER_REFUSALS, "wrong-shape"),
        is_hot=True,
    )
    return router
