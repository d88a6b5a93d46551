"""The whole way over real TLS: sent, waited for, collected, receipted, and described in the OpenAPI document."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import dropwhile, takewhile

import httpx
import pytest

from keys.sealing import open_envelope, parse_envelope
from schemas.api import (
    EVENTS_PATH,
    LEASE_PATH,
    MESSAGES_PATH,
    OPENAPI_PATH,
    InboxEvent,
    LeaseRequest,
    MessageItem,
)
from schemas.codec import decode_canonical
from schemas.log.records import RecordType, Role
from schemas.markings import Urgency
from tests.support.caller import read_slug
from tests.support.delivery import Correspondence, acknowledge, ask_states, lease, send
from tests.support.exchange import RunningExchange, make_live_member, running_exchange

GB, VN = "GB-HO", "VN-IMM"


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningExchange]:
    with running_exchange(tmp_path_factory.mktemp("delivery"), GB, VN) as running:
        yield running


@pytest.fixture(scope="module")
def messages(exchange: RunningExchange) -> Correspondence:
    terms = exchange.agree(GB, VN).terms
    return Correspondence(exchange.members[GB], exchange.members[VN], terms.digest())


def test_a_message_reaches_who_waits_and_opens_there(exchange: RunningExchange, messages: Correspondence) -> None:
    sealed = messages.seal("waited for")
    recipient = exchange.caller(VN)
    assert recipient.token
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lease, recipient, wait=30)
        time.sleep(0.5)
        assert not waiting.done()
        started = time.perf_counter()
        evidence = send(exchange.caller(GB), sealed)
        answer = waiting.result(timeout=20)
    assert time.perf_counter() - started < 10
    (item,) = answer.items
    assert isinstance(item, MessageItem)
    assert (item.accepted, item.envelope) == (evidence.leaf, sealed.envelope)
    opened = open_envelope(parse_envelope(item.envelope.canonical()), VN, exchange.members[VN].opening_key)
    assert opened.message_bytes == sealed.message_bytes
    assert item.handed_over.record.type is RecordType.MESSAGE_HANDED_OVER
    assert acknowledge(recipient, answer) == 1
    assert ask_states(exchange.caller(GB), sealed) == ["handed-over"]


def test_the_first_acceptance_is_202_and_every_other_200(exchange: RunningExchange, messages: Correspondence) -> None:
    gb, envelope = exchange.caller(GB), messages.seal("twice").envelope
    assert [gb.post(MESSAGES_PATH, envelope).status_code for _ in range(3)] == [202, 200, 200]
    acknowledge(exchange.caller(VN), lease(exchange.caller(VN)))


def test_what_is_no_lease_request_is_refused_by_its_field(exchange: RunningExchange) -> None:
    vn = exchange.caller(VN)
    assert read_slug(vn.post(LEASE_PATH, b'{"max_items":1,"wait_seconds":61}')) == "wrong-shape"
    assert read_slug(vn.post(LEASE_PATH, b'{"wait_seconds":0, "max_items":1}')) == "malformed"


def test_the_document_describes_these_addresses_though_the_hot_one_bypasses_the_framework(
    exchange: RunningExchange,
) -> None:
    paths = decode_canonical(exchange.caller(GB).http.get(OPENAPI_PATH).content)["paths"]
    sending = paths[MESSAGES_PATH]["post"]
    assert sending["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/Envelope")
    assert {"200", "202", "409", "413", "422", "429"} <= set(sending["responses"])
    assert {"/inbox/lease", "/inbox/acknowledge", "/receipts", "/statuses", "/access-log-heads"} <= set(paths)


def is_no_event(line: str) -> bool:
    return not line.startswith("id: ")


def test_who_listens_is_told_that_something_waits_and_leases_it(
    exchange: RunningExchange, messages: Correspondence
) -> None:
    recipient = exchange.caller(VN)
    with recipient.http.stream("GET", EVENTS_PATH, headers=recipient.authorize()) as stream:
        assert (stream.status_code, stream.headers["content-type"]) == (200, "text/event-stream")
        assert "content-length" not in stream.headers
        lines = stream.iter_lines()
        assert next(lines) == "retry: 2000"
        evidence = send(exchange.caller(GB), messages.seal("listened for"))
        told = dict(line.split(": ", 1) for line in takewhile(bool, dropwhile(is_no_event, lines)))
    event = InboxEvent.from_canonical(told["data"].encode())
    assert (told["id"], told["event"]) == (f"1-{evidence.leaf.index}", "waiting")
    assert event == InboxEvent(newest=evidence.leaf.index, urgency=Urgency.ROUTINE, count=1)
    collecting = exchange.caller(VN)
    acknowledge(collecting, lease(collecting))


def test_only_a_node_with_a_token_listens_and_comes_back_with_the_id_of_an_event(exchange: RunningExchange) -> None:
    assert read_slug(exchange.caller(VN).http.get(EVENTS_PATH)) == "token-refused"
    assert read_slug(exchange.caller(VN, role=Role.AUDITOR).get(EVENTS_PATH)) == "role-not-allowed"
    node = exchange.caller(VN)
    refused = node.http.get(EVENTS_PATH, headers={**node.authorize(), "Last-Event-ID": "the last"})
    assert read_slug(refused) == "malformed"


@pytest.mark.long
def test_a_stream_ends_when_the_members_change_and_when_the_broker_stops(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with running_exchange(tmp_path_factory.mktemp("streams"), GB, VN) as exchange:
        first = exchange.caller(VN)
        with first.http.stream("GET", EVENTS_PATH, headers=first.authorize()) as stream:
            lines = stream.iter_lines()
            assert next(lines) == "retry: 2000"
            exchange.enrol(make_live_member("BE-OE"))
            with pytest.raises(httpx.RemoteProtocolError):
                for _ in lines:
                    pass
        second = exchange.caller(VN)
        with second.http.stream("GET", EVENTS_PATH, headers=second.authorize()) as stream:
            lines = stream.iter_lines()
            assert next(lines) == "retry: 2000"
            assert exchange.process is not None
            exchange.process.terminate()
            assert not [line for line in lines if line.startswith("data")]
        assert exchange.process.wait(30) == 0


def test_a_stop_does_not_wait_for_those_who_wait(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running_exchange(tmp_path_factory.mktemp("stop"), GB, VN) as exchange:
        waiter = exchange.caller(VN)
        assert waiter.token
        request = LeaseRequest(wait_seconds=60, max_items=1)
        answers: list[int] = []
        thread = threading.Thread(target=lambda: answers.append(waiter.post(LEASE_PATH, request).status_code))
        thread.start()
        time.sleep(0.5)
        started = time.perf_counter()
        assert exchange.process is not None
        exchange.process.terminate()
        thread.join(timeout=30)
        assert answers == [200]
        assert exchange.process.wait(30) == 0
        assert time.perf_counter() - started < 20
