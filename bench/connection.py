"""One client connection of the load generators: raw HTTP/1.1 over TLS, as little of a client as can be.

What a load generator spends is taken from the broker beside it. It reads status and length of an answer and nothing
else of its head.
"""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, cast
from urllib.parse import urlsplit

_LENGTH = b"content-length: "


class Answer(NamedTuple):
    """The status of an answer, and its body."""

    status: int
    body: bytes


class Connection(asyncio.Protocol):
    """Sends one request after the other and gives back each answer."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._size = 0
        self._answer: asyncio.Future[Answer] | None = None
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way out."""
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's own, which is not declared as one

    def data_received(self, data: bytes) -> None:
        """Collect an answer until it is whole."""
        self._buffer += data
        if not self._size:
            head, separator, _ = bytes(self._buffer).partition(b"\r\n\r\n")
            if not separator:
                return
            self._size = len(head) + len(separator) + _read_length(head)
        if len(self._buffer) >= self._size:
            whole, self._buffer, self._size = bytes(self._buffer), bytearray(), 0
            if self._answer is not None and not self._answer.done():
                self._answer.set_result(Answer(int(whole[9:12]), whole.partition(b"\r\n\r\n")[2]))

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail whoever still waits."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("the server closed the connection"))

    async def ask(self, request: bytes) -> Answer:
        """Send the bytes of a request and return its answer."""
        assert self._transport is not None  # noqa: S101 - `connect` gives none that is not connected
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """Close it."""
        if self._transport is not None:
            self._transport.close()


def make_tls(authority: Path, chain: Path) -> ssl.SSLContext:
    """Return a client's context that trusts one CA (DER) and shows a certificate (PEM, with its key)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=authority.read_bytes())
    context.load_cert_chain(chain)
    return context


async def connect(url: str, tls: ssl.SSLContext) -> Connection:
    """Return a connection to a server; without TLS where the URL says so."""
    where = urlsplit(url)
    make: Callable[[], Connection] = Connection
    secure = tls if where.scheme == "https" else None
    _, connection = await asyncio.get_running_loop().create_connection(
        make,
        str(where.hostname),
        int(where.port or 443),
        ssl=secure,
        server_hostname=where.hostname if secure else None,
    )
    return connection


def _read_length(head: bytes) -> int:
    fields = head.lower()
    start = fields.index(_LENGTH) + len(_LENGTH)
    return int(fields[start : (fields + b"\r\n").index(b"\r\n", start)])
