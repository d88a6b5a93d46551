"""An inbox that nobody collects fills to its bound and no further, and takes more as soon as it is collected."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.http.refusal import RefusedError
from broker.inbox.allowance import InboxAllowance
from broker.inbox.room import Rooms
from schemas.agreements.terms import Terms
from schemas.log.records import RecordType
from schemas.markings import Urgency
from tests.broker.bench import GB, VN, Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    bench.inboxes.rooms = Rooms(InboxAllowance(max_items=2))
    yield bench
    bench.close()


def demand_refused(bench: Bench, terms: Terms, name: object, **changes: object) -> None:
    with pytest.raises(RefusedError) as refused:
        bench.submit(GB, bench.seal(GB, VN, terms, name, **changes))
    refusal = refused.value.refusal
    assert (refusal.slug, refusal.field, refusal.retry_after_seconds) == ("inbox-full", "recipients.0.agency", 60)


def test_a_full_inbox_takes_nothing_more_and_the_refusal_is_in_the_log(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first")
    bench.send(GB, VN, terms, "second")
    demand_refused(bench, terms, "third")
    (record,) = bench.records(RecordType.REFUSED)
    assert (record.problem, record.agency, record.partner) == ("inbox-full", GB, VN)


def test_the_same_message_is_taken_once_the_inbox_was_collected(bench: Bench) -> None:
    terms = bench.agree()
    for name in ("first", "second"):
        bench.send(GB, VN, terms, name)
    third = bench.seal(GB, VN, terms, "third")
    with pytest.raises(RefusedError):
        bench.submit(GB, third)
    bench.acknowledge(VN, bench.lease(VN))
    bench.clock.move(15)
    assert bench.submit(GB, third)[1]


def test_what_is_leased_and_not_acknowledged_still_takes_its_place(bench: Bench) -> None:
    terms = bench.agree()
    for name in ("first", "second"):
        bench.send(GB, VN, terms, name)
    bench.lease(VN)
    bench.clock.move(15)
    demand_refused(bench, terms, "third")


def test_a_withdrawal_finds_room_where_others_do_not_and_makes_some(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first")
    bench.send(GB, VN, terms, "second")
    demand_refused(bench, terms, "routine")
    bench.send(GB, VN, terms, "withdrawal", kind="withdrawal", refers_to=bench.reference("first"))
    assert bench.state(GB, "first") == "withdrawn"


def test_a_threat_to_life_finds_room_where_others_do_not(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first")
    bench.send(GB, VN, terms, "second")
    demand_refused(bench, terms, "routine")
    bench.send(GB, VN, terms, "life", urgency=Urgency.THREAT_TO_LIFE)
    demand_refused(bench, terms, "one more", urgency=Urgency.THREAT_TO_LIFE)


def test_an_answer_that_was_lost_is_given_again_though_the_inbox_is_full(bench: Bench) -> None:
    terms = bench.agree()
    first = bench.seal(GB, VN, terms, "first")
    evidence, _ = bench.submit(GB, first)
    bench.send(GB, VN, terms, "second")
    assert bench.submit(GB, first)[0].leaf == evidence.leaf


def test_who_is_refused_for_another_reason_is_told_that_first(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first")
    bench.send(GB, VN, terms, "second")
    with pytest.raises(RefusedError) as refused:
        bench.submit(GB, bench.seal(GB, VN, "B" * 42 + "A", "third"))
    assert refused.value.refusal.slug == "agreement-unknown"
    assert [reason.code for reason in refused.value.refusal.reasons] == ["agreement-unknown", "inbox-full"]


def test_the_bytes_of_an_inbox_are_bounded_as_its_items_are(bench: Bench) -> None:
    terms = bench.agree()
    size = len(bench.seal(GB, VN, terms, "probe", n=1000).envelope.ciphertext)
    bench.inboxes.rooms = Rooms(InboxAllowance(max_bytes=size * 3 // 4))
    bench.send(GB, VN, terms, "first")
    demand_refused(bench, terms, "second")


def test_a_broker_that_knows_nothing_yet_measures_before_it_decides(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first")
    bench.send(GB, VN, terms, "second")
    bench.inboxes.rooms = Rooms(InboxAllowance(max_items=2))
    demand_refused(bench, terms, "third")


def test_what_other_brokers_took_in_counts_after_a_minute(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first")
    mine = bench.inboxes.rooms
    bench.inboxes.rooms = Rooms(InboxAllowance(max_items=10))
    bench.send(GB, VN, terms, "through another broker")
    bench.inboxes.rooms = mine
    bench.clock.move(60)
    demand_refused(bench, terms, "third")
