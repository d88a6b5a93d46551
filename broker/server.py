"""Run the application on bound sockets: uvicorn with our protocol, a TLS context that can change, and an orderly end.

Who owns what: the caller binds the sockets and owns the application's parts; this module owns the event loop, the
listeners and the connections. Signals: TERM and INT drain and end, HUP asks for the members' CAs to be read again.
"""

import asyncio
import gc
import resource
import signal
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog
import uvicorn
import uvloop
from starlette.types import ASGIApp

from broker.http.protocol import BrokerProtocol, ConnectionLimits, make_protocol
from broker.http.terminator import Terminator
from schemas.api import PROTOCOL_VERSION, VERSION_HEADER

_BACKLOG = 2048
_TLS_CLOSE_SECONDS = 1.0

_log = structlog.get_logger(__name__)

MakeContext = Callable[[], ssl.SSLContext]
Hook = Callable[[], None]


class StartError(RuntimeError):
    """The application did not start."""


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How a listener behaves.

    `drain_seconds` is how long requests may go on once the end was asked for, `leave_seconds` how long once the TLS
    context under which they came was replaced. With a `terminator`, that is who connects.
    """

    limits: ConnectionLimits = field(default_factory=ConnectionLimits)
    keep_alive_seconds: int = 75
    drain_seconds: int = 30
    leave_seconds: float = 10.0
    terminator: Terminator | None = None


class Listener(uvicorn.Server):
    """One uvicorn server whose TLS context can be replaced while it serves."""

    def __init__(
        self,
        app: ASGIApp,
        options: ServerOptions,
        *,
        make_context: MakeContext | None = None,
        on_started: Hook = lambda: None,
        has_lifespan: bool = True,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=make_protocol(options.limits, options.terminator),
                ws="none",
                lifespan="on" if has_lifespan else "off",
                interface="asgi3",
                proxy_headers=False,
                access_log=False,
                log_config=None,
                server_header=False,
                headers=[(VERSION_HEADER, str(PROTOCOL_VERSION))],
                timeout_keep_alive=options.keep_alive_seconds,
                timeout_graceful_shutdown=options.drain_seconds,
            )
        )
        self._handshake_seconds = options.limits.head_seconds
        self._leave_seconds = options.leave_seconds
        self._terminator = options.terminator
        self._make_context = make_context
        self._on_started = on_started
        self._context: ssl.SSLContext | None = None
        self._sockets: list[socket.socket] = []

    async def run_on(self, listening: socket.socket) -> None:
        """Serve on a bound socket until `should_exit` is set; signals are left alone."""
        await self._serve([listening])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then listen.

        Raises:
            StartError: the application refused to start.
        """
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            raise StartError("the broker did not start; the reason stands in the log above")
        self._sockets = list(sockets or [])
        self.servers = await self._listen()
        self.started = True
        self._on_started()

    async def replace_context(self) -> None:
        """Listen under a fresh TLS context and close the connections made under the old one.

        The listening socket stays the same, so nobody is turned away in between. Requests under way may finish within
        `leave_seconds`. A fresh context has fresh ticket keys: no session of the old one can be resumed. What was
        concluded of the clients that a terminator speaks for is forgotten with it.
        """
        if self._terminator is not None:
            self._terminator.forget()
            if self._make_context is None:
                return
        old_servers, old_connections = self.servers, list(self.server_state.connections)
        self.servers = await self._listen()
        for server in old_servers:
            server.close()
        for connection in old_connections:
            connection.shutdown()
        asyncio.get_running_loop().call_later(self._leave_seconds, _cut_all, old_connections)

    async def _listen(self) -> list[asyncio.Server]:
        loop = asyncio.get_running_loop()
        context = self._context = self._make_context() if self._make_context else None
        tls: dict[str, Any] = {} if context is None else {
            "ssl": context,
            "ssl_handshake_timeout": self._handshake_seconds,
            "ssl_shutdown_timeout": _TLS_CLOSE_SECONDS,
        }  # fmt: skip
        make = partial(self._make_connection, context)
        return [
            await (loop.create_unix_server if bound.family == socket.AF_UNIX else loop.create_server)(
                make, sock=bound.dup(), backlog=_BACKLOG, **tls
            )
            for bound in self._sockets
        ]

    def _make_connection(self, context: ssl.SSLContext | None) -> BrokerProtocol:
        make: Any = self.config.http_protocol_class
        made: BrokerProtocol = make(self.config, self.server_state, self.lifespan.state)
        # A handshake that began under a context that is no longer ours, or before the end was asked for, must not end
        # in a connection: nobody would close it.
        made.is_stale = lambda: self.should_exit or context is not self._context
        return made


