"""A broker that drips and pours: a client waits for no answer longer than it said, and holds none that is too large.

Real TLS; the time limits are shortened, and each drip is far within the limit of a single wait.
"""

import socket
import ssl
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from agency_client import connection as connection_module
from agency_client.connection import ANSWER_SECONDS, CONNECT_SECONDS, MAX_ANSWER_BYTES, BrokerConnection
from agency_client.refusals import BadAnswerError, NotSentError, UnansweredError
from schemas.api import CHECKPOINT_PATH, MESSAGES_PATH, CheckpointAnswer, Evidence
from tests.support.raw_broker import RawBroker, format_answer, measure_seconds, raw_broker

LIMIT_SECONDS = 0.35
SOON_SECONDS = 2.5
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[RawBroker]:
    monkeypatch.setattr(connection_module, "ANSWER_SECONDS", LIMIT_SECONDS)
    monkeypatch.setattr(connection_module, "CONNECT_SECONDS", LIMIT_SECONDS)
    monkeypatch.setattr(connection_module, "SLOWEST_BYTES_PER_SECOND", 100 << 20)
    with raw_broker() as running:
        yield running


@pytest.fixture
def connection(broker: RawBroker) -> Iterator[BrokerConnection]:
    with broker.connect() as made:
        yield made


def ask(connection: BrokerConnection) -> None:
    connection.get(CHECKPOINT_PATH, CheckpointAnswer)


def demand_unanswered(connection: BrokerConnection) -> None:
    with pytest.raises(UnansweredError):
        ask(connection)


DRIPS: dict[str, tuple[bytes, bytes]] = {
    "the status line": (b"", b"HTTP/1.1"),
    "header fields": (HEAD, b"A: b\r\n"),
    "a field that never ends": (HEAD + b"A: ", b"a"),
    "interim answers": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "a body of known length": (HEAD + b"Content-Length: 100000\r\n\r\n", b"x"),
    "a body in chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "a body until the end of the connection": (HEAD + b"Connection: close\r\n\r\n", b"x"),
}


@pytest.mark.parametrize("dripped", DRIPS)
def test_an_answer_that_drips_is_given_up_in_time_whatever_drips(
    broker: RawBroker, connection: BrokerConnection, dripped: str
) -> None:
    begin, again = DRIPS[dripped]

    def play(stream: ssl.SSLSocket, _: bytes) -> None:
        stream.sendall(begin)
        broker.drip(stream, again)

    broker.play = play
    assert LIMIT_SECONDS / 2 < measure_seconds(lambda: demand_unanswered(connection)) < SOON_SECONDS


def test_silence_after_the_request_is_given_up_and_called_unanswered(
    broker: RawBroker, connection: BrokerConnection
) -> None:
    broker.play = lambda *_: broker.is_over.wait(10)
    assert measure_seconds(lambda: demand_unanswered(connection)) < SOON_SECONDS


def test_a_broker_that_does_not_take_the_request_is_given_up(broker: RawBroker, connection: BrokerConnection) -> None:

    def answer_once(stream: ssl.SSLSocket, _: bytes) -> None:
        stream.sendall(format_answer(200, b'{"checkpoint":"first"}'))
        broker.is_over.wait(10)  # the connection is there, and nobody reads it any more

    broker.play = answer_once
    ask(connection)

    def hand_over() -> None:
        with pytest.raises(UnansweredError):
            connection.post(MESSAGES_PATH, b"x" * (16 << 20), Evidence)

    assert measure_seconds(hand_over) < SOON_SECONDS


def test_a_handshake_that_never_ends_is_given_up_and_nothing_was_sent(broker: RawBroker) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, broker.connect(silent.getsockname()[1]) as unheard:

        def knock() -> None:
            with pytest.raises(NotSentError):
                ask(unheard)

        assert measure_seconds(knock) < SOON_SECONDS


def test_a_long_poll_may_take_as_long_as_it_said_and_no_longer(broker: RawBroker, connection: BrokerConnection) -> None:
    answered = format_answer(200, b'{"checkpoint":"late"}')

    def play(stream: ssl.SSLSocket, _: bytes) -> None:
        broker.is_over.wait(2 * LIMIT_SECONDS)
        stream.sendall(answered)

    broker.play = play
    answer = connection.post(CHECKPOINT_PATH, b"{}", CheckpointAnswer, wait_seconds=3 * LIMIT_SECONDS)
    assert answer.checkpoint == "late"
    broker.play = lambda stream, _: broker.drip(stream, HEAD)

    def wait_in_vain() -> None:
        with pytest.raises(UnansweredError):
            connection.post(CHECKPOINT_PATH, b"{}", CheckpointAnswer, wait_seconds=LIMIT_SECONDS)

    assert LIMIT_SECONDS < measure_seconds(wait_in_vain) < SOON_SECONDS


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (HEAD + b"Content-Length: 314572800\r\n\r\n", b"x" * 65536),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65536 + b"\r\n"),
        (HEAD + b"A: ", b"a" * 65536),
        (HEAD, b"A: b\r\n" * 10_000),
    ],
    ids=["announced", "in chunks", "one header field", "many header fields"],
)
def test_three_hundred_megabytes_are_cut_off_before_they_fill_memory(
    broker: RawBroker, connection: BrokerConnection, head: bytes, piece: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "ANSWER_SECONDS", ANSWER_SECONDS)
    broker.play = lambda stream, _: broker.pour(stream, head, piece, (300 << 20) // len(piece))
    before = measure_resident_bytes()
    demand_unanswered(connection)
    assert broker.sent < MAX_ANSWER_BYTES + (16 << 20)
    assert measure_resident_bytes() - before < 3 * MAX_ANSWER_BYTES


def test_a_compressed_bomb_is_not_unpacked(broker: RawBroker, connection: BrokerConnection) -> None:
    bomb = zlib.compress(bytes(200 << 20))
    broker.play = lambda stream, _: stream.sendall(format_answer(200, bomb, "Content-Encoding: deflate"))
    before = measure_resident_bytes()
    with pytest.raises(BadAnswerError):
        ask(connection)
    assert measure_resident_bytes() - before < 50 << 20


def test_a_redirection_is_not_followed(broker: RawBroker, connection: BrokerConnection) -> None:
    asked: list[bytes] = []

    def play(stream: ssl.SSLSocket, request: bytes) -> None:
        asked.append(request)
        stream.sendall(format_answer(307, b"", "Location: /log/checkpoint?again"))

    broker.play = play
    with pytest.raises(BadAnswerError):
        ask(connection)
    assert len(asked) == 1


def test_the_next_request_has_its_own_time(broker: RawBroker, connection: BrokerConnection) -> None:
    broker.play = lambda stream, _: broker.drip(stream, HEAD)
    demand_unanswered(connection)
    broker.play = lambda stream, _: stream.sendall(format_answer(200, b'{"checkpoint":"again"}'))
    assert connection.get(CHECKPOINT_PATH, CheckpointAnswer).checkpoint == "again"


def test_nobody_waits_longer_than_half_a_minute_by_default() -> None:
    assert CONNECT_SECONDS + ANSWER_SECONDS < 30


def measure_resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
