"""Say once of each address what it takes, gives and refuses: for the router, the hot path and the OpenAPI document.

Bodies are canonical JSON that endpoints read as bytes (`broker.http.documents`), so FastAPI cannot see their models;
they are described here instead, and the document is as complete as if it could.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic.json_schema import models_json_schema
from starlette.responses import Response

from broker.http.documents import JSON
from broker.http.gate import Endpoint
from schemas.api import PROTOCOL_VERSION, VERSION_HEADER
from schemas.model import WireModel
from schemas.problems import MEDIA_TYPE, PROBLEMS, ProblemDocument

ALWAYS_REFUSED = (
    "malformed", "request-timeout", "too-large", "unsupported-media-type", "client-too-old", "too-many-requests",
    "member-busy", "busy", "unavailable", "exchange-behind", "internal",
)  # fmt: skip
"""What every address may answer, whatever it does. A refusal is a leaf too, and a log that has stopped takes none."""

_REFUSAL_HEADERS = {
    401: {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}},
    429: {"Retry-After": {"schema": {"type": "integer"}}},
    503: {"Retry-After": {"schema": {"type": "integer"}}},
    507: {"Retry-After": {"schema": {"type": "integer"}}},
}
_REF = "#/components/schemas/{model}"
Content = type[WireModel] | str
"""What a body is: canonical JSON of a model, or bytes of a media type."""
_FASTAPI_MODELS = ("HTTPValidationError", "ValidationError")


class Operation(dict[str, Any]):
    """What the OpenAPI document says of one address beyond what FastAPI knows, with the models it speaks of."""

    def __init__(
        self,
        takes: Content | None,
        gives: Mapping[int, Content],
        refuses: Iterable[str],
        *,
        is_hot: bool,
        headers: Mapping[str, str],
    ) -> None:
        self.models = tuple(item for item in (takes, *gives.values()) if isinstance(item, type))
        self.is_hot = is_hot
        super().__init__(responses=_describe_problems((*ALWAYS_REFUSED, *refuses)))
        for status, content in gives.items():
            self["responses"][str(status)] = {"description": _first_line(content), "content": _describe(content)}
        if takes is not None:
            self["requestBody"] = {"required": True, "content": _describe(takes)}
        if headers:
            self["parameters"] = [
                {"name": name, "in": "header", "required": True, "schema": {"type": "string", "pattern": pattern}}
                for name, pattern in headers.items()
            ]


def add_operation(
    router: APIRouter,
    method: str,
    path: str,
    endpoint: Callable[..., Awaitable[Response]],
    *,
    gives: Mapping[int, Content],
    takes: Content | None = None,
    refuses: Iterable[str] = (),
    is_hot: bool = False,
    headers: Mapping[str, str] | None = None,
) -> None:
    """Let `endpoint` serve `method path`. Its docstring is the description.

    `takes` is the body's model or media type, `gives` the answers' by status, `refuses` the problem slugs beyond
    `ALWAYS_REFUSED`, `headers` the fields it demands with their patterns. A hot endpoint has no parameter but the
    request: the gate calls it past the framework.
    """
    router.add_api_route(
        path,
        endpoint,
        methods=[method],
        status_code=min(gives),
        response_model=None,
        response_class=Response,
        openapi_extra=Operation(takes, gives, refuses, is_hot=is_hot, headers=headers or {}),
    )


def find_hot_endpoints(app: FastAPI) -> dict[tuple[str, str], Endpoint]:
    """Return the endpoints that were added as hot, for the gate."""
    return {
        (method, route.path): route.endpoint
        for route, operation in _operations(app)
        if operation.is_hot
        for method in route.methods
    }


def install_openapi(app: FastAPI, *, without_version: Collection[str] = ()) -> None:
    """Make `app` describe itself with the models of its operations, the version header and the client certificate.

    `without_version` holds the addresses that the gate lets through without the header.
    """

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _describe_all(app, without_version)
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]


def _describe_all(app: FastAPI, without_version: Collection[str]) -> dict[str, Any]:
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    models = {model for _, operation in _operations(app) for model in operation.models} | {ProblemDocument}
    ordered = sorted(models, key=lambda model: model.__name__)
    _, definitions = models_json_schema([(model, "validation") for model in ordered], ref_template=_REF)
    components = document.setdefault("components", {})
    components.setdefault("schemas", {}).update(_without_null(definitions.get("$defs", {})))
    components.setdefault("securitySchemes", {})["clientCertificate"] = {
        "type": "mutualTLS",
        "description": "TLS 1.3 with a certificate of an enrolled member's CA.",
    }
    for name in _FASTAPI_MODELS:
        components["schemas"].pop(name, None)
    for path, operations in document.get("paths", {}).items():
        for operation in operations.values():
            _complete(operation, needs_version=path not in without_version)
    return document


def _complete(operation: dict[str, Any], *, needs_version: bool) -> None:
    operation.setdefault("parameters", []).append(
        {
            "name": VERSION_HEADER,
            "in": "header",
            "required": needs_version,
            "schema": {"type": "string", "const": str(PROTOCOL_VERSION)},
        }
    )
    operation.setdefault("security", [{}])
    operation["security"] = [{**one, "clientCertificate": []} for one in operation["security"]]
    # FastAPI describes its own answer to a wrong parameter; ours is a problem like every other.
    refused = operation["responses"].get("422", {}).get("content", {})
    if refused.pop(JSON, None) is not None and MEDIA_TYPE not in refused:
        operation["responses"].update(_describe_problems(["wrong-shape"]))
    for response in operation["responses"].values():
        said = {"required": True, "schema": {"type": "string", "const": str(PROTOCOL_VERSION)}}
        response["headers"] = {**response.get("headers", {}), VERSION_HEADER: said}


def _operations(app: FastAPI) -> Iterator[tuple[Any, Operation]]:
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, APIRoute) and isinstance(route.openapi_extra, Operation):
            yield context, route.openapi_extra


def _describe_problems(slugs: Iterable[str]) -> dict[str, Any]:
    by_status: dict[int, dict[str, str]] = defaultdict(dict)
    for slug in slugs:
        problem = PROBLEMS[slug]
        by_status[problem.status][problem.uri] = problem.title
    return {str(status): _describe_refusal(status, titles) for status, titles in sorted(by_status.items())}


def _describe_refusal(status: int, titles: Mapping[str, str]) -> dict[str, Any]:
    # The types possible here are said twice: in words, and so that a program may hold the answer to them.
    exactly = {"type": "object", "properties": {"status": {"const": status}, "type": {"enum": sorted(titles)}}}
    return {
        "description": "; ".join(f"{title} (`{uri}`)" for uri, title in titles.items()),
        "content": {MEDIA_TYPE: {"schema": {**_refer(ProblemDocument), **exactly}}},
        "headers": _REFUSAL_HEADERS.get(status, {}),
    }


def _describe(content: Content) -> dict[str, Any]:
    if isinstance(content, str):
        return {content: {"schema": {"type": "string", "format": "binary"}}}
    return {JSON: {"schema": _refer(content)}}


def _refer(model: type[WireModel]) -> dict[str, Any]:
    return {"$ref": _REF.format(model=model.__name__)}


def _without_null(node: Any) -> Any:
    """Take out what the wire does not have: null, and the defaults that stand for absent members."""
    if isinstance(node, list):
        return [_without_null(item) for item in node]
    if not isinstance(node, dict):
        return node
    options = [option for option in node.get("anyOf", ()) if option != {"type": "null"}]
    if len(options) == 1:
        node = {**options[0], **{name: item for name, item in node.items() if name != "anyOf"}}
    return {name: _without_null(item) for name, item in node.items() if (name, item) != ("default", None)}


def _first_line(content: Content) -> str:
    if isinstance(content, str):
        return f"Bytes of {content}."
    return (content.__doc__ or content.__name__).strip().partition("\n")[0]
