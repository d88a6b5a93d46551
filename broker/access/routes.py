"""The token endpoint over HTTP (RFC 6749 §4.4 with RFC 7523 §2.2)."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from broker.access.rules import GRANT_TYPE, MAX_FORM_BYTES, read_token_request
from broker.access.service import AccessService
from broker.http.connection import connection_of
from broker.http.documents import answer_document
from broker.http.operations import add_operation
from broker.http.refusal import refuse
from schemas.api import ASSERTION_TYPE, TOKEN_PATH, TokenAnswer

FORM = "application/x-www-form-urlencoded"
BODY_LIMITS = {TOKEN_PATH: MAX_FORM_BYTES}
_PARAMETERS = {
    "grant_type": {"const": GRANT_TYPE},
    "client_assertion_type": {"const": ASSERTION_TYPE},
    "client_assertion": {"type": "string", "description": "a JWT by the caller's request key (RFC 7523 §3)"},
}
FORM_BODY = {
    "required": True,
    "content": {
        FORM: {
            "schema": {
                "type": "object",
                "properties": _PARAMETERS,
                "required": list(_PARAMETERS),
                "additionalProperties": False,
            }
        }
    },
}
"""The token request as OpenAPI says it: the one body that is a form."""


def make_router(service: AccessService) -> APIRouter:
    """Return the token endpoint."""
    router = APIRouter(tags=["access"])

    async def issue_token(request: Request) -> Response:
        """Give an access token for a client assertion by the caller's request key, bound to its certificate."""
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != FORM:
            raise refuse("unsupported-media-type", f"The body must be {FORM}.", field="Content-Type")
        assertion = read_token_request(await request.body())
        return answer_document(await service.issue_token(connection_of(request.scope), assertion))

    add_operation(
        router,
        "POST",
        TOKEN_PATH,
        issue_token,
        gives={200: TokenAnswer},
        refuses=("certificate-unknown", "assertion-refused", "role-not-allowed", "too-many-requests"),
    )
    return router
