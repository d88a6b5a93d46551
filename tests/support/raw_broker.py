"""A broker that writes bytes by hand over real TLS: what a client is told by one that does not keep to any form.

    with raw_broker() as broker, broker.connect() as connection:
        broker.play = lambda stream, request: stream.sendall(b"HTTP/1.1 200 OK...")
        connection.get(...)

It gives tokens as an honest one does; every other request is answered by `play`.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from agency_client.clock import Clock, SystemClock
from agency_client.connection import BrokerConnection
from agency_client.node_identity import NodeIdentity
from agency_client.profiles.tls_identity import TlsIdentity
from broker.http.tls import build_server_context
from keys.algorithms import SigningKey
from keys.certificates import (
    export_certificate_pem,
    export_tls_key,
    issue_client_certificate,
    issue_server_certificate,
    make_tls_ca,
)
from schemas.api import TOKEN_PATH, TokenAnswer
from schemas.codec import b64u_encode
from schemas.jwk import Algorithm
from schemas.key_documents import ExchangeSheet
from schemas.log.records import Role
from tests.support.members import EXCHANGE, derive_seed

Play = Callable[[ssl.SSLSocket, bytes], object]
DRIP_SECONDS = 5.0
NOW = datetime.now(UTC).replace(microsecond=0)
SPAN = {"not_before": NOW - timedelta(hours=1), "not_after": NOW + timedelta(days=1)}
SERVER_CA, SERVER, CLIENT_CA, CLIENT = (
    derive_seed("raw broker", name) for name in ("ca", "tls", "client ca", "client")
)


def make_raw_sheet() -> ExchangeSheet:
    """Return the sheet of an exchange whose broker is played here."""
    keys = {
        name: SigningKey(algorithm, derive_seed("raw log", name)).jwk.to_wire()
        for name, algorithm in (("ed25519", Algorithm.ED25519), ("ml_dsa", Algorithm.ML_DSA_44))
    }
    authority = b64u_encode(make_tls_ca(SERVER_CA, serial=1, **SPAN))
    return ExchangeSheet.from_wire(
        {"v": 1, "name": EXCHANGE, "origin": f"{EXCHANGE}/1", "log_keys": keys, "tls_ca": authority}
    )


@dataclass
class RawBroker:
    """A listener that lets each connection speak by `play`, and by `play_token` to who wants a token.

    `sent` is how many bytes `pour` got rid of.
    """

    play: Play = lambda *_: None
    play_token: Play = lambda stream, _: stream.sendall(format_answer(200, make_token().canonical()))
    sent: int = 0
    is_over: threading.Event = field(default_factory=threading.Event)
    listening: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    _threads: list[threading.Thread] = field(default_factory=list)
    _streams: list[socket.socket] = field(default_factory=list)

    @contextmanager
    def connect(self, port: int | None = None, clock: Clock | None = None) -> Iterator[BrokerConnection]:
        """Give a client's connection to this broker, or to another port of this machine."""
        certificate = issue_client_certificate(CLIENT_CA, CLIENT, "n1", serial=3, **SPAN)
        identity = NodeIdentity("GB", "n1", TlsIdentity(CLIENT, certificate), derive_seed("raw request"))
        url = f"https://127.0.0.1:{port or self.listening.getsockname()[1]}"
        connection = BrokerConnection(url, make_raw_sheet(), identity, clock or SystemClock(), Role.NODE)
        try:
            yield connection
        finally:
            connection.close()

    def drip(self, stream: ssl.SSLSocket, again: bytes, *, pause_seconds: float = 0.05) -> None:
        """Send `again` over and over, a byte at a time, until the client has had enough or `DRIP_SECONDS` are over."""
        for index in range(int(DRIP_SECONDS / pause_seconds)):
            stream.sendall(again[index % len(again) :][:1])
            if self.is_over.wait(pause_seconds):
                return

    def pour(self, stream: ssl.SSLSocket, head: bytes, piece: bytes, times: int) -> None:
        """Send as much as the client takes; `sent` counts it."""
        stream.sendall(head)
        for _ in range(times):
            stream.sendall(piece)
            self.sent += len(piece)

    def start(self, context: ssl.SSLContext) -> None:
        """Serve until `stop`."""
        self._threads.append(threading.Thread(target=self._listen, args=(context,)))
        self._threads[0].start()

    def stop(self) -> None:
        """Close everything and wait for every thread."""
        self.is_over.set()
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        for stream in self._streams:
            try:
                stream.shutdown(socket.SHUT_RDWR)
            except OSError:  # closed already
                pass
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def _listen(self, context: ssl.SSLContext) -> None:
        while not self.is_over.is_set():
            try:
                plain, _ = self.listening.accept()
            except OSError:
                return
            self._streams.append(plain)
            thread = threading.Thread(target=self._serve, args=(plain, context))
            self._threads.append(thread)
            thread.start()

    def _serve(self, plain: socket.socket, context: ssl.SSLContext) -> None:
        plain.settimeout(10)
        try:
            with context.wrap_socket(plain, server_side=True) as stream:
                self._streams.append(stream)
                while request := read_request(stream):
                    if request.startswith(f"POST {TOKEN_PATH} ".encode()):
                        self.play_token(stream, request)
                    else:
                        self.play(stream, request)
        except OSError:
            pass


@contextmanager
def raw_broker() -> Iterator[RawBroker]:
    """Run a broker that says what it is told to around the block."""
    server = issue_server_certificate(SERVER_CA, SERVER, ["127.0.0.1"], serial=2, **SPAN)
    authority = make_tls_ca(CLIENT_CA, serial=1, **SPAN)
    context = build_server_context(export_certificate_pem(server), export_tls_key(SERVER), [authority])
    broker = RawBroker()
    broker.start(context)
    try:
        yield broker
    finally:
        broker.stop()


def make_token() -> TokenAnswer:
    """Return the answer to who asks for a token."""
    return TokenAnswer(access_token="header.claims.signature", expires_in=300, scope=Role.NODE, token_type="Bearer")


def format_answer(status: int, body: bytes, *headers: str, media_type: str = "application/json") -> bytes:
    """Return an answer in the form of HTTP/1.1."""
    lines = (f"HTTP/1.1 {status} Said", f"Content-Type: {media_type}", f"Content-Length: {len(body)}", *headers)
    return "\r\n".join((*lines, "", "")).encode() + body


def read_request(stream: ssl.SSLSocket) -> bytes:
    """Return one whole request, or nothing once the client has left."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = stream.recv(65536)
        if not piece:
            return b""
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    while len(body) < int(lengths[0] if lengths else 0):
        body += stream.recv(65536)
    return head + b"\r\n\r\n" + body


def measure_seconds(act: Callable[[], object]) -> float:
    """Return how long something takes."""
    started = time.monotonic()
    act()
    return time.monotonic() - started