@dataclass(slots=True)
class BrokerServer:
    """The clients' listener and the operator's, in one process and one event loop.

    `on_started` is called once clients can connect. `on_drain` is called when the end is asked for, before connections
    are waited for, so that whoever lets requests wait can let them go. `on_reload` is called at SIGHUP.
    """

    app: ASGIApp
    admin_app: ASGIApp
    make_context: MakeContext | None
    options: ServerOptions = field(default_factory=ServerOptions)
    on_started: Hook = lambda: None
    on_drain: Hook = lambda: None
    on_reload: Callable[[], Awaitable[None]] | None = None
    _clients: Listener | None = None
    _is_draining: bool = False

    @property
    def problem(self) -> str | None:
        """Why no request can be served right now, or None."""
        if self._is_draining:
            return "the broker is stopping"
        return None if self._clients is not None and self._clients.started else "the broker is starting"

    def run(self, listening: socket.socket, admin_listening: socket.socket) -> None:
        """Serve on two bound sockets until a signal ends it; they are closed at the end."""
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self.serve(listening, admin_listening))

    async def serve(self, listening: socket.socket, admin_listening: socket.socket) -> None:
        """Serve on the running event loop until `stop` or a signal.

        Raises:
            StartError: the application refused to start.
        """
        raise_file_limit()
        clients = self._clients = Listener(
            self.app, self.options, make_context=self.make_context, on_started=self._announce
        )
        operator = Listener(self.admin_app, ServerOptions(drain_seconds=1), has_lifespan=False)
        self._handle_signals()
        with _closing(listening, admin_listening):
            # The operator's listener is there first and goes last: starting and stopping can be watched.
            watched = asyncio.create_task(operator.run_on(admin_listening))
            try:
                await clients.run_on(listening)
            finally:
                operator.should_exit = True
                await watched

    def stop(self) -> None:
        """Take no more connections, finish what is under way, and let `serve` return."""
        if self._is_draining or self._clients is None:
            return
        self._is_draining = True
        _log.info("draining", connections=len(self._clients.server_state.connections))
        self._clients.should_exit = True
        self.on_drain()

    async def replace_context(self) -> None:
        """Take the members' CAs anew; to be called after every enrolment and every change of a CA."""
        if self._clients is not None and self._clients.started and not self._is_draining:
            await self._clients.replace_context()
            _log.info("tls-context-replaced")

    def count_connections(self) -> int:
        """Return how many clients are connected."""
        return len(self._clients.server_state.connections) if self._clients else 0

    def _announce(self) -> None:
        # What was loaded until now stays for good: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        self.on_started()

    def _handle_signals(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.stop)
        loop.add_signal_handler(signal.SIGINT, self.stop)
        if self.on_reload is not None:
            loop.add_signal_handler(signal.SIGHUP, self._reload)

    def _reload(self) -> None:
        if self.on_reload is not None:
            asyncio.ensure_future(self.on_reload())  # noqa: RUF006 - the loop outlives it, and it answers to nobody


def raise_file_limit() -> None:
    """Let this process have as many open files as it may: each connection is one, also one that never says a word."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def bind_socket(host: str, port: int) -> socket.socket:
    """Return a TCP socket bound to an address; port 0 lets the kernel choose one.

    Raises:
        OSError: the address is in use or not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


def read_port(bound: socket.socket) -> int:
    """Return the port a socket is bound to."""
    port: int = bound.getsockname()[1]
    return port


@contextmanager
def _closing(*sockets: socket.socket) -> Iterator[None]:
    try:
        yield
    finally:
        for bound in sockets:
            bound.close()


def _cut_all(connections: list[Any]) -> None:
    for connection in connections:
        connection.leave()
