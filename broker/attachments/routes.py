"""Attachments over HTTP: announce, upload in pieces, read in ranges.

After the IETF's resumable uploads (draft-ietf-httpbis-resumable-upload): `Upload-Offset` and the media type of a piece
are theirs; an upload is asked about by announcing it once more, so that every answer is a document like all others.
"""

from collections.abc import AsyncIterator

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from broker.access.authentication import Authentication
from broker.attachments.rules import UploadKey
from broker.attachments.service import AttachmentService
from broker.http.documents import answer_document, answer_kept, read_document
from broker.http.operations import add_operation
from broker.http.refusal import refuse
from schemas.api import ATTACHMENTS_PATH
from schemas.attachments import (
    CONTENT_MEDIA_TYPE,
    MAX_PIECE_BYTES,
    OFFSET_HEADER,
    PIECE_MEDIA_TYPE,
    Announcement,
    UploadAnswer,
)
from schemas.log.records import Role

STREAMED = {("PATCH", f"{ATTACHMENTS_PATH}/"): MAX_PIECE_BYTES}
"""Bodies that their endpoint reads by itself, by method and beginning of the path, with their greatest size."""

_CALLER_REFUSALS = ("certificate-unknown", "token-refused", "role-not-allowed")
_MAX_OFFSET_DIGITS = 15


class _AttachmentEndpoints:
    """What the addresses of attachments do."""

    def __init__(self, service: AttachmentService, authentication: Authentication) -> None:
        self._service = service
        self._authentication = authentication

    async def announce_attachment(self, request: Request) -> Response:
        """Announce an attachment of a message of the caller's own, or ask how far its upload has come."""
        caller = await self._authentication.find_caller(request, Role.NODE)
        answer, is_new = await self._service.announce(caller, await read_document(request, Announcement))
        return answer_kept(answer, is_new=is_new)

    async def append_piece(self, request: Request, message_id: str, attachment_id: str) -> Response:
        """Add a piece to an upload at the offset where it stands. Answered once the piece is durable."""
        caller = await self._authentication.find_caller(request, Role.NODE)
        media_type = request.headers.get("content-type", "")
        if media_type != PIECE_MEDIA_TYPE:
            raise refuse("unsupported-media-type", f"The body must be {PIECE_MEDIA_TYPE}.", field="Content-Type")
        key = UploadKey(caller.agency, message_id, attachment_id)
        offset, length = _read_offset(request), int(request.headers.get("content-length", "0"))
        return answer_document(await self._service.append(caller, key, offset, length, _read_pieces(request)))

    async def read_range(self, request: Request, sender: str, message_id: str, attachment_id: str) -> Response:
        """Read a range of an attachment of a message that was handed over to the caller."""
        caller = await self._authentication.find_caller(request, Role.NODE)
        key = UploadKey(sender, message_id, attachment_id)
        found = await self._service.find_readable(caller, key, request.headers.get("range"))
        first, last = found.part.start, found.part.start + found.part.count - 1
        headers = {
            "Cache-Control": "no-store",
            "Content-Length": str(found.part.count),
            "Content-Range": f"bytes {first}-{last}/{found.size}",
        }
        return StreamingResponse(self._service.stream(found), 206, headers, CONTENT_MEDIA_TYPE)


def make_router(service: AttachmentService, authentication: Authentication) -> APIRouter:
    """Return the addresses of attachments."""
    router = APIRouter(tags=["attachments"])
    endpoints = _AttachmentEndpoints(service, authentication)
    add_operation(
        router,
        "POST",
        ATTACHMENTS_PATH,
        endpoints.announce_attachment,
        takes=Announcement,
        gives={200: UploadAnswer, 201: UploadAnswer},
        refuses=(
            *_CALLER_REFUSALS, "wrong-shape", "digest-conflict", "attachments-refused", "upload-quota-exhausted",
            "storage-full",
        ),
    )  # fmt: skip
    add_operation(
        router,
        "PATCH",
        f"{ATTACHMENTS_PATH}/{{message_id}}/{{attachment_id}}",
        endpoints.append_piece,
        takes=PIECE_MEDIA_TYPE,
        gives={200: UploadAnswer},
        refuses=(*_CALLER_REFUSALS, "not-found", "upload-conflict", "attachments-refused", "storage-full"),
        headers={OFFSET_HEADER: "^(0|[1-9][0-9]{0,14})$"},
    )
    add_operation(
        router,
        "GET",
        f"{ATTACHMENTS_PATH}/{{sender}}/{{message_id}}/{{attachment_id}}",
        endpoints.read_range,
        gives={206: CONTENT_MEDIA_TYPE},
        refuses=(*_CALLER_REFUSALS, "not-found", "range-refused", "agreement-not-in-force", "attachment-lost"),
        headers={"Range": "^bytes=(0|[1-9][0-9]{0,14})-(0|[1-9][0-9]{0,14})$"},
    )
    return router


def _read_offset(request: Request) -> int:
    text = request.headers.get(OFFSET_HEADER, "")
    if not (text.isascii() and text.isdecimal()) or len(text) > _MAX_OFFSET_DIGITS or str(int(text)) != text:
        sentence = f"{OFFSET_HEADER} says in decimal digits where the piece begins."
        raise refuse("malformed", sentence, field=OFFSET_HEADER)
    return int(text)


async def _read_pieces(request: Request) -> AsyncIterator[bytes]:
    """Yield the body as it comes; it ends early where the client goes away."""
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            return
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body", False):
            return
