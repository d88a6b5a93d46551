"""A member floods the broker: it is told so, memory stays where it was, and the others are served as ever."""

import socket
import ssl
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from broker.inbox.events import OPENING
from schemas.api import (
    ACCESS_LOG_HEADS_PATH,
    CHECKPOINT_PATH,
    EVENTS_PATH,
    KEY_SETS_PATH,
    LEASE_PATH,
    MESSAGE_BATCHES_PATH,
    MESSAGES_PATH,
    RECEIPTS_PATH,
    STATUSES_PATH,
    STEPS_PATH,
    CheckpointAnswer,
    LeaseRequest,
)
from schemas.batches import MAX_BATCH_MEMBERS, MAX_MESSAGE_BATCH_BYTES, join_batch
from schemas.codec import b64u_encode, encode_canonical
from schemas.problems import PROBLEMS
from tests.support.caller import Caller, make_client_context, read_answer, read_slug
from tests.support.exchange import RunningExchange, running_exchange

GB, VN, BE = "GB-HO", "VN-IMM", "BE-OE"
BURST = 100
CONNECTIONS = 40
WAITING = 3
HELD_OF_MEMBER = 16 << 20
LONGEST_WAIT_SECONDS = 30
LIMITS = {
    "BURST_REQUESTS": BURST,
    "REQUESTS_PER_SECOND": 0.5,
    "MAX_WAITING_OF_MEMBER": WAITING,
    "MAX_HELD_BYTES": 2 * HELD_OF_MEMBER,
    "MAX_HELD_BYTES_OF_MEMBER": HELD_OF_MEMBER,
    "IDLE_SECONDS": 60,
    "REQUEST_SECONDS": 600,
}


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningExchange]:
    environment = {f"BILATERAL_BROKER_LIMITS__{name}": str(value) for name, value in LIMITS.items()}
    with running_exchange(tmp_path_factory.mktemp("floods"), GB, VN, BE, **environment) as running:
        yield running


@pytest.fixture
def vn(exchange: RunningExchange) -> Iterator[Caller]:
    """A member that behaves, served before and after every flood."""
    caller = exchange.caller(VN)
    read_answer(caller.get(CHECKPOINT_PATH), CheckpointAnswer)
    yield caller
    read_answer(caller.get(CHECKPOINT_PATH), CheckpointAnswer)
    assert '"level":"error"' not in exchange.errors


