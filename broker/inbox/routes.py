"""The inbox over HTTP: lease, acknowledge, and what became of a message."""

import asyncio
from contextlib import aclosing
from functools import partial

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from broker.access.authentication import Authentication
from broker.http.admission import waiting
from broker.http.connection import wait_until_left
from broker.http.documents import answer_document, read_document
from broker.http.operations import add_operation
from broker.inbox.events import EventId, InboxEvents, VerifyCaller, read_last_seen
from broker.inbox.service import InboxService
from schemas.api import (
    ACKNOWLEDGE_PATH,
    EVENTS_PATH,
    LEASE_PATH,
    MESSAGES_PATH,
    AcknowledgeAnswer,
    AcknowledgeRequest,
    LeaseAnswer,
    LeaseRequest,
    MessageStatesAnswer,
)
from schemas.log.records import Role

EVENT_STREAM = "text/event-stream"
_CALLER_REFUSALS = ("certificate-unknown", "token-refused", "role-not-allowed")


class _InboxEndpoints:
    """What the inbox' addresses do."""

    def __init__(self, service: InboxService, events: InboxEvents, authentication: Authentication) -> None:
        self._service = service
        self._events = events
        self._authentication = authentication

    async def lease_items(self, request: Request) -> Response:
        """Lease what waits, the most urgent first; with `wait_seconds`, wait for something to come."""
        caller = await self._authentication.find_caller(request, Role.NODE)
        question = await read_document(request, LeaseRequest)
        if question.wait_seconds == 0:
            return answer_document(await self._service.lease(caller, question))
        leaving = asyncio.ensure_future(wait_until_left(request))
        try:
            with waiting(request.scope):
                answer = await self._service.lease(caller, question, leaving)
            return answer_document(answer)
        finally:
            leaving.cancel()

    async def listen(self, request: Request) -> Response:
        """Listen for what comes into the inbox: server-sent events that say how much waits, never what."""
        caller = await self._authentication.find_caller(request, Role.NODE)
        last_seen = read_last_seen(request.headers.get("last-event-id"))
        await self._events.demand_collector(caller)
        return _EventStream(self._events, partial(self._authentication.find_caller, request, Role.NODE), last_seen)

    async def acknowledge_items(self, request: Request) -> Response:
        """Settle leased items that the caller has stored; they do not come again."""
        caller = await self._authentication.find_caller(request, Role.NODE)
        settled = await read_document(request, AcknowledgeRequest)
        return answer_document(await self._service.acknowledge(caller, settled))

    async def show_states(self, request: Request, message_id: str) -> Response:
        """Show how far a message of the caller's own has come for each of its recipients."""
        caller = await self._authentication.find_caller(request, Role.NODE, Role.AUDITOR)
        return answer_document(await self._service.find_states(caller, message_id))


def make_router(service: InboxService, events: InboxEvents, authentication: Authentication) -> APIRouter:
    """Return the inbox' addresses."""
    router = APIRouter(tags=["inbox"])
    endpoints = _InboxEndpoints(service, events, authentication)
    add_operation(
        router,
        "POST",
        LEASE_PATH,
        endpoints.lease_items,
        takes=LeaseRequest,
        gives={200: LeaseAnswer},
        refuses=(*_CALLER_REFUSALS, "wrong-shape", "second-node"),
    )
    add_operation(
        router,
        "GET",
        EVENTS_PATH,
        endpoints.listen,
        gives={200: EVENT_STREAM},
        refuses=(*_CALLER_REFUSALS, "second-node"),
    )
    add_operation(
        router,
        "POST",
        ACKNOWLEDGE_PATH,
        endpoints.acknowledge_items,
        takes=AcknowledgeRequest,
        gives={200: AcknowledgeAnswer},
        refuses=(*_CALLER_REFUSALS, "wrong-shape", "second-node", "not-found", "lease-unknown"),
    )
    add_operation(
        router,
        "GET",
        f"{MESSAGES_PATH}/{{message_id}}",
        endpoints.show_states,
        gives={200: MessageStatesAnswer},
        refuses=(*_CALLER_REFUSALS, "not-found"),
    )
    return router


class _EventStream(Response):
    """An answer without end. While nothing is told it holds a bell and a task, no thread and no database session."""

    def __init__(self, events: InboxEvents, verify_caller: VerifyCaller, last_seen: EventId | None) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "Content-Type": EVENT_STREAM, "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._events, self._verify_caller, self._last_seen = events, verify_caller, last_seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what there is to tell until the stream ends; whoever does not read holds up nobody else."""
        with waiting(scope):
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            leaving = asyncio.ensure_future(wait_until_left(Request(scope, receive)))
            try:
                async with aclosing(self._events.stream(self._verify_caller, self._last_seen, leaving)) as parts:
                    async for part in parts:
                        await send({"type": "http.response.body", "body": part, "more_body": True})
            finally:
                leaving.cancel()
        await send({"type": "http.response.body", "body": b"", "more_body": False})
