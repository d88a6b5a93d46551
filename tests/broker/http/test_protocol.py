"""One connection over real TLS: the certificate reaches the application, and no client can hold a place for ever."""

import hashlib
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from broker.http.connection import connection_of
from broker.http.protocol import ConnectionLimits
from broker.server import ServerOptions
from tests.broker.http.serving import Member, Serving, make_client, raw_connection, read_all, serving, trusting_context

PATIENCE_SECONDS = 60.0
LIMITS = ConnectionLimits(
    head_seconds=0.5, idle_seconds=0.4, request_seconds=0.9, write_seconds=0.5, slowest_bytes_per_second=10
)


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Tell the caller what the server knows of the connection; read bodies whole; send much when asked to."""
    if scope["type"] == "lifespan":
        await _live(receive, send)
        return
    request = Request(scope, receive)
    connection = connection_of(scope)
    response: Response
    if request.url.path == "/much":
        response = StreamingResponse(_send_much())
    elif request.url.path == "/memo":
        seen = connection.recall(int) or 0
        connection.keep(seen + 1)
        response = PlainTextResponse(str(seen))
    else:
        body = await request.body()
        response = PlainTextResponse(f"{connection.thumbprint.hex()} {len(body)}")
    await response(scope, receive, send)


async def _send_much() -> AsyncIterator[bytes]:
    for _ in range(500):
        yield b"x" * 100_000


async def _live(receive: Receive, send: Send) -> None:
    for _ in range(2):
        message = await receive()
        await send({"type": f"{message['type']}.complete"})


@pytest.fixture(scope="module")
def member(tmp_path_factory: pytest.TempPathFactory) -> Member:
    return Member(1, tmp_path_factory.mktemp("member"))


@pytest.fixture(scope="module")
def running(member: Member) -> Iterator[Serving]:
    with serving(app, [member.ca], ServerOptions(LIMITS)) as server:
        yield server


def test_the_application_is_given_the_clients_certificate(running: Serving, member: Member) -> None:
    with make_client(member, running) as client:
        assert client.get("/").text.split()[0] == hashlib.sha256(member.certificate).hexdigest()


def test_what_was_concluded_is_kept_for_one_connection_only(running: Serving, member: Member) -> None:
    for _ in range(2):
        with make_client(member, running) as client:
            assert [client.get("/memo").text for _ in range(3)] == ["0", "1", "2"]


def test_without_a_certificate_nobody_gets_in(running: Serving) -> None:
    with httpx.Client(verify=trusting_context()) as client, pytest.raises(httpx.TransportError):
        client.get(running.url)


def test_a_certificate_of_an_unknown_authority_does_not_get_in(running: Serving, tmp_path: Path) -> None:
    stranger = Member(9, tmp_path)
    with make_client(stranger, running) as client, pytest.raises(httpx.TransportError):
        client.get("/")


def test_nothing_older_than_tls_1_3_is_spoken(running: Serving, member: Member) -> None:
    context = member.make_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with httpx.Client(verify=context) as client, pytest.raises(httpx.ConnectError):
        client.get(running.url)


def test_answers_name_the_protocol_version_and_not_the_server(running: Serving, member: Member) -> None:
    with make_client(member, running) as client:
        headers = client.get("/").headers
    assert headers["bilateral-version"] == "1"
    assert "server" not in headers


def _closing_time(connection: ssl.SSLSocket) -> tuple[float, bytes]:
    started = time.monotonic()
    received = read_all(connection)
    return time.monotonic() - started, received


def test_a_client_that_says_nothing_is_cut_without_an_answer(running: Serving, member: Member) -> None:
    with raw_connection(member, running) as connection:
        seconds, received = _closing_time(connection)
    assert received == b""
    assert seconds < PATIENCE_SECONDS


def test_a_head_that_trickles_in_is_cut_although_every_piece_is_in_time(running: Serving, member: Member) -> None:
    with raw_connection(member, running) as connection:
        started = time.monotonic()
        received = _trickle(connection, b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 100, 0.1)
        seconds = time.monotonic() - started
    assert b"HTTP/1.1 408 " in received
    assert b"urn:bilateral:problem:request-timeout" in received
    assert seconds < PATIENCE_SECONDS


def test_a_body_that_stops_is_cut(running: Serving, member: Member) -> None:
    with raw_connection(member, running) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
        seconds, received = _closing_time(connection)
    assert b"HTTP/1.1 408 " in received
    assert seconds < PATIENCE_SECONDS


def test_a_body_that_trickles_in_is_cut_at_the_requests_whole_time(running: Serving, member: Member) -> None:
    with raw_connection(member, running) as connection:
        started = time.monotonic()
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
        received = _trickle(connection, b"x" * 1000, 0.2)
        seconds = time.monotonic() - started
    assert b"HTTP/1.1 408 " in received
    assert 0.8 < seconds < PATIENCE_SECONDS


def test_a_client_that_does_not_read_its_answer_is_cut(running: Serving, member: Member) -> None:
    with raw_connection(member, running) as connection:
        connection.sendall(b"GET /much HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(1.5)
        received = read_all(connection)
    assert len(received) < 50_000_000


def test_a_kept_connection_may_rest_longer_than_a_request_may_take(running: Serving, member: Member) -> None:
    with make_client(member, running) as client:
        ports = set()
        for _ in range(2):
            ports.add(client.get("/").extensions["network_stream"].get_extra_info("client_addr"))
            time.sleep(1.2)
    assert len(ports) == 1


def test_a_head_without_end_is_refused_before_it_fills_memory(running: Serving, member: Member) -> None:
    with raw_connection(member, running) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 200_000)
        received = read_all(connection)
    assert b"HTTP/1.1 413 " in received


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n Folded: y\r\n\r\n",
        b"GET / HTTP/1.1\nHost: x\x00\n\n",
        b"\x16\x03\x01\x02\x00",
    ],
)
def test_what_is_no_http_request_is_refused_as_a_problem_and_cut(
    running: Serving, member: Member, request_bytes: bytes
) -> None:
    with raw_connection(member, running) as connection:
        connection.sendall(request_bytes)
        received = read_all(connection)
    assert received.startswith(b"HTTP/1.1 400 "), received
    assert b"application/problem+json" in received


def test_more_connections_than_allowed_are_closed(member: Member) -> None:
    with serving(app, [member.ca], ServerOptions(ConnectionLimits(max_connections=2))) as running:
        clients = [make_client(member, running) for _ in range(3)]
        assert [client.get("/").status_code for client in clients[:2]] == [200, 200]
        with pytest.raises(httpx.TransportError):
            clients[2].get("/")
        clients[0].close()
        assert _get_when_let_in(clients[2]) == 200
        for client in clients[1:]:
            client.close()


def test_one_member_cannot_take_the_places_of_the_others(
    member: Member, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Member(2, tmp_path_factory.mktemp("other"))
    limits = ConnectionLimits(max_connections_of_member=2)
    with serving(app, [member.ca, other.ca], ServerOptions(limits)) as running:
        clients = [make_client(member, running) for _ in range(3)]
        assert [client.get("/").status_code for client in clients[:2]] == [200, 200]
        with pytest.raises(httpx.TransportError):
            clients[2].get("/")
        stranger = make_client(other, running)
        assert stranger.get("/").status_code == 200
        clients[0].close()
        assert _get_when_let_in(clients[2]) == 200
        for client in (*clients[1:], stranger):
            client.close()


def _get_when_let_in(client: httpx.Client) -> int:
    """Ask until the server has noticed that another connection was closed."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return client.get("/").status_code
        except httpx.TransportError:
            assert time.monotonic() < until
            time.sleep(0.05)


def _trickle(connection: ssl.SSLSocket, content: bytes, pause_seconds: float) -> bytes:
    """Send a few bytes at a time until the other side has had enough; return what it said."""
    connection.settimeout(pause_seconds)
    received = b""
    for start in range(0, len(content), 5):
        try:
            connection.sendall(content[start : start + 5])
            chunk = connection.recv(65536)
        except TimeoutError:
            continue
        except (ConnectionError, ssl.SSLError):
            return received
        if not chunk:
            return received
        received += chunk
    return received
