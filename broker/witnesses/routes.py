"""Cosignatures over HTTP: members hand in their own, and everybody reads everybody's."""

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from broker.access.authentication import Authentication
from broker.http.documents import answer_document, read_document
from broker.http.operations import add_operation
from broker.http.refusal import refuse
from broker.witnesses.service import WitnessService
from schemas.api import (
    COSIGNATURES_PATH,
    MAX_WITNESSES_PER_REQUEST,
    Cosignature,
    CosignatureAnswer,
    CosignedNotes,
)
from schemas.log.records import Role

_AGENCIES = r"^[A-Z][A-Z0-9-]{1,31}(,[A-Z][A-Z0-9-]{1,31})*$"
_MAX_CHARACTERS = MAX_WITNESSES_PER_REQUEST * 33


def make_router(service: WitnessService, authentication: Authentication) -> APIRouter:
    """Return the addresses of cosignatures."""
    router = APIRouter(tags=["log"])

    async def submit_cosignature(request: Request) -> Response:
        """Hand in a checkpoint that the caller's witness key signed (C2SP tlog-cosignature); the newest is kept."""
        caller = await authentication.find_caller(request, Role.NODE, Role.OVERSIGHT)
        document = await read_document(request, Cosignature)
        return answer_document(await service.submit(caller, document.note))

    async def list_cosignatures(
        request: Request,
        agencies: str = Query(
            pattern=_AGENCIES, max_length=_MAX_CHARACTERS, description="ids of agencies, separated by commas"
        ),
    ) -> Response:
        """Give the newest checkpoint that each of these agencies cosigned, and the newest of all."""
        await authentication.find_caller(request)
        return answer_document(await service.list_notes(_read_agencies(agencies)))

    add_operation(
        router,
        "POST",
        COSIGNATURES_PATH,
        submit_cosignature,
        takes=Cosignature,
        gives={200: CosignatureAnswer},
        refuses=(
            "certificate-unknown", "token-refused", "role-not-allowed", "wrong-shape", "wrong-exchange", "wrong-time",
            "signature-refused", "cosignature-refused", "key-set-refused", "key-set-not-current", "key-revoked",
            "too-many-requests",
        ),
    )  # fmt: skip
    add_operation(
        router,
        "GET",
        COSIGNATURES_PATH,
        list_cosignatures,
        gives={200: CosignedNotes},
        refuses=("certificate-unknown", "token-refused", "wrong-shape"),
    )
    return router


def _read_agencies(unverified_list: str) -> frozenset[str]:
    agencies = frozenset(unverified_list.split(","))
    if len(agencies) > MAX_WITNESSES_PER_REQUEST:
        sentence = f"{len(agencies)} agencies; at most {MAX_WITNESSES_PER_REQUEST} are answered at once"
        raise refuse("wrong-shape", sentence, field="agencies")
    return agencies
