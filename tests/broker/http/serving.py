"""A real server over real TLS for the tests: an authority for the broker, CAs of members, and clients of both kinds."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import uvloop
from starlette.types import ASGIApp

from broker.http.tls import build_server_context
from broker.observability.admin import make_admin_app
from broker.observability.metrics import Metrics
from broker.server import BrokerServer, ServerOptions, bind_socket, read_port
from keys.certificates import (
    export_certificate_pem,
    export_tls_key,
    issue_client_certificate,
    issue_server_certificate,
    make_tls_ca,
)

NOW = datetime.now(UTC)
SPAN = {"not_before": NOW - timedelta(hours=1), "not_after": NOW + timedelta(days=1)}
VERSION = {"Bilateral-Version": "1"}

_SERVER_CA_SEED, _SERVER_SEED = bytes([40]) * 32, bytes([41]) * 32


class Member:
    """A member's CA and a node's certificate under it."""

    def __init__(self, number: int, folder: Path, key_number: int | None = None) -> None:
        seed = bytes([number]) * 32
        key_seed = bytes([number + 100 if key_number is None else key_number]) * 32
        self.ca = make_tls_ca(seed, serial=number, **SPAN)
        self.certificate = issue_client_certificate(seed, key_seed, "node-1", serial=number + 100, **SPAN)
        self._chain = folder / f"member-{number}.pem"
        self._chain.write_bytes(export_certificate_pem(self.certificate) + export_tls_key(key_seed))
        self.context = self.make_context()

    def make_context(self) -> ssl.SSLContext:
        context = trusting_context()
        context.load_cert_chain(self._chain)
        return context


def trusting_context() -> ssl.SSLContext:
    """Return a client's context that trusts the test broker and shows no certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=make_tls_ca(_SERVER_CA_SEED, serial=1, **SPAN))
    return context


def make_server_identity() -> tuple[bytes, bytes]:
    """Return the test broker's certificate and key as PEM."""
    certificate = issue_server_certificate(_SERVER_CA_SEED, _SERVER_SEED, ["127.0.0.1", "localhost"], serial=2, **SPAN)
    return export_certificate_pem(certificate), export_tls_key(_SERVER_SEED)


class Serving:
    """A server that runs on a thread of its own."""

    def __init__(self, app: ASGIApp, authorities: list[bytes], options: ServerOptions | None = None) -> None:
        self.authorities = authorities
        self.metrics = Metrics()
        self.checks: dict[str, Callable[[], str | None]] = {}
        self.server = BrokerServer(
            app,
            make_admin_app(self.metrics, self.checks),
            self._make_context,
            options or ServerOptions(),
            on_started=self._start,
        )
        self.checks["server"] = lambda: self.server.problem
        self._started = threading.Event()
        self._listening, self._admin = bind_socket("127.0.0.1", 0), bind_socket("127.0.0.1", 0)
        self.port, self.admin_port = read_port(self._listening), read_port(self._admin)
        self.url, self.admin_url = f"https://127.0.0.1:{self.port}", f"http://127.0.0.1:{self.admin_port}"
        self._thread = threading.Thread(target=self._run, name="serving")

    def start(self) -> None:
        self._thread.start()
        assert self._started.wait(20)

    def run(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """Run a coroutine on the server's event loop and return its result."""

        async def call() -> Any:
            return await work()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(20)

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self.server.stop)
            self._thread.join(20)
        assert not self._thread.is_alive()

    def _make_context(self) -> ssl.SSLContext:
        return build_server_context(*make_server_identity(), self.authorities)

    def _start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._started.set()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self.server.serve(self._listening, self._admin))


@contextmanager
def serving(app: ASGIApp, authorities: list[bytes], options: ServerOptions | None = None) -> Iterator[Serving]:
    """Run a server around the block."""
    running = Serving(app, authorities, options)
    running.start()
    try:
        yield running
    finally:
        running.stop()


def make_client(member: Member, running: Serving, **options: Any) -> httpx.Client:
    """Return an HTTP client with the member's certificate."""
    headers = options.pop("headers", VERSION)
    return httpx.Client(base_url=running.url, verify=member.make_context(), headers=headers, timeout=20, **options)


@contextmanager
def raw_connection(member: Member, running: Serving) -> Iterator[ssl.SSLSocket]:
    """Open a TLS connection for bytes that no HTTP client would send."""
    with (
        socket.create_connection(("127.0.0.1", running.port), timeout=20) as plain,
        member.context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        yield connection


def read_all(connection: ssl.SSLSocket) -> bytes:
    """Return what comes until the other side closes, in whatever way."""
    received = bytearray()
    try:
        while chunk := connection.recv(65536):
            received += chunk
    except (ConnectionResetError, ssl.SSLError):
        pass
    return bytes(received)