@contextmanager
def connect(exchange: RunningExchange, context: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:
    with (
        socket.create_connection(("127.0.0.1", int(exchange.url.rpartition(":")[2])), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        yield connection


def read_resident_bytes(exchange: RunningExchange) -> int:
    assert exchange.process is not None
    lines = Path(f"/proc/{exchange.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


def send_all_but_the_end(connection: ssl.SSLSocket) -> None:
    """Send the largest body there may be, but for its last byte: whoever takes it in must hold it."""
    head = f"POST {MESSAGE_BATCHES_PATH} HTTP/1.1\r\nHost: x\r\nBilateral-Version: 1\r\n"
    head += f"Content-Length: {MAX_MESSAGE_BATCH_BYTES}\r\n\r\n"
    with suppress(OSError):  # it was refused before it was read, which is what is tried here
        connection.sendall(head.encode() + b"x" * (MAX_MESSAGE_BATCH_BYTES - 1))


def read_refusal(connection: ssl.SSLSocket) -> str:
    """Return the slug a connection was refused with so far, or that it was not."""
    connection.settimeout(0.05)
    answer = b""
    try:
        while not (found := [slug for slug in PROBLEMS if f':{slug}"'.encode() in answer]):
            piece = connection.recv(65536)
            answer += piece
            if not piece:
                return "cut"
    except TimeoutError:
        return "cut" if answer else "held"
    except OSError:
        return "cut"
    return found[0]


def test_bodies_that_never_end_take_a_members_part_of_the_memory_and_no_more(
    exchange: RunningExchange, vn: Caller
) -> None:
    """Each comes under a certificate of its own, which a member may issue as many of as it likes."""
    contexts = [make_client_context(exchange.sheet, exchange.members[GB], f"node-{n}") for n in range(CONNECTIONS)]
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    with ExitStack() as stack:
        held = [stack.enter_context(connect(exchange, context)) for context in contexts]
        before, outcomes = read_resident_bytes(exchange), Counter[str]()
        for connection in held:
            send_all_but_the_end(connection)
        while len(held) * MAX_MESSAGE_BATCH_BYTES > HELD_OF_MEMBER + MAX_MESSAGE_BATCH_BYTES:
            assert time.monotonic() < deadline, f"{len(held)} bodies are held"
            refusals = {connection: read_refusal(connection) for connection in held}
            held = [connection for connection, refusal in refusals.items() if refusal == "held"]
            outcomes.update(refusal for refusal in refusals.values() if refusal != "held")
        grown = read_resident_bytes(exchange) - before
        assert read_slug(vn.post(LEASE_PATH, b"{}")) == "wrong-shape", "another member's body finds room"
    assert outcomes["member-busy"]
    assert set(outcomes) <= {"member-busy", "cut"}
    assert grown < CONNECTIONS * MAX_MESSAGE_BATCH_BYTES // 2


COSTLY = {
    "empty lists": b"[]",
    "small objects": b'{"a":0}',
    "numbers": b"0",
}


@pytest.mark.parametrize("path", [MESSAGES_PATH, MESSAGE_BATCHES_PATH, LEASE_PATH, RECEIPTS_PATH])
@pytest.mark.parametrize("value", COSTLY)
def test_a_body_of_a_hundred_thousand_values_is_refused_before_it_is_decoded(vn: Caller, path: str, value: str) -> None:
    """It took the one loop that serves everybody a second for each megabyte."""
    body = b'{"envelopes":[[' + b",".join([COSTLY[value]] * 100_000)[:500_000] + b"]]}"
    assert read_slug(vn.post(path, body)) == "too-large"


@pytest.mark.parametrize("path", [MESSAGES_PATH, STATUSES_PATH, ACCESS_LOG_HEADS_PATH, STEPS_PATH, KEY_SETS_PATH])
def test_what_is_signed_may_not_be_made_of_values_either(vn: Caller, path: str) -> None:
    payload = b64u_encode(b'{"body":[' + b",".join([b"[]"] * 20_000) + b"]}")
    signature = {"protected": "AAAA", "signature": "AAAA"}
    document = {"payload": payload, "signatures": [signature, signature]}
    if path == MESSAGES_PATH:
        document["ciphertext"] = "AAAA"
    assert read_slug(vn.post(path, encode_canonical(document))) == "too-large"


def test_the_members_of_a_batch_are_counted_one_by_one(exchange: RunningExchange) -> None:
    hasty = exchange.caller(BE, node="node-2")
    body = join_batch("envelopes", [b"{}"] * MAX_BATCH_MEMBERS)
    first, second = hasty.post(MESSAGE_BATCHES_PATH, body), hasty.post(MESSAGE_BATCHES_PATH, body)
    assert first.status_code == 200
    assert read_slug(second) == "too-many-requests"
    assert int(second.headers["retry-after"]) > 10


def test_a_member_listens_in_so_many_places_and_no_more(exchange: RunningExchange) -> None:
    """Behind a terminator nothing else bounds them, and each of them looks whenever something comes."""
    be = exchange.caller(BE, node="node-3")
    with ExitStack() as stack:
        for _ in range(WAITING):
            stream = stack.enter_context(be.http.stream("GET", EVENTS_PATH, headers=be.authorize()))
            assert next(stream.iter_raw()).startswith(OPENING)
        refused = be.http.get(EVENTS_PATH, headers=be.authorize())
        assert (read_slug(refused), refused.headers["retry-after"]) == ("member-busy", "1")
        assert read_slug(be.post(LEASE_PATH, LeaseRequest(wait_seconds=5, max_items=1))) == "member-busy"
        read_answer(be.get(CHECKPOINT_PATH), CheckpointAnswer)


def test_a_certificate_that_asks_without_end_is_told_when_to_come_back(exchange: RunningExchange, vn: Caller) -> None:
    hasty = exchange.caller(BE)
    started, asked = time.monotonic(), 1
    while (answer := hasty.get(CHECKPOINT_PATH)).status_code == 200:
        asked += 1
        assert asked <= BURST + 1 + (time.monotonic() - started)
    assert read_slug(answer) == "too-many-requests"
    assert answer.headers["retry-after"] in ("1", "2")
    read_answer(vn.get(CHECKPOINT_PATH), CheckpointAnswer)
