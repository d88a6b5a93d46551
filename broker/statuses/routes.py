"""Statuses and access-log heads over HTTP."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from broker.access.authentication import Authentication
from broker.http.documents import answer_document, answer_kept, read_document
from broker.http.operations import add_operation
from broker.statuses.service import StatusService
from schemas.api import ACCESS_LOG_HEADS_PATH, STATUSES_PATH, Evidence, StatusesAnswer
from schemas.log.records import Role
from schemas.signed import SignedDocument

_REFUSALS = (
    "certificate-unknown", "token-refused", "role-not-allowed", "not-the-sender", "wrong-shape", "wrong-exchange",
    "wrong-time", "signature-refused", "key-set-refused", "key-set-not-current", "key-revoked",
)  # fmt: skip


class _StatusEndpoints:
    """What the addresses of statuses and access-log heads do."""

    def __init__(self, service: StatusService, authentication: Authentication) -> None:
        self._service = service
        self._authentication = authentication

    async def submit_status(self, request: Request) -> Response:
        """Hand in the caller's next status for one partner, signed by its receipt key. Again gives the same leaf."""
        caller = await self._authentication.find_caller(request, Role.NODE)
        evidence, is_new = await self._service.submit_status(caller, await read_document(request, SignedDocument))
        return answer_kept(evidence, is_new=is_new)

    async def list_statuses(self, request: Request) -> Response:
        """List the newest status of every partner that signed one for the caller."""
        caller = await self._authentication.find_caller(request, Role.NODE, Role.AUDITOR)
        return answer_document(await self._service.list_statuses(caller))

    async def submit_head(self, request: Request) -> Response:
        """Hand in the head of the caller's own access log, signed by its receipt key. Again gives the same leaf."""
        caller = await self._authentication.find_caller(request, Role.NODE)
        evidence, is_new = await self._service.submit_head(caller, await read_document(request, SignedDocument))
        return answer_kept(evidence, is_new=is_new)


def make_router(service: StatusService, authentication: Authentication) -> APIRouter:
    """Return the addresses of statuses and access-log heads."""
    router = APIRouter(tags=["statuses"])
    endpoints = _StatusEndpoints(service, authentication)
    add_operation(
        router,
        "POST",
        STATUSES_PATH,
        endpoints.submit_status,
        takes=SignedDocument,
        gives={200: Evidence, 201: Evidence},
        refuses=(*_REFUSALS, "recipient-refused", "status-refused", "chain-conflict"),
    )
    add_operation(
        router,
        "GET",
        STATUSES_PATH,
        endpoints.list_statuses,
        gives={200: StatusesAnswer},
        refuses=("certificate-unknown", "token-refused", "role-not-allowed"),
    )
    add_operation(
        router,
        "POST",
        ACCESS_LOG_HEADS_PATH,
        endpoints.submit_head,
        takes=SignedDocument,
        gives={200: Evidence, 201: Evidence},
        refuses=(*_REFUSALS, "access-log-head-refused"),
    )
    return router
