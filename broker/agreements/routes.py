"""Agreements over HTTP."""

import asyncio

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from broker.access.authentication import Authentication
from broker.agreements.service import MAX_STEPS_PER_ANSWER, AgreementService, StepRange
from broker.http.documents import answer_document, answer_kept, read_document
from broker.http.operations import add_operation
from schemas.api import STEPS_PATH, Evidence, StepsAnswer
from schemas.codec import MAX_INTEGER
from schemas.log.records import Role
from schemas.signed import SignedDocument


def make_router(service: AgreementService, authentication: Authentication) -> APIRouter:
    """Return the addresses of agreements."""
    router = APIRouter(tags=["agreements"])

    async def submit_step(request: Request) -> Response:
        """Hand in the caller's next step of an agreement, signed by its agreement key. Again gives the same leaf."""
        caller = await authentication.find_caller(request, Role.NODE)
        evidence, is_new = await service.submit(caller, await read_document(request, SignedDocument))
        return answer_kept(evidence, is_new=is_new)

    async def list_steps(
        request: Request,
        after: int = Query(-1, ge=-1, le=MAX_INTEGER, description="only steps behind this leaf index"),
        limit: int = Query(MAX_STEPS_PER_ANSWER, ge=1, le=MAX_STEPS_PER_ANSWER),
    ) -> Response:
        """List the steps of the caller's agreements, its own and its partners', in the order of their leaves."""
        caller = await authentication.find_caller(request, Role.NODE, Role.AUDITOR, Role.OVERSIGHT)
        wanted = StepRange(after, limit)
        return await asyncio.to_thread(lambda: answer_document(service.list_steps(caller, wanted)))

    add_operation(
        router,
        "POST",
        STEPS_PATH,
        submit_step,
        takes=SignedDocument,
        gives={200: Evidence, 201: Evidence},
        refuses=(
            "certificate-unknown", "token-refused", "role-not-allowed", "not-the-sender", "wrong-exchange",
            "wrong-time", "wrong-shape", "signature-refused", "key-set-refused", "key-set-not-current", "key-revoked",
            "chain-conflict", "step-refused", "agreement-unknown", "too-many-requests",
        ),
    )  # fmt: skip
    add_operation(
        router,
        "GET",
        STEPS_PATH,
        list_steps,
        gives={200: StepsAnswer},
        refuses=("certificate-unknown", "token-refused", "role-not-allowed"),
    )
    return router
