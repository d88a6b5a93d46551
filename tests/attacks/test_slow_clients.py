"""Clients that drip, hold, pour and smuggle, against a real broker process: each is cut, others are served meanwhile.

The broker's time limits are shortened to a second; that the limits it has by itself are ten is a test of its own.
"""

import socket
import ssl
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from broker.http.limits import MAX_BODY_BYTES
from broker.http.protocol import ConnectionLimits
from broker.server import ServerOptions
from broker.settings import Limits
from schemas.api import CHECKPOINT_PATH, LEASE_PATH, OPENAPI_PATH, TOKEN_PATH, CheckpointAnswer, LeaseRequest
from tests.support.caller import Caller, make_client_context, read_answer
from tests.support.exchange import RunningExchange, running_exchange

GB = "GB-HO"
LIMIT_SECONDS = 1.0
SOON_SECONDS = 4.0
MAX_REQUESTS = 12
FIELDS = b"Host: x\r\nBilateral-Version: 1\r\n"
FORM = FIELDS + b"Content-Type: application/x-www-form-urlencoded\r\n"
GET = b"GET / HTTP/1.1\r\n" + FIELDS
POST = f"POST {TOKEN_PATH} HTTP/1.1\r\n".encode() + FORM
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningExchange]:
    limits = {"HEAD_SECONDS": LIMIT_SECONDS, "IDLE_SECONDS": LIMIT_SECONDS, "WRITE_SECONDS": LIMIT_SECONDS}
    limits |= {"MAX_REQUESTS": MAX_REQUESTS, "MAX_CONNECTIONS_OF_MEMBER": 2 * MAX_REQUESTS}
    environment = {f"BILATERAL_BROKER_LIMITS__{name}": str(value) for name, value in limits.items()}
    with running_exchange(tmp_path_factory.mktemp("slow"), GB, **environment) as running:
        yield running


@pytest.fixture(scope="module")
def well_behaved(exchange: RunningExchange) -> Caller:
    caller = exchange.caller(GB)
    assert caller.token
    return caller


@pytest.fixture
def gb(exchange: RunningExchange, well_behaved: Caller) -> Iterator[Caller]:
    """A member that behaves, served before and after every attack."""
    yield well_behaved
    started = time.monotonic()
    read_answer(well_behaved.get(CHECKPOINT_PATH), CheckpointAnswer)
    assert time.monotonic() - started < SOON_SECONDS / 2
    assert '"level":"error"' not in exchange.errors


def open_plain(exchange: RunningExchange) -> socket.socket:
    """Connect without a word of TLS."""
    return socket.create_connection(("127.0.0.1", int(exchange.url.rpartition(":")[2])), timeout=20)


@contextmanager
def open_raw(exchange: RunningExchange) -> Iterator[ssl.SSLSocket]:
    """Open a member's connection for bytes that no HTTP client would send."""
    context = make_client_context(exchange.sheet, exchange.members[GB])
    with open_plain(exchange) as plain, context.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
        yield connection


def read_all(connection: socket.socket) -> bytes:
    """Return what comes until the other side closes, in whatever way."""
    received = bytearray()
    try:
        while piece := connection.recv(65536):
            received += piece
    except OSError:
        pass
    return bytes(received)


def send_until_cut(connection: ssl.SSLSocket, begin: bytes, piece: bytes, pause_seconds: float = 0.1) -> float:
    """Send `begin`, then `piece` again and again; return after how many seconds the other side had enough."""
    started = time.monotonic()
    connection.settimeout(pause_seconds)
    try:
        connection.sendall(begin)
        while time.monotonic() - started < 3 * SOON_SECONDS:
            try:
                if not connection.recv(65536):
                    break
            except TimeoutError:
                connection.sendall(piece)
    except OSError:
        pass
    return time.monotonic() - started


def read_resident_bytes(exchange: RunningExchange) -> int:
    assert exchange.process is not None
    return int(Path(f"/proc/{exchange.process.pid}/statm").read_text().split()[1]) * 4096


def test_six_hundred_connections_that_never_finish_the_handshake_are_cut_and_a_member_is_served_meanwhile(
    exchange: RunningExchange, gb: Caller
) -> None:
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
    silent = [open_plain(exchange) for _ in range(300)]
    halves = [open_plain(exchange) for _ in range(300)]
    started = time.monotonic()
    for plain in halves:
        plain.sendall(hello)
    read_answer(gb.get(CHECKPOINT_PATH), CheckpointAnswer)
    assert exchange.caller(GB).ask_token().status_code == 200  # over a connection of its own
    assert time.monotonic() - started < SOON_SECONDS
    for plain in silent + halves:
        read_all(plain)
        plain.close()
    assert time.monotonic() - started < SOON_SECONDS


