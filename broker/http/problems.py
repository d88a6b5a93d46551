"""Refusals as RFC 9457 answers: one place that turns every failure into a problem, and no exception's text into any."""

from collections.abc import Mapping

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from broker.http.refusal import Refusal, find_refusal
from keys.generation import generate_id
from schemas.problems import MEDIA_TYPE, ProblemDocument, ProblemReason

PROBLEM_SLUG_KEY = "bilateral.problem"

_log = structlog.get_logger(__name__)
_SLUG_OF_STATUS = {
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    415: "unsupported-media-type",
    429: "too-many-requests",
    503: "unavailable",
}
_MAX_DETAIL = 2000
_MAX_REASONS = 32
_BEARER = {"token-refused": 'Bearer error="invalid_token"'}


def make_problem(refusal: Refusal, reference: str | None = None) -> ProblemDocument:
    """Return the document of a refusal."""
    problem = refusal.problem
    return ProblemDocument(
        type=problem.uri,
        title=problem.title,
        status=problem.status,
        detail=refusal.detail[:_MAX_DETAIL],
        field=refusal.field[:200] if refusal.field else None,
        reasons=refusal.reasons[:_MAX_REASONS] or None,
        reference=reference,
    )


def answer_refusal(
    refusal: Refusal, *, reference: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """Return the answer to a refused request."""
    extra = dict(headers or {})
    extra["Cache-Control"] = "no-store"
    if refusal.come_back_seconds is not None:
        extra["Retry-After"] = str(refusal.come_back_seconds)
    if refusal.problem.status == 401:
        extra["WWW-Authenticate"] = _BEARER.get(refusal.slug, "Bearer")
    content = make_problem(refusal, reference).canonical()
    return Response(content, refusal.problem.status, extra, MEDIA_TYPE)


def answer_error(error: Exception) -> tuple[Refusal, Response]:
    """Return what to answer to an error, whatever it is; one nobody foresaw is logged under a reference."""
    refusal, reference = explain_error(error)
    headers = error.headers if isinstance(error, HTTPException) else None
    return refusal, answer_refusal(refusal, reference=reference, headers=headers)


def explain_error(error: Exception) -> tuple[Refusal, str | None]:
    """Return what an error means, and the reference under which one nobody foresaw was logged just now."""
    refusal = find_refusal(error)
    if refusal is not None:
        return refusal, None
    if isinstance(error, RequestValidationError):
        return _refuse_validation(error), None
    if isinstance(error, HTTPException):
        return _refuse_http(error), None
    reference = generate_id()
    _log.error("request-failed", reference=reference, exc_info=error)
    sentence = "The exchange could not answer; its operator finds the cause under the reference."
    return Refusal("internal", sentence), reference


def install_problems(app: FastAPI) -> None:
    """Make every error inside `app` answer with a problem."""
    for kind in (Exception, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, _handle)


async def _handle(request: Request, error: Exception) -> Response:
    refusal, response = answer_error(error)
    request.scope[PROBLEM_SLUG_KEY] = refusal.slug
    if refusal.slug == "method-not-allowed":
        response.headers["Allow"] = ", ".join(_list_methods(request))
    return response


def _list_methods(request: Request) -> list[str]:
    """Return what an address takes; the framework names the methods of the first route that fits, not of all."""
    path = request.scope["path"]
    routes = (context for context in iter_route_contexts(request.app.routes) if context.path_regex.match(path))
    return sorted({method for route in routes for method in route.methods or ()})


def _refuse_http(error: HTTPException) -> Refusal:
    # Starlette's and FastAPI's own errors; the text is ours, because theirs may repeat what was sent.
    slug = _SLUG_OF_STATUS.get(error.status_code, "malformed" if error.status_code < 500 else "unavailable")
    refusal = Refusal(slug, "")
    return Refusal(slug, f"{refusal.problem.title}.")


def _refuse_validation(error: RequestValidationError) -> Refusal:
    # Pydantic's message may quote the input; its type and the place never do.
    problems = [(".".join(str(part) for part in one["loc"]), str(one["type"])) for one in error.errors()]
    reasons = tuple(
        ProblemReason(code=kind.replace("_", "-").replace(".", "-")[:64], sentence=f"{place}: {kind}"[:500])
        for place, kind in problems[:_MAX_REASONS]
    )
    field = problems[0][0] if problems else None
    return Refusal("wrong-shape", f"{field or 'the request'} is not what this address takes", field, reasons)
