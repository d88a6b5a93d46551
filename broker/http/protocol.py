"""The server's side of one connection: uvicorn's parser with a client certificate, time limits and bounded heads.

uvicorn has no time limit for receiving and hides the client certificate. What needs no transport is in `gate` instead.
"""

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from broker.http.connection import ClientConnection, put_connection
from broker.http.limits import MAX_BODY_BYTES, MAX_HEAD_BYTES
from broker.http.problems import make_problem
from broker.http.refusal import Refusal
from broker.http.terminator import MalformedFieldError, Terminator
from schemas.problems import MEDIA_TYPE

MAX_FRAMING_BYTES = MAX_BODY_BYTES
"""What one request may take on the wire beside its body: sizes and extensions of chunks, fields behind the last."""
WRITE_BUFFER_BYTES = 128 * 1024
"""How much of an answer nobody reads may wait in a connection before it is watched."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How long a client may take, in seconds, and how many connections there may be.

    `head_seconds` is for the TLS handshake, for a fresh connection to say anything, and for a request's header to be
    whole; `request_seconds` for a whole request; `idle_seconds` between two pieces of one, and for a whole one that
    arrives slower than `slowest_bytes_per_second`; `write_seconds` for a client that does not read its answer.
    `max_connections_of_member` bounds what one member's certificates may have open, so that none takes the places of
    all others; connections without a certificate count as one member's.
    """

    head_seconds: float = 10.0
    idle_seconds: float = 10.0
    request_seconds: float = 60.0
    write_seconds: float = 10.0
    slowest_bytes_per_second: int = 4096
    max_connections: int = 2000
    max_connections_of_member: int = 250


class _Trailers(list[tuple[bytes, bytes]]):
    """Where fields behind a body go: nowhere. In the header they would count, and fill memory without end."""

    def append(self, _field: tuple[bytes, bytes], /) -> None:
        """Forget a trailer field (RFC 9110 §6.5.1: not merged into the header)."""