def test_a_handshake_that_drips_is_cut(exchange: RunningExchange, gb: Caller) -> None:
    with open_plain(exchange) as plain:
        started = time.monotonic()
        plain.settimeout(0.1)
        for byte in b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200):
            try:
                plain.sendall(bytes([byte]))
                if not plain.recv(1):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        assert time.monotonic() - started < SOON_SECONDS


DRIPS = {
    "nothing at all": (b"", b""),
    "the request line": (b"GET /", b"a"),
    "header fields": (GET, b"A: b\r\n"),
    "a body": (POST + b"Content-Length: 8000\r\n\r\n", b"x"),
    "a body that stopped": (POST + b"Content-Length: 8000\r\n\r\nhalf", b""),
    "a body in chunks": (CHUNKED, b"1\r\nx\r\n"),
    "the size of a chunk": (CHUNKED, b"0"),
    "the extension of a chunk": (CHUNKED + b"1;", b"a"),
    "fields behind the body": (CHUNKED + b"1\r\nx\r\n0\r\n", b"A: b\r\n"),
    "the body after a request that was answered": (GET + b"\r\n" + POST + b"Content-Length: 8000\r\n\r\n", b"x"),
}


def test_whatever_drips_is_cut_although_every_piece_is_in_time(exchange: RunningExchange, gb: Caller) -> None:
    def drip(name: str) -> float:
        with open_raw(exchange) as connection:
            return send_until_cut(connection, *DRIPS[name])

    with ThreadPoolExecutor(len(DRIPS)) as pool:
        seconds = dict(zip(DRIPS, pool.map(drip, DRIPS), strict=True))
    assert {name: taken for name, taken in seconds.items() if taken > SOON_SECONDS} == {}


def test_who_asks_for_much_and_reads_nothing_is_cut(exchange: RunningExchange, gb: Caller) -> None:
    asked = 200
    with open_raw(exchange) as connection:
        connection.sendall((f"GET {OPENAPI_PATH} HTTP/1.1\r\n".encode() + FIELDS + b"\r\n") * asked)
        time.sleep(3 * LIMIT_SECONDS)
        assert read_all(connection).count(b"HTTP/1.1 200 OK") < asked


def test_who_gives_up_a_long_wait_takes_nobodys_place(exchange: RunningExchange, gb: Caller) -> None:
    wait = LeaseRequest(wait_seconds=60, max_items=1).canonical()
    head = f"POST {LEASE_PATH} HTTP/1.1\r\nAuthorization: Bearer {gb.token}\r\nContent-Length: {len(wait)}\r\n"
    for _ in range(2 * MAX_REQUESTS):
        with open_raw(exchange) as connection:
            connection.sendall(head.encode() + FIELDS + b"Content-Type: application/json\r\n\r\n" + wait)
            time.sleep(0.02)
    wait_until(lambda: gb.get(CHECKPOINT_PATH).status_code == 200)


def wait_until(holds: Callable[[], bool]) -> None:
    started = time.monotonic()
    while not holds():
        assert time.monotonic() - started < SOON_SECONDS
        time.sleep(0.05)


PIECE = b"x" * 65536
FLOODS = {
    "an announced body of 200 MB": (POST + b"Content-Length: 209715200\r\n\r\n", PIECE),
    "a body without end in chunks": (CHUNKED, b"10000\r\n" + PIECE + b"\r\n"),
    "a body without end in chunks of one byte": (CHUNKED, b"1\r\nx\r\n" * 10_000),
    "a chunk of sixteen exabytes": (CHUNKED + b"FFFFFFFFFFFFFFFF\r\n", PIECE),
    "an extension of a chunk without end": (CHUNKED + b"1;", PIECE),
    "fields without end behind the body": (CHUNKED + b"1\r\nx\r\n0\r\n", b"A: b\r\n" * 10_000),
    "one field without end behind the body": (CHUNKED + b"1\r\nx\r\n0\r\nA: ", PIECE),
    "a header without end": (GET + b"A: ", PIECE),
    "header fields without end": (GET, b"A: b\r\n" * 10_000),
    "a target without end": (b"GET /", PIECE),
    "requests without end": (b"", (GET + b"\r\n") * 1000),
    "a compressed body": (POST + b"Content-Encoding: deflate\r\nContent-Length: 204071\r\n\r\n", None),
}
"""How each begins, and the piece that follows again and again; None is a bomb, made where it is thrown."""


