"""The directory over HTTP: members hand in their own key documents, and everybody reads everybody's."""

import asyncio

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from broker.access.authentication import Authentication
from broker.directory.service import MAX_MEMBERS_PER_ANSWER, DirectoryService
from broker.http.documents import answer_document, answer_kept, read_document
from broker.http.operations import add_operation
from schemas.api import ENCRYPTION_KEYS_PATH, KEY_SETS_PATH, MEMBERS_PATH, REVOCATIONS_PATH, Evidence, MembersAnswer
from schemas.log.records import Role
from schemas.signed import DocumentType, SignedDocument

AGENCY_OR_NONE = r"^([A-Z][A-Z0-9-]{1,31})?$"
_REFUSALS = (
    "certificate-unknown", "token-refused", "role-not-allowed", "not-the-sender", "wrong-shape", "wrong-exchange",
    "wrong-time", "signature-refused", "key-set-refused", "key-set-not-current", "key-revoked", "too-many-requests",
)  # fmt: skip


class _DirectoryEndpoints:
    """What the directory's addresses do."""

    def __init__(self, service: DirectoryService, authentication: Authentication) -> None:
        self._service = service
        self._authentication = authentication

    async def publish_key_set(self, request: Request) -> Response:
        """Publish the caller's next key set, signed by its roots. The same set again gives the same leaf."""
        return await self._submit(request, DocumentType.KEY_SET)

    async def publish_encryption_keys(self, request: Request) -> Response:
        """Publish the caller's next encryption keys, signed by its rotation key."""
        return await self._submit(request, DocumentType.ENCRYPTION_KEYS)

    async def revoke_keys(self, request: Request) -> Response:
        """Revoke operational keys of the caller's, signed by its rotation key; they are refused from this leaf on."""
        return await self._submit(request, DocumentType.REVOCATION)

    async def list_members(
        self,
        request: Request,
        after: str = Query("", pattern=AGENCY_OR_NONE, description="only members behind this id"),
        limit: int = Query(MAX_MEMBERS_PER_ANSWER, ge=1, le=MAX_MEMBERS_PER_ANSWER),
    ) -> Response:
        """List members with their newest key documents, by id. Clients believe the log's public leaves, not this."""
        await self._authentication.find_caller(request)
        return await asyncio.to_thread(lambda: answer_document(self._service.list_members(after, limit)))

    async def _submit(self, request: Request, document_type: DocumentType) -> Response:
        caller = await self._authentication.find_caller(request, Role.NODE)
        document = await read_document(request, SignedDocument)
        evidence, is_new = await self._service.submit(caller, document, document_type)
        return answer_kept(evidence, is_new=is_new)


def make_router(service: DirectoryService, authentication: Authentication) -> APIRouter:
    """Return the directory's addresses."""
    router = APIRouter(tags=["directory"])
    endpoints = _DirectoryEndpoints(service, authentication)
    for path, endpoint, refuses in (
        (KEY_SETS_PATH, endpoints.publish_key_set, _REFUSALS),
        (ENCRYPTION_KEYS_PATH, endpoints.publish_encryption_keys, (*_REFUSALS, "encryption-keys-refused")),
        (REVOCATIONS_PATH, endpoints.revoke_keys, (*_REFUSALS, "revocation-refused")),
    ):
        add_operation(
            router,
            "POST",
            path,
            endpoint,
            takes=SignedDocument,
            gives={200: Evidence, 201: Evidence},
            refuses=refuses,
        )
    add_operation(
        router,
        "GET",
        MEMBERS_PATH,
        endpoints.list_members,
        gives={200: MembersAnswer},
        refuses=("certificate-unknown", "token-refused", "wrong-shape"),
    )
    return router
