"""The log over HTTP: checkpoint, consistency and leaves for every member, records for auditors."""

import asyncio

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from broker.access.authentication import Authentication
from broker.audit.service import AuditService
from broker.http.documents import answer_document, read_document
from broker.http.operations import add_operation
from schemas.api import (
    AUDIT_PATH,
    CHECKPOINT_PATH,
    CONSISTENCY_PATH,
    LEAVES_PATH,
    AuditAnswer,
    AuditQuery,
    CheckpointAnswer,
    ConsistencyAnswer,
    LeavesAnswer,
)
from schemas.codec import MAX_INTEGER
from schemas.log.records import Role

_CALLER_REFUSALS = ("certificate-unknown", "token-refused")


class _LogEndpoints:
    """What the addresses of the log do."""

    def __init__(self, service: AuditService, authentication: Authentication) -> None:
        self._service = service
        self._authentication = authentication

    async def show_checkpoint(self, request: Request) -> Response:
        """Give the newest checkpoint, signed by both of the log's keys (C2SP tlog-checkpoint)."""
        await self._authentication.find_caller(request)
        return answer_document(self._service.show_checkpoint())

    async def prove_consistency(
        self,
        request: Request,
        old_size: int = Query(alias="from", ge=0, le=MAX_INTEGER, description="the size of the older checkpoint"),
        new_size: int | None = Query(
            None, alias="to", ge=0, le=MAX_INTEGER, description="the size of the newer one; the newest's by default"
        ),
    ) -> Response:
        """Prove that an older checkpoint is a beginning of a newer one (RFC 9162 §2.1.4)."""
        await self._authentication.find_caller(request)
        await self._service.reach(old_size if new_size is None else new_size)
        return answer_document(self._service.prove_consistency(old_size, new_size))

    async def read_leaves(
        self,
        request: Request,
        start: int = Query(ge=0, le=MAX_INTEGER, description="the first leaf's index"),
        end: int = Query(ge=1, le=MAX_INTEGER, description="the index behind the last leaf; fewer may come"),
    ) -> Response:
        """Give a range of leaves: public ones with their records, of private ones the commitment alone."""
        await self._authentication.find_caller(request)
        await self._service.reach(end)
        return await asyncio.to_thread(lambda: answer_document(self._service.read_leaves(start, end)))

    async def query_records(self, request: Request) -> Response:
        """Give an auditor the records it may see; the question is in the log before anything is answered."""
        caller = await self._authentication.find_caller(request, Role.AUDITOR, Role.OVERSIGHT)
        return answer_document(await self._service.query(caller, await read_document(request, AuditQuery)))


def make_router(service: AuditService, authentication: Authentication) -> APIRouter:
    """Return the addresses of the log and of audit."""
    router = APIRouter(tags=["log"])
    endpoints = _LogEndpoints(service, authentication)
    add_operation(
        router,
        "GET",
        CHECKPOINT_PATH,
        endpoints.show_checkpoint,
        gives={200: CheckpointAnswer},
        refuses=_CALLER_REFUSALS,
    )
    add_operation(
        router,
        "GET",
        CONSISTENCY_PATH,
        endpoints.prove_consistency,
        gives={200: ConsistencyAnswer},
        refuses=(*_CALLER_REFUSALS, "range-refused", "wrong-shape"),
    )
    add_operation(
        router,
        "GET",
        LEAVES_PATH,
        endpoints.read_leaves,
        gives={200: LeavesAnswer},
        refuses=(*_CALLER_REFUSALS, "range-refused", "wrong-shape"),
    )
    add_operation(
        router,
        "POST",
        AUDIT_PATH,
        endpoints.query_records,
        takes=AuditQuery,
        gives={200: AuditAnswer},
        refuses=(*_CALLER_REFUSALS, "role-not-allowed", "wrong-shape"),
    )
    return router