@pytest.mark.parametrize("flood", FLOODS)
def test_two_hundred_megabytes_are_refused_before_they_fill_memory(
    exchange: RunningExchange, gb: Caller, flood: str
) -> None:
    begin, piece = FLOODS[flood]
    piece = piece or zlib.compress(bytes(200 << 20))
    before, sent, highest = read_resident_bytes(exchange), 0, 0
    with open_raw(exchange) as connection:
        connection.settimeout(SOON_SECONDS)
        try:
            connection.sendall(begin)
            while sent < 200 << 20:
                connection.sendall(piece)
                sent += len(piece)
                highest = max(highest, read_resident_bytes(exchange))
        except OSError:
            pass
        answered = read_all(connection)
    assert highest - before < 30 << 20
    assert answered[:12] in (b"", b"HTTP/1.1 200", b"HTTP/1.1 413", b"HTTP/1.1 415"), answered[:200]


SMUGGLED = b"GET /smuggled HTTP/1.1\r\n" + FIELDS + b"\r\n"
REFUSED_AND_CUT = {
    "length and chunks": POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunks and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "two equal lengths": POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\nx" + SMUGGLED,
    "two lengths": POST + b"Content-Length: 1\r\nContent-Length: 100\r\n\r\nx" + SMUGGLED,
    "a list of lengths": POST + b"Content-Length: 1, 1\r\n\r\nx" + SMUGGLED,
    "a signed length": POST + b"Content-Length: +1\r\n\r\nx" + SMUGGLED,
    "a negative length": POST + b"Content-Length: -1\r\n\r\nx" + SMUGGLED,
    "a hexadecimal length": POST + b"Content-Length: 0x1\r\n\r\nx" + SMUGGLED,
    "a length with a space": POST + b"Content-Length: 1 1\r\n\r\nx" + SMUGGLED,
    "an empty length": POST + b"Content-Length: \r\n\r\n" + SMUGGLED,
    "a length beyond 64 bits": POST + b"Content-Length: 18446744073709551616\r\n\r\nx" + SMUGGLED,
    "an unknown coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunked not last": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunked twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunked in quotes": POST + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n' + SMUGGLED,
    "chunked behind a vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a space before the colon": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a chunk size with a sign": CHUNKED + b"+1\r\nx\r\n0\r\n\r\n" + SMUGGLED,
    "a chunk size with 0x": CHUNKED + b"0x1\r\nx\r\n0\r\n\r\n" + SMUGGLED,
    "a chunk size beyond 64 bits": CHUNKED + b"10000000000000001\r\nx\r\n0\r\n\r\n" + SMUGGLED,
    "a chunk longer than it says": CHUNKED + b"1\r\nxx\r\n0\r\n\r\n" + SMUGGLED,
    "bare line feeds in chunks": CHUNKED + b"1\nx\n0\n\n" + SMUGGLED,
    "a line feed in an extension": CHUNKED + b"1;a\nb\r\nx\r\n0\r\n\r\n" + SMUGGLED,
    "a length behind the body": CHUNKED + b"0\r\nContent-Length: 5\r\n\r\n" + SMUGGLED,
    "bare line feeds": b"GET / HTTP/1.1\nHost: x\nBilateral-Version: 1\n\n" + SMUGGLED,
    "a bare carriage return": b"GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n" + SMUGGLED,
    "a folded field": GET + b"A: b\r\n c\r\n\r\n" + SMUGGLED,
    "a field without a name": GET + b": b\r\n\r\n" + SMUGGLED,
    "a zero byte in a value": GET + b"A: b\x00\r\n\r\n" + SMUGGLED,
    "an escape in a value": GET + b"A: \x1b[31m\r\n\r\n" + SMUGGLED,
    "HTTP/2 by its preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
    "HTTP/2 by its number": b"GET / HTTP/2.0\r\n" + FIELDS + b"\r\n" + SMUGGLED,
    "HTTP/1.0": b"GET / HTTP/1.0\r\n" + FIELDS + b"\r\n" + SMUGGLED,
    "HTTP/1.0 with chunks": b"POST /token HTTP/1.0\r\n" + FORM + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/1.2": b"GET / HTTP/1.2\r\n" + FIELDS + b"\r\n",
    "an unknown method": b"FROB / HTTP/1.1\r\n" + FIELDS + b"\r\n" + SMUGGLED,
    "a method in small letters": b"get / HTTP/1.1\r\n" + FIELDS + b"\r\n" + SMUGGLED,
    "a tunnel to somebody else": b"CONNECT elsewhere.example:443 HTTP/1.1\r\n" + FIELDS + b"\r\n" + SMUGGLED,
    "TLS inside TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    "every byte there is": bytes(range(256)) * 20,
}