class BrokerProtocol(HttpToolsProtocol):
    """One connection of a client, or of a terminator. Use `make_protocol` to give a server its limits."""

    limits: ClassVar[ConnectionLimits] = ConnectionLimits()
    terminator: ClassVar[Terminator | None] = None
    open_by_issuer: ClassVar[Counter[str]] = Counter()

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.peer = ClientConnection(None)
        self.is_stale: Callable[[], bool] = lambda: False
        self._is_cut = False
        self._issuer: str | None = None
        self._receiving_since: float | None = None
        self._last_data = 0.0
        self._is_head_open = False
        self._head_bytes = 0
        self._request_bytes = self._body_bytes = 0
        self._receive_watch: asyncio.TimerHandle | None = None
        self._write_watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the client's certificate and start to wait for its first request."""
        super().connection_made(transport)
        tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        if tls is not None:
            self.peer = ClientConnection(tls.getpeercert(binary_form=True))
        # TLS has verified who issued the certificate, so the issuer's name is that of the member's own CA.
        self._issuer = str((tls.getpeercert() or {}).get("issuer")) if tls is not None else ""
        transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        self.open_by_issuer[self._issuer] += 1
        if self.is_stale() or self._is_one_too_many() or not self._may_speak():
            self._cut()
            return
        self._receiving_since = self._last_data = self.loop.time()
        self._watch_receiving()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection and its timers."""
        self._is_cut = True
        if self._issuer is not None:
            self.open_by_issuer[self._issuer] -= 1
            if not self.open_by_issuer[self._issuer]:
                del self.open_by_issuer[self._issuer]
        for watch in (self._receive_watch, self._write_watch):
            if watch is not None:
                watch.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, and watch the clock for as long as a request is not whole."""
        if self._is_cut:
            return
        self._last_data = self.loop.time()
        self._request_bytes += len(data)
        super().data_received(data)
        if self._is_head_open:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(Refusal("too-large", f"The header has more than {MAX_HEAD_BYTES} bytes."))
                return
        if self._receiving_since is not None:
            if self._request_bytes - self._body_bytes > MAX_FRAMING_BYTES:
                self._refuse(Refusal("too-large", f"There are {MAX_FRAMING_BYTES} bytes around the body."))
            elif self._receive_watch is None:
                self._watch_receiving()

    def on_message_begin(self) -> None:
        """Start a request and its clock."""
        super().on_message_begin()
        self._receiving_since = self._last_data
        self._is_head_open, self._head_bytes = True, 0
        self._request_bytes = self._body_bytes = 0

    def on_headers_complete(self) -> None:
        """Hand the request to the application; its body may still be on the way."""
        self._is_head_open = False
        try:
            put_connection(self.scope, self._find_client())  # type: ignore[arg-type]
        except MalformedFieldError as error:
            self._refuse(Refusal("malformed", f"{error}.", "Client-Cert"))
            return
        super().on_headers_complete()
        self.headers = _Trailers()

    def on_body(self, body: bytes) -> None:
        """Hand a piece of the body on, and count it."""
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Stop the request's clock."""
        self._receiving_since = None
        super().on_message_complete()

    def pause_writing(self) -> None:
        """Wait for a client that does not read its answer, but not for ever."""
        super().pause_writing()
        self._write_watch = self.loop.call_later(self.limits.write_seconds, self._abort)

    def resume_writing(self) -> None:
        """Go on, the client reads."""
        if self._write_watch is not None:
            self._write_watch.cancel()
            self._write_watch = None
        super().resume_writing()

    def leave(self) -> None:
        """Close now, whatever is under way: the certificate may no longer be worth anything."""
        if not self._is_cut:
            self._cut()

    def send_400_response(self, msg: str) -> None:
        """Answer bytes that are not HTTP, in the form of every other refusal."""
        self._refuse(Refusal("malformed", "The bytes received are no HTTP request."))

    def _is_one_too_many(self) -> bool:
        limits = self.limits
        if len(self.connections) > limits.max_connections:
            return True
        # A terminator's connections are everybody's.
        return self.terminator is None and self.open_by_issuer[self._issuer or ""] > limits.max_connections_of_member

    def _may_speak(self) -> bool:
        return self.terminator is None or self.terminator.peer.is_it(self.transport)

    def _find_client(self) -> ClientConnection:
        """Return whose request this is: the connection's, or of whom the terminator says it is."""
        return self.peer if self.terminator is None else self.terminator.find_client(self.headers)

    def _watch_receiving(self) -> None:
        # One lazy timer: no piece that arrives moves it, it looks when it fires. Whole requests never see it.
        self._receive_watch = None
        if self._is_cut or self._receiving_since is None:
            return
        now = self.loop.time()
        if self.flow.read_paused:  # we do not listen: the client cannot be late
            self._last_data = self._receiving_since = now
        limits, is_silent = self.limits, self._current_cycle is None and not self._is_head_open
        total = limits.head_seconds if self._is_head_open or is_silent else limits.request_seconds
        earned = limits.idle_seconds + self._request_bytes / limits.slowest_bytes_per_second
        deadline = min(self._receiving_since + min(total, earned), self._last_data + limits.idle_seconds)
        if now < deadline:
            self._receive_watch = self.loop.call_at(deadline, self._watch_receiving)
        elif is_silent:
            self._cut()
        else:
            self._refuse(Refusal("request-timeout", "The request did not arrive in time."))

    def _refuse(self, refusal: Refusal) -> None:
        """Answer below the application and close; never into the answer to an earlier request."""
        cycle = self._current_cycle
        is_mine = cycle is None or cycle.response_complete or (cycle.more_body and not cycle.response_started)
        if is_mine and not self.transport.is_closing():
            self.transport.write(_format_answer(refusal, self.server_state.default_headers))
        self._cut()

    @property
    def _current_cycle(self) -> RequestResponseCycle | None:
        # uvicorn declares it as always there; before the first request it is not.
        return self.cycle

    def _cut(self) -> None:
        self._is_cut = True
        self.transport.close()

    def _abort(self) -> None:
        self._is_cut = True
        self.transport.abort()


def make_protocol(limits: ConnectionLimits, terminator: Terminator | None = None) -> type[BrokerProtocol]:
    """Return the protocol class with these limits, behind that terminator, for `uvicorn.Config(http=...)`."""
    members: dict[str, Any] = {"limits": limits, "terminator": terminator, "open_by_issuer": Counter()}
    return type("LimitedBrokerProtocol", (BrokerProtocol,), members)


def _format_answer(refusal: Refusal, default_headers: list[tuple[bytes, bytes]]) -> bytes:
    body = make_problem(refusal).canonical()
    headers = [
        *default_headers,
        (b"content-type", MEDIA_TYPE.encode("ascii")),
        (b"content-length", str(len(body)).encode("ascii")),
        (b"connection", b"close"),
    ]
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    return STATUS_LINE[refusal.problem.status] + lines + b"\r\n" + body
