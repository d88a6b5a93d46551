"""The application of a serving broker: its addresses, what describes them, and what runs beside them."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from typing import Any

import structlog
from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from broker.access import routes as access_routes
from broker.agreements import routes as agreement_routes
from broker.attachments import routes as attachment_routes
from broker.audit import routes as audit_routes
from broker.audit.standing import ExchangeStoppedError
from broker.composition import Broker
from broker.directory import routes as directory_routes
from broker.exchange import draw_serial
from broker.http.admission import AdmissionLimits
from broker.http.documents import answer_document
from broker.http.gate import Gate, GateOptions
from broker.http.operations import add_operation, find_hot_endpoints, install_openapi
from broker.http.problems import install_problems
from broker.http.tls import build_server_context
from broker.inbox import routes as inbox_routes
from broker.receipts import routes as receipt_routes
from broker.routing import routes as routing_routes
from broker.settings import Limits
from broker.statuses import routes as status_routes
from broker.storage.errors import StoreError
from broker.witnesses import routes as witness_routes
from keys.generation import generate_bytes
from schemas.api import HOME_PATH, OPENAPI_PATH, TOKEN_PATH, ExchangeAnswer
from schemas.codec import encode_canonical

COUNT_SECONDS = 60
DESCRIPTION = (
    "Members exchange sealed alerts under agreements both sides signed. Every body is canonical JSON (RFC 8785, "
    "narrowed); every refusal is a problem (RFC 9457) whose type is listed with its address."
)
_WITHOUT_TOKEN = frozenset({HOME_PATH, OPENAPI_PATH, TOKEN_PATH})
_SCHEME = "accessToken"

_log = structlog.get_logger(__name__)


def make_app(broker: Broker) -> ASGIApp:
    """Return the application of the clients' listener."""
    app = make_api(broker)
    options = GateOptions(
        hot=find_hot_endpoints(app),
        max_body_bytes_at={**access_routes.BODY_LIMITS, **routing_routes.BODY_LIMITS},
        without_version=frozenset({HOME_PATH, OPENAPI_PATH}),
        admission=_limit_admission(broker.settings.limits),
        streamed=attachment_routes.STREAMED,
        recognise=broker.authentication.recognise,
    )
    return Gate(app, broker.metrics, options)


def _limit_admission(limits: Limits) -> AdmissionLimits:
    return AdmissionLimits(
        requests_per_second=limits.requests_per_second,
        burst_requests=limits.burst_requests,
        requests_per_second_of_member=limits.requests_per_second_of_member,
        burst_requests_of_member=limits.burst_requests_of_member,
        max_requests=limits.max_requests,
        max_requests_of_member=limits.max_requests_of_member,
        max_waiting=limits.max_connections,
        max_waiting_of_member=limits.max_waiting_of_member,
        max_held_bytes=limits.max_held_bytes,
        max_held_bytes_of_member=limits.max_held_bytes_of_member,
    )


def make_api(broker: Broker) -> FastAPI:
    """Return the framework's part of the application: every address, and the document that describes them."""
    app = FastAPI(
        title="Bilateral exchange",
        version=version("bilateral"),
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=_make_lifespan(broker),
    )
    for router in (
        access_routes.make_router(broker.access),
        directory_routes.make_router(broker.members, broker.authentication),
        agreement_routes.make_router(broker.agreements, broker.authentication),
        routing_routes.make_router(broker.routing, broker.authentication),
        attachment_routes.make_router(broker.attachments, broker.authentication),
        inbox_routes.make_router(broker.inbox, broker.events, broker.authentication),
        receipt_routes.make_router(broker.receipts, broker.authentication),
        status_routes.make_router(broker.statuses, broker.authentication),
        audit_routes.make_router(broker.audit, broker.authentication),
        witness_routes.make_router(broker.witnesses, broker.authentication),
    ):
        app.include_router(router)
    app.include_router(_make_home(broker, app))
    install_problems(app)
    install_openapi(app, without_version={HOME_PATH, OPENAPI_PATH})
    _describe_access(app)
    return app


def make_context_factory(broker: Broker) -> Callable[[], ssl.SSLContext]:
    """Return what makes a TLS context of the members' CAs as they stand, under a fresh server certificate."""

    def make_context() -> ssl.SSLContext:
        chain, key = broker.exchange.issue_server_identity(broker.clock.now(), draw_serial(generate_bytes))
        authorities = (certificate for _, certificate in broker.directory.current.authorities.values())
        return build_server_context(chain, key, authorities)

    return make_context


def _make_home(broker: Broker, app: FastAPI) -> APIRouter:
    router = APIRouter(tags=["exchange"])
    greeting = ExchangeAnswer(
        product="bilateral",
        exchange=broker.exchange.name,
        origin=broker.exchange.sheet.origin,
        protocol=1,
    )

    async def greet(_request: Request) -> Response:
        """Say which exchange answers here, and which version of the protocol it speaks."""
        return answer_document(greeting)

    async def describe(_request: Request) -> Response:
        """Describe every address of this exchange (OpenAPI 3.1)."""
        return Response(encode_canonical(app.openapi()), media_type="application/json")

    add_operation(router, "GET", HOME_PATH, greet, gives={200: ExchangeAnswer})
    router.add_api_route(OPENAPI_PATH, describe, methods=["GET"], response_class=Response, include_in_schema=False)
    return router


def _make_lifespan(broker: Broker) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(_count_tokens(broker)), asyncio.create_task(broker.sweeper.run())]
        if broker.follower is not None:
            tasks.append(asyncio.create_task(broker.follower.run()))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            with suppress(ExchangeStoppedError):  # they stay where they are counted
                await broker.access.record_counts(including_this_hour=True)

    return lifespan


async def _count_tokens(broker: Broker) -> None:
    """Write the tokens of each hour into the log soon after it is over, until cancelled."""
    while True:
        try:
            await broker.access.record_counts()
        except (StoreError, ExchangeStoppedError) as error:
            _log.warning("token-counts-postponed", reason=str(error))
        except Exception as error:  # noqa: BLE001 - whatever it was, the next minute may go well
            _log.error("token-counts-failed", exc_info=error)
        await asyncio.sleep(COUNT_SECONDS)


def _describe_access(app: FastAPI) -> None:
    """Say in the document how a token is asked for, and that every other address wants one beside the certificate."""
    document = app.openapi()
    document["paths"][TOKEN_PATH]["post"]["requestBody"] = access_routes.FORM_BODY
    document["components"]["securitySchemes"][_SCHEME] = {
        "type": "oauth2",
        "description": "An access token bound to the client certificate (RFC 8705), asked for with private_key_jwt.",
        "flows": {"clientCredentials": {"tokenUrl": TOKEN_PATH, "scopes": {}}},
    }
    for path, operations in document["paths"].items():
        for operation in operations.values() if path not in _WITHOUT_TOKEN else ():
            operation["security"] = [{**one, _SCHEME: []} for one in operation["security"]]
