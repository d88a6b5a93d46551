"""The application's outermost layer: limits before reading, whole bodies before working, one answer whatever happens.

It also dispatches the few hot addresses by a dictionary, before any framework, and counts every answer.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from broker.http.admission import Admission, AdmissionLimits, Visit
from broker.http.connection import ClientConnection, connection_of
from broker.http.limits import MAX_BODY_BYTES, read_head, refuse_body, refuse_head
from broker.http.problems import PROBLEM_SLUG_KEY, answer_error, answer_refusal
from broker.http.refusal import Refusal, RefusedError
from broker.observability.metrics import Metrics

Endpoint = Callable[[Request], Awaitable[Response]]
Recognise = Callable[[ClientConnection], None]
"""Lets a connection know its member, if its certificate is a member's."""

_LINGER_SECONDS = 2.0
_LINGER_BYTES = 16 * 1024 * 1024
_PIECE_BYTES = 256 * 1024
_STOPPING = Refusal("unavailable", "The exchange is stopping.", retry_after_seconds=5)
_UNMATCHED = "unmatched"


@dataclass(frozen=True, slots=True)
class GateOptions:
    """What the gate lets through.

    `hot` maps (method, path) to endpoints that bypass the framework; `max_body_bytes_at` holds addresses whose bodies
    may be of another size; `without_version` the addresses that browsers use; `admission` says how fast and how many.
    `streamed` maps (method, beginning of a path) to the size of bodies that their endpoints read by themselves, a
    little at a time; such a body has a length from the start. `recognise` finds out whose part of everything is taken
    from: a member may have any number of certificates.
    """

    hot: Mapping[tuple[str, str], Endpoint] = field(default_factory=dict)
    max_body_bytes: int = MAX_BODY_BYTES
    max_body_bytes_at: Mapping[str, int] = field(default_factory=dict)
    without_version: frozenset[str] = frozenset()
    admission: AdmissionLimits = field(default_factory=AdmissionLimits)
    streamed: Mapping[tuple[str, str], int] = field(default_factory=dict)
    recognise: Recognise = lambda _: None

    def find_streamed_bytes(self, method: str, path: str) -> int | None:
        """Return how large a body may be that the endpoint reads by itself; None where the gate reads it."""
        found = (size for (way, start), size in self.streamed.items() if way == method and path.startswith(start))
        return next(found, None)


class DisconnectedError(Exception):
    """The client went away before its request was complete."""


class Gate:
    """An ASGI application around another one."""

    def __init__(self, app: ASGIApp, metrics: Metrics, options: GateOptions | None = None) -> None:
        self._app = app
        self._metrics = metrics
        self._options = options or GateOptions()
        self.admission = Admission(self._options.admission)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or pass the lifespan on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        connection = connection_of(scope)
        self._options.recognise(connection)
        visit = self.admission.enter(scope, connection)
        answer = _Answer(scope, send, visit)
        try:
            await self._serve(scope, receive, answer, visit)
        except DisconnectedError:
            pass
        except asyncio.CancelledError:  # only the server does that, when its drain time is over
            await _answer_failure(scope, receive, answer, RefusedError(_STOPPING))
        except Exception as error:  # noqa: BLE001 - this is the place that answers for all others
            await _answer_failure(scope, receive, answer, error)
        finally:
            visit.leave()
            self._count(scope, answer.status, time.perf_counter() - started)

    async def _serve(self, scope: Scope, receive: Receive, answer: "_Answer", visit: Visit) -> None:
        options, path = self._options, scope["path"]
        head = read_head(scope["headers"])
        streamed_bytes = options.find_streamed_bytes(scope["method"], path)
        limit = streamed_bytes or options.max_body_bytes_at.get(path, options.max_body_bytes)
        refusal = refuse_head(head, max_body_bytes=limit, needs_version=path not in options.without_version)
        if scope["http_version"] != "1.1":
            refusal = Refusal("malformed", "The request line must say HTTP/1.1.")
        if "\0" in path or b"%00" in scope.get("query_string", b""):  # PostgreSQL has no text with one
            refusal = Refusal("malformed", "The address holds a NUL character.")
        if refusal is None:
            refusal = self.admission.refuse(visit, time.monotonic())
        if refusal is None and streamed_bytes is not None and head.is_chunked:
            refusal = Refusal("malformed", "The body here has a Content-Length.", "Content-Length")
        if refusal is None and head.has_body and streamed_bytes is None:
            body = await _read_body(receive, limit, visit)
            if isinstance(body, Refusal):
                refusal = body
            else:
                receive = _replay(body, receive)
        if refusal is not None:
            await _answer_early(scope, receive, answer, refusal, is_body_unread=head.has_body)
            return
        endpoint = options.hot.get((scope["method"], path))
        if endpoint is None:
            await self._app(scope, receive, answer)
        else:
            response = await endpoint(Request(scope, receive))
            await response(scope, receive, answer)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        if (scope["method"], scope["path"]) in self._options.hot:
            route = scope["path"]
        else:
            route = getattr(scope.get("route"), "path", _UNMATCHED)
        self._metrics.observe_request(route, status, seconds)
        slug = scope.get(PROBLEM_SLUG_KEY)
        if slug is not None:
            self._metrics.count_refusal(slug)


