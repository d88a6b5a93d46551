"""Events of an inbox: what is told, what is not told twice, and when a stream ends."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.access.caller import Caller
from broker.access.errors import TokenRefusedError
from broker.audit.refusals import RefusalRecorder
from broker.http.refusal import RefusedError
from broker.inbox.events import HEARTBEAT, OPENING, EventId, InboxEvents, read_last_seen
from broker.storage.errors import StoreUnreachableError
from schemas.agreements.steps import StepAction
from schemas.api import InboxEvent
from schemas.log.records import RecordType
from schemas.markings import Urgency
from tests.broker.bench import GB, VN, Bench

EPOCH = 2


class Listening:
    """A node that listens to its inbox, one part of the stream after another."""

    def __init__(
        self,
        bench: Bench,
        last_seen: int | EventId | None = None,
        *,
        heartbeat_seconds: float = 60,
        problem: Exception | None = None,
    ) -> None:
        self.bench = bench
        self.problem = problem
        self.caller = bench.caller(VN)
        self.events = InboxEvents(
            bench.inboxes.waiters,
            bench.database,
            RefusalRecorder(bench.writer, bench.clock),
            bench.clock,
            bench.log,
            EPOCH,
            heartbeat_seconds=heartbeat_seconds,
        )
        self.leaving: asyncio.Future[None] = bench.runner.get_loop().create_future()
        seen = EventId(EPOCH, last_seen) if isinstance(last_seen, int) else last_seen
        self._stream = self.events.stream(self._verify, seen, self.leaving)
        assert self.hear() == OPENING

    def hear(self) -> bytes | None:
        """Return the next part of the stream, nothing once it has ended."""

        async def go_on() -> bytes | None:
            return await asyncio.wait_for(anext(self._stream, None), 20)

        return self.bench.run(go_on())

    def hear_event(self) -> InboxEvent:
        """Return the next part, which must be an event that bears its id and name."""
        part = self.hear()
        assert part is not None
        number, name, data, *rest = part.split(b"\n")
        assert (name, rest) == (b"event: waiting", [b"", b""])
        event = InboxEvent.from_canonical(data.removeprefix(b"data: "))
        assert number == b"id: %d-%d" % (EPOCH, event.newest)
        return event

    def close(self) -> None:
        """Stop listening, as a connection that is closed does."""
        self.bench.run(self._stream.aclose())

    async def _verify(self) -> Caller:
        if self.problem is not None:
            raise self.problem
        if self.bench.now >= self.caller.expires_at:
            raise TokenRefusedError("the access token has expired")
        return self.caller


Listen = Callable[..., Listening]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


@pytest.fixture
def listen(bench: Bench) -> Iterator[Listen]:
    """Lend a way to listen; every stream is closed at the end."""
    opened: list[Listening] = []

    def open_one(last_seen: int | EventId | None = None, **options: Any) -> Listening:
        opened.append(Listening(bench, last_seen, **options))
        return opened[-1]

    yield open_one
    for listening in opened:
        listening.close()


def test_what_waits_is_told_at_once_with_the_highest_urgency_and_without_content(bench: Bench, listen: Listen) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first")
    urgent = bench.send(GB, VN, terms, "second", urgency=Urgency.THREAT_TO_LIFE)
    bench.send(GB, VN, terms, "third", urgency=Urgency.URGENT)
    told = listen().hear_event()
    assert told == InboxEvent(newest=urgent.leaf.index + 1, urgency=Urgency.THREAT_TO_LIFE, count=3)


def test_nothing_is_leased_or_bound_by_listening(bench: Bench, listen: Listen) -> None:
    bench.send(GB, VN, bench.agree(), "first")
    listen().hear_event()
    assert bench.state(GB, "first") == "waiting"
    assert len(bench.lease(VN, node="node-2").items) == 1


def test_a_commit_rings_and_what_was_told_is_not_told_again(bench: Bench, listen: Listen) -> None:
    terms = bench.agree()
    listening = listen(heartbeat_seconds=60)
    assert listening.hear() == HEARTBEAT
    first = bench.send(GB, VN, terms, "first")
    assert listening.hear_event() == InboxEvent(newest=first.leaf.index, urgency=Urgency.ROUTINE, count=1)
    bench.inboxes.waiters.wake(VN)
    assert listening.hear() == HEARTBEAT
    second = bench.send(GB, VN, terms, "second")
    assert listening.hear_event() == InboxEvent(newest=second.leaf.index, urgency=Urgency.ROUTINE, count=2)


def test_what_came_while_nobody_listened_is_told_to_whoever_comes_back_and_what_was_told_is_not(
    bench: Bench, listen: Listen
) -> None:
    terms = bench.agree()
    first = bench.send(GB, VN, terms, "first").leaf.index
    assert listen(first).hear() == HEARTBEAT
    second = bench.send(GB, VN, terms, "second").leaf.index
    assert listen(first).hear_event().newest == second


@pytest.mark.parametrize("epoch", [EPOCH - 1, EPOCH + 1])
def test_an_id_of_another_epoch_says_nothing_about_what_waits_in_this_one(
    bench: Bench, listen: Listen, epoch: int
) -> None:
    """A new log begins with small numbers again: what waits would not be told until it was as long as the old one."""
    first = bench.send(GB, VN, bench.agree(), "first").leaf.index
    assert listen(EventId(EPOCH, first)).hear() == HEARTBEAT
    assert listen(EventId(epoch, first)).hear_event().newest == first


def test_an_id_that_the_log_has_not_come_to_says_nothing_either(bench: Bench, listen: Listen) -> None:
    first = bench.send(GB, VN, bench.agree(), "first").leaf.index
    assert listen(bench.log.view.size - 1).hear() == HEARTBEAT
    assert listen(bench.log.view.size).hear_event().newest == first
    assert listen(10**14).hear_event().newest == first


def test_a_stream_ends_without_a_word_when_the_database_is_away(
    bench: Bench, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_agency: str) -> None:
        raise StoreUnreachableError

    asked, looking = listen(heartbeat_seconds=0.01), listen(heartbeat_seconds=0.01)
    assert [asked.hear(), looking.hear()] == [HEARTBEAT, HEARTBEAT]
    asked.problem = StoreUnreachableError()
    monkeypatch.setattr(looking.events, "_look", fail)
    assert [asked.hear(), looking.hear()] == [None, None]
    assert [asked.events.listening, looking.events.listening] == [0, 0]
    assert bench.inboxes.waiters.list_agencies() == []


def test_whoever_may_not_listen_any_more_as_the_stream_begins_is_told_nothing(bench: Bench, listen: Listen) -> None:
    bench.send(GB, VN, bench.agree(), "first")
    assert listen(problem=TokenRefusedError("the access token has expired")).hear() is None


def test_an_item_whose_lease_lapsed_is_told_again_also_to_whoever_comes_back(bench: Bench, listen: Listen) -> None:
    first = bench.send(GB, VN, bench.agree(), "first").leaf.index
    listening = listen(heartbeat_seconds=0.01)
    assert listening.hear_event().newest == first
    bench.lease(VN)
    assert listening.hear() == HEARTBEAT
    bench.clock.move(61)
    assert listening.hear_event().newest == first
    assert listen(first).hear_event().newest == first


def test_a_message_that_was_held_is_told_when_it_is_released(bench: Bench, listen: Listen) -> None:
    terms = bench.agree()
    first = bench.send(GB, VN, terms, "first").leaf.index
    bench.step(GB, terms, StepAction.SUSPEND)
    bench.sweep()
    listening = listen(first)
    assert listening.hear() == HEARTBEAT
    bench.step(GB, terms, StepAction.RESUME)
    bench.sweep()
    told = listening.hear_event()
    assert (told.newest > first, told.count) == (True, 1)


def test_a_stream_ends_with_its_token_when_its_client_leaves_and_when_the_broker_stops(
    bench: Bench, listen: Listen
) -> None:
    expired, left, stopped = (listen(heartbeat_seconds=0.01) for _ in range(3))
    assert [one.hear() for one in (expired, left, stopped)] == [HEARTBEAT] * 3
    assert [one.events.listening for one in (expired, left, stopped)] == [1, 1, 1]
    bench.clock.move(300)
    assert expired.hear() is None
    left.caller = stopped.caller = bench.caller(VN)
    left.leaving.set_result(None)
    assert left.hear() is None
    bench.inboxes.waiters.close()
    assert stopped.hear() is None
    assert bench.inboxes.waiters.list_agencies() == []
    assert [one.events.listening for one in (expired, left, stopped)] == [0, 0, 0]


def test_another_node_than_the_one_that_collects_may_not_listen_and_that_is_in_the_log(
    bench: Bench, listen: Listen
) -> None:
    bench.send(GB, VN, bench.agree(), "first")
    bench.lease(VN)
    events = listen().events
    bench.run(events.demand_collector(bench.caller(VN)))
    with pytest.raises(RefusedError, match="collected by its node node-1"):
        bench.run(events.demand_collector(bench.caller(VN, node="node-2")))
    assert [record.problem for record in bench.records(RecordType.REFUSED)] == ["second-node"]


@pytest.mark.parametrize(
    "text",
    ["42", "-1", "1-", "1.5-1", "1-٣", "1-1 ", "1-1\n", "0-1", "01-1", "1-01", "1-1-1", "1-" + "1" * 16, "1-0x1"],
)
def test_what_no_event_bore_is_refused_as_last_event_id(text: str) -> None:
    with pytest.raises(RefusedError, match="Last-Event-ID"):
        read_last_seen(text)


def test_the_last_event_id_is_an_events_or_absent() -> None:
    assert [read_last_seen(text) for text in (None, "", "1-0", "12-345")] == [
        None, None, EventId(1, 0), EventId(12, 345),
    ]  # fmt: skip
