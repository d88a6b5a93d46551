"""Wire documents in and out of HTTP: strict on the way in, canonical on the way out."""

from collections.abc import Mapping
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response

from broker.http.refusal import refuse
from schemas.batches import split_batch
from schemas.model import WireModel

JSON = "application/json"

Document = TypeVar("Document", bound=WireModel)


async def read_document(request: Request, model: type[Document]) -> Document:
    """Return the request's body as the document it must be: canonical JSON of `model`.

    Raises:
        RefusedError: the body is said to be something else than JSON.
        CodecError: it is not canonical, or not of the model's shape; the field is named.
    """
    _demand_json(request)
    return model.from_canonical(await request.body())


async def read_batch(request: Request, name: str, *, max_bytes: int) -> tuple[bytes, ...]:
    """Return the canonical bytes of each member of the batch that the request's body must be, whatever they are.

    Raises:
        RefusedError: the body is said to be something else than JSON.
        CodecError: it is no batch of 1 to `MAX_BATCH_MEMBERS` members in canonical JSON.
    """
    _demand_json(request)
    return split_batch(await request.body(), name, max_bytes=max_bytes)


def answer_document(document: WireModel, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer that carries a document; nobody may keep a copy on the way."""
    return Response(document.canonical(), status, {"Cache-Control": "no-store", **(headers or {})}, JSON)


def _demand_json(request: Request) -> None:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != JSON:
        raise refuse("unsupported-media-type", f"The body must be {JSON}.", field="Content-Type")