@pytest.mark.parametrize("sent", REFUSED_AND_CUT)
def test_what_can_be_read_in_two_ways_is_refused_once_and_cut(exchange: RunningExchange, gb: Caller, sent: str) -> None:
    with open_raw(exchange) as connection:
        connection.settimeout(SOON_SECONDS)
        connection.sendall(REFUSED_AND_CUT[sent])
        received = read_all(connection)
    assert received.count(b"HTTP/1.1 ") == 1, received
    assert received.startswith(b"HTTP/1.1 400 "), received
    assert b"urn:bilateral:problem:malformed" in received


ANSWERED_ONCE = {
    "another host in the target": b"GET http://elsewhere.example/ HTTP/1.1\r\n" + FIELDS + b"Connection: close\r\n\r\n",
    "a request behind the last one": GET + b"Connection: close\r\n\r\n" + SMUGGLED,
    "a request in the body of one": b"GET / HTTP/1.1\r\n" + FIELDS + f"Content-Length: {len(SMUGGLED)}\r\n".encode()
    + b"Connection: close\r\n\r\n" + SMUGGLED,
    "a web socket": GET + b"Connection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n" + SMUGGLED,
    "HTTP/2 by an upgrade": GET + b"Connection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n" + SMUGGLED,
}  # fmt: skip


@pytest.mark.parametrize("sent", ANSWERED_ONCE)
def test_what_is_one_request_is_answered_once(exchange: RunningExchange, gb: Caller, sent: str) -> None:
    with open_raw(exchange) as connection:
        connection.settimeout(SOON_SECONDS)
        connection.sendall(ANSWERED_ONCE[sent])
        received = read_all(connection)
    assert received.count(b"HTTP/1.1 ") == 1
    assert received.startswith(b"HTTP/1.1 200 OK")


def test_requests_sent_at_once_are_answered_one_after_another_in_their_order(
    exchange: RunningExchange, gb: Caller
) -> None:
    paths = ("/", "/nowhere", "/", OPENAPI_PATH)
    requests = [f"GET {path} HTTP/1.1\r\n".encode() + FIELDS + b"\r\n" for path in paths]
    requests[-1] = requests[-1].replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    with open_raw(exchange) as connection:
        connection.sendall(b"".join(requests))
        received = read_all(connection)
    statuses = [answer[:3] for answer in received.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"404", b"200", b"200"]


def test_a_field_behind_the_body_is_no_field_of_the_header(exchange: RunningExchange, gb: Caller) -> None:
    authorization = f"Authorization: Bearer {gb.token}\r\n".encode()
    request = f"POST {LEASE_PATH} HTTP/1.1\r\n".encode() + FIELDS + b"Content-Type: application/json\r\n"
    request += b"Connection: close\r\nTransfer-Encoding: chunked\r\n"
    wait = LeaseRequest(wait_seconds=0, max_items=1).canonical()
    body = f"{len(wait):x}\r\n".encode() + wait + b"\r\n0\r\n"
    answers = []
    for header, trailer in ((authorization, b""), (b"", authorization)):
        with open_raw(exchange) as connection:
            connection.sendall(request + header + b"\r\n" + body + trailer + b"\r\n")
            answers.append(read_all(connection)[:12])
    assert answers == [b"HTTP/1.1 200", b"HTTP/1.1 401"]


def test_nobody_is_waited_for_longer_than_ten_seconds_by_default() -> None:
    for limits in (ConnectionLimits(), ServerOptions().limits, Limits()):
        assert max(limits.head_seconds, limits.idle_seconds, limits.write_seconds) <= 10
    slowest = ConnectionLimits().slowest_bytes_per_second
    assert MAX_BODY_BYTES / slowest > ConnectionLimits().request_seconds  # a whole request is bounded by time as well
    assert slowest >= 4096
