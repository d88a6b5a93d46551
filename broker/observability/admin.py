"""The operator's own listener, on loopback and without TLS: is it alive, does it serve, what does it count."""

from collections.abc import Callable, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from broker.observability.metrics import Metrics
from schemas.codec import encode_canonical

Check = Callable[[], str | None]
"""Returns why the broker cannot serve right now, or None."""


def make_admin_app(metrics: Metrics, checks: Mapping[str, Check]) -> Starlette:
    """Return the application of the operator's listener.

    `/health` answers as long as the event loop turns. `/ready` runs every check, answers 200 only if none has anything
    to say, and names those that have. `/metrics` is Prometheus' text.
    """

    async def health(_request: Request) -> Response:
        return _answer(200, {"status": "alive"})

    async def ready(_request: Request) -> Response:
        problems = find_problems(checks)
        status = "not-ready" if problems else "ready"
        return _answer(503 if problems else 200, {"status": status, "problems": problems})

    async def count(_request: Request) -> Response:
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return Starlette(routes=[Route("/health", health), Route("/ready", ready), Route("/metrics", count)])


def find_problems(checks: Mapping[str, Check]) -> dict[str, str]:
    """Return what each check that is not content says; a check that fails says so without details."""
    problems: dict[str, str] = {}
    for name, check in checks.items():
        try:
            problem = check()
        except Exception as error:  # noqa: BLE001 - readiness must be answered whatever is broken
            problem = f"the check failed: {type(error).__name__}"
        if problem is not None:
            problems[name] = problem
    return problems


def _answer(status: int, content: Mapping[str, object]) -> Response:
    return Response(encode_canonical(content), status, media_type="application/json")
