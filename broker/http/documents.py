"""Wire documents in and out of HTTP: strict on the way in, canonical on the way out."""

from collections.abc import Mapping
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response

from broker.http.admission import demand_pace
from broker.http.refusal import refuse
from schemas.batches import split_batch
from schemas.codec import demand_few_values
from schemas.model import WireModel

JSON = "application/json"
MAX_VALUES = 2048
"""Brackets and commas of one request: what takes longest to decode is not what is longest, and all wait meanwhile."""

Document = TypeVar("Document", bound=WireModel)


async def read_document(request: Request, model: type[Document]) -> Document:
    """Return the request's body as the document it must be: canonical JSON of `model`.

    Raises:
        RefusedError: the body is said to be something else than JSON.
        CodecError: it is not canonical, has too many values, or is not of the model's shape; the field is named.
    """
    return model.from_canonical(await _read_json(request))


async def read_batch(request: Request, name: str, *, max_bytes: int) -> tuple[bytes, ...]:
    """Return the canonical bytes of each member of the batch that the request's body must be, whatever they are.

    Each member counts as a request of its own in the pace of whoever asks.

    Raises:
        RefusedError: the body is said to be something else than JSON, or these are too many at this moment.
        CodecError: it is no batch of 1 to `MAX_BATCH_MEMBERS` members in canonical JSON.
    """
    members = split_batch(await _read_json(request), name, max_bytes=max_bytes)
    demand_pace(request.scope, len(members))
    return members


def answer_document(document: WireModel, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer that carries a document; nobody may keep a copy on the way."""
    return Response(document.canonical(), status, {"Cache-Control": "no-store", **(headers or {})}, JSON)


def answer_kept(document: WireModel, *, is_new: bool) -> Response:
    """Return the answer to a document that was handed in to be kept: 201, or 200 where it was here before."""
    return answer_document(document, 201 if is_new else 200)


async def _read_json(request: Request) -> bytes:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != JSON:
        raise refuse("unsupported-media-type", f"The body must be {JSON}.", field="Content-Type")
    body = await request.body()
    demand_few_values(body, MAX_VALUES)
    return body