class _Answer:
    """The way back to the client, remembering whether and with which status an answer began.

    A large one takes room until it is sent; where its member has none left, it is told so in its place.
    """

    __slots__ = ("_head", "_is_replaced", "_scope", "_send", "_visit", "status")

    def __init__(self, scope: Scope, send: Send, visit: Visit) -> None:
        self._scope, self._send, self._visit = scope, send, visit
        self._head: Message | None = None
        self._is_replaced = False
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if self._is_replaced:
            return
        if message["type"] == "http.response.start":
            self._head = message
            return
        size = len(message.get("body", b""))
        refusal = self._visit.hold_answer(size) if size > _PIECE_BYTES and self._head is not None else None
        if refusal is not None:
            message = self._replace(refusal)
        await self._send_head()
        await self._send(message if size <= _PIECE_BYTES or self._is_replaced else await self._send_pieces(message))

    async def _send_head(self) -> None:
        if self._head is not None:
            head, self._head = self._head, None
            self.status = head["status"]
            await self._send(head)

    def _replace(self, refusal: Refusal) -> Message:
        self._is_replaced = True
        self._scope[PROBLEM_SLUG_KEY] = refusal.slug
        response = answer_refusal(refusal)
        self._head = {"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers}
        return {"type": "http.response.body", "body": response.body}

    async def _send_pieces(self, message: Message) -> Message:
        """Send all but the last piece of a large body: between two, the connection can tell that nobody reads them."""
        body = message["body"]
        last = (len(body) - 1) // _PIECE_BYTES * _PIECE_BYTES
        for start in range(0, last, _PIECE_BYTES):
            piece = body[start : start + _PIECE_BYTES]
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})
        return {**message, "body": body[last:]}


async def _answer_failure(scope: Scope, receive: Receive, answer: _Answer, error: Exception) -> None:
    if answer.status:
        # Half an answer is out, or a framework's error handler has answered already and raised again for its server.
        if PROBLEM_SLUG_KEY not in scope:
            answer_error(error)
            raise error
        return
    refusal, response = answer_error(error)
    scope[PROBLEM_SLUG_KEY] = refusal.slug
    await response(scope, receive, answer)


async def _answer_early(
    scope: Scope, receive: Receive, answer: _Answer, refusal: Refusal, *, is_body_unread: bool
) -> None:
    """Answer before the body was read, then read on for a moment: a reset would take the answer from the client."""
    scope[PROBLEM_SLUG_KEY] = refusal.slug
    response = answer_refusal(refusal)
    if not is_body_unread:
        await response(scope, receive, answer)
        return
    headers = [*response.raw_headers, (b"connection", b"close")]
    await answer({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await answer({"type": "http.response.body", "body": response.body, "more_body": True})
    await _discard_body(receive)
    await answer({"type": "http.response.body", "body": b"", "more_body": False})


async def _read_body(receive: Receive, limit: int, visit: Visit) -> bytes | Refusal:
    """Return the whole body, or as soon as it is larger than `limit` or there is no room for it, why not."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise DisconnectedError
        part = message.get("body", b"")
        size += len(part)
        refusal = refuse_body(limit) if size > limit else visit.hold(len(part))
        if refusal is not None:
            return refusal
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


async def _discard_body(receive: Receive) -> None:
    left = _LINGER_BYTES
    try:
        async with asyncio.timeout(_LINGER_SECONDS):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
    except TimeoutError:
        return


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the whole body once and then whatever the connection says."""
    is_given = False

    async def replay() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
