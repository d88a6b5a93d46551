"""Collecting an inbox on a real database: order, leases, acknowledgements, and how far a message came."""

import asyncio
from datetime import timedelta
from typing import TypeVar

import pytest

from broker.http.refusal import RefusedError
from broker.inbox.service import MAX_LEASES_AT_ONCE
from broker.storage.fair_queue import OWN_TURN, Turn
from broker.storage.group_commit import Operation
from schemas.agreements.steps import StepAction
from schemas.api import AcknowledgeRequest, LeaseAnswer, LeaseRequest
from schemas.envelope import Reference
from schemas.log.records import RecordType
from schemas.markings import Urgency
from tests.broker.bench import GB, VN, Bench, ids_of, messages_of, outcomes_of
from tests.broker.inbox.leases import named
from tests.support.messages import make_id

T = TypeVar("T")


def test_the_most_urgent_comes_first_then_the_oldest(bench: Bench) -> None:
    terms = bench.agree()
    for name, urgency in enumerate(("routine", "urgent", "routine", "threat-to-life", "urgent")):
        bench.send(GB, VN, terms, name, urgency=Urgency.from_code(urgency))
    assert named(bench.lease(VN), 3, 1, 4, 0, 2)


def test_a_hand_over_gives_the_very_envelope_and_its_leaf_says_who_took_it(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first")
    answer = bench.lease(VN)
    (item,) = messages_of(answer)
    assert item.envelope == bench.sent[make_id("first")].envelope
    record = item.handed_over.record
    assert (record.type, record.lease, record.agency, record.partner) == (
        RecordType.MESSAGE_HANDED_OVER, answer.lease, GB, VN
    )  # fmt: skip
    assert record.actor is not None
    assert (record.actor.agency, record.actor.node) == (VN, "node-1")
    assert answer.leased_until == bench.now + timedelta(seconds=60)


def test_an_answer_carries_at_most_what_was_asked_for_and_says_if_there_is_more(bench: Bench) -> None:
    terms = bench.agree()
    for name in range(3):
        bench.send(GB, VN, terms, name)
    first = bench.lease(VN, max_items=2)
    assert named(first, 0, 1)
    assert first.more
    second = bench.lease(VN, max_items=2)
    assert named(second, 2)
    assert not second.more


def test_an_answer_carries_at_most_so_many_bytes_but_at_least_one_item(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broker.inbox.service.MAX_LEASE_BYTES", 4000)
    terms = bench.agree()
    for name in range(3):
        bench.send(GB, VN, terms, name)
    first = bench.lease(VN)
    assert named(first, 0)
    assert first.more


def test_few_leases_of_one_inbox_are_worked_on_at_a_time(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each holds what it hands over, and a batch of the writer would hold what two hundred hand over."""
    bench.send(GB, VN, bench.agree(), "first")
    commit, under_way = bench.writer.commit, [0]

    async def count(operation: Operation[T], turn: Turn = OWN_TURN) -> T:
        under_way.append(under_way[-1] + 1)
        try:
            return await commit(operation, turn)
        finally:
            under_way.append(under_way[-1] - 1)

    async def lease_often() -> list[LeaseAnswer]:
        request = LeaseRequest(wait_seconds=0, max_items=1)
        return await asyncio.gather(*(bench.inbox.lease(bench.caller(VN), request) for _ in range(12)))

    monkeypatch.setattr(bench.writer, "commit", count)
    answers = bench.run(lease_often())
    assert max(under_way) == MAX_LEASES_AT_ONCE
    assert [len(answer.items) for answer in answers].count(1) == 1


def test_what_is_leased_comes_again_when_the_lease_has_lapsed_and_not_before(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first")
    first = bench.lease(VN)
    bench.clock.move(59)
    assert bench.lease(VN).items == ()
    bench.clock.move(1)
    second = bench.lease(VN)
    assert named(second, "first")
    assert second.lease != first.lease
    assert bench.fates("first") == ["message-accepted", "message-handed-over", "message-handed-over"]


def test_what_was_acknowledged_never_comes_again_and_its_ciphertext_is_gone(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first")
    answer = bench.lease(VN)
    assert bench.acknowledge(VN, answer) == 1
    assert bench.acknowledge(VN, answer) == 0
    bench.clock.move(3600)
    bench.restart()
    assert bench.lease(VN).items == ()
    assert bench.acknowledge(VN, answer) == 0
    with bench.database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM inbox_content").scalar() == 0
        assert connection.exec_driver_sql("SELECT count(*) FROM message").scalar() == 1


def test_what_was_not_acknowledged_survives_a_restart(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first")
    bench.send(GB, VN, terms, "second")
    answer = bench.lease(VN)
    bench.acknowledge(VN, answer, answer.items[0].number)
    bench.restart()
    bench.clock.move(61)
    assert named(bench.lease(VN), "second")


def ask(bench: Bench, name: object, *, again: bool = False) -> LeaseAnswer:
    """Let VN ask for a lease under a name of its own."""
    request = LeaseRequest(lease=make_id(name), again=True if again else None, wait_seconds=0, max_items=2)
    return bench.run(bench.inbox.lease(bench.caller(VN), request))


def test_a_lease_whose_answer_was_lost_comes_again_at_once_with_the_same_hand_over(bench: Bench) -> None:
    terms = bench.agree()
    for name in ("first", "second", "third"):
        bench.send(GB, VN, terms, name)
    lost = ask(bench, "lease")
    assert lost.lease == make_id("lease")
    bench.clock.move(20)
    found = ask(bench, "lease", again=True)
    assert (found.lease, ids_of(found), found.more) == (lost.lease, ids_of(lost), True)
    leaves = [(item.accepted, item.handed_over) for item in messages_of(lost)]
    assert [(item.accepted, item.handed_over) for item in messages_of(found)] == leaves
    assert bench.fates("first") == ["message-accepted", "message-handed-over"]
    bench.clock.move(59)
    assert bench.acknowledge(VN, found) == 2, "it lives as long as one that was just given"
    assert named(ask(bench, "lease", again=True), "third"), "nothing of it is left, so something new is leased"


def test_a_request_that_the_line_repeats_by_itself_gets_the_same_lease(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first")
    lost = ask(bench, "lease")
    bench.send(GB, VN, terms, "second")
    bench.restart()  # as if another broker were asked: the line repeats it wherever it leads
    assert ids_of(ask(bench, "lease")) == ids_of(lost) == [make_id("first")]
    assert bench.fates("first") == ["message-accepted", "message-handed-over"]
    assert named(ask(bench, "another"), "second")


def test_a_name_used_for_many_leases_gives_again_no_more_than_one_answer_carries(bench: Bench) -> None:
    terms, names = bench.agree(), [str(number) for number in range(6)]
    for name in names:
        bench.send(GB, VN, terms, name)
    for _ in range(2):
        ask(bench, "piled"), ask(bench, "between")
    found = ask(bench, "piled", again=True)
    assert (ids_of(found), found.more) == ([make_id("0"), make_id("1")], True)
    assert bench.acknowledge(VN, found) == 2
    assert ids_of(ask(bench, "piled", again=True)) == [make_id("4"), make_id("5")], "the rest comes after it"


def test_what_may_not_be_handed_over_any_more_does_not_come_again(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first")
    assert named(ask(bench, "lease"), "first")
    bench.step(GB, terms, StepAction.SUSPEND)
    assert ask(bench, "lease", again=True).items == ()
    assert bench.state(GB, "first") == "held"


def test_receipts_and_outcomes_come_again_as_well(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(VN, GB, terms, "first", lifetime=timedelta(hours=1))
    bench.clock.move(3600)
    bench.lease(GB)
    assert outcomes_of(ask(bench, "lease")) == outcomes_of(ask(bench, "lease", again=True)) != []


def test_asking_under_a_new_name_or_another_agencys_name_gives_nothing_that_is_leased(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first")
    assert named(ask(bench, "lease"), "first")
    assert ask(bench, "another", again=True).items == ()
    bench.send(GB, VN, terms, "second")
    assert named(ask(bench, "newer"), "second")
    assert ask(bench, "lease").items == (), "who does not say that the answer was lost has it"
    theirs = LeaseRequest(lease=make_id("lease"), again=True, wait_seconds=0, max_items=2)
    assert bench.run(bench.inbox.lease(bench.caller(GB), theirs)).items == ()


def refuse_acknowledgement(bench: Bench, agency: str, lease: str, *numbers: int) -> str:
    with pytest.raises(RefusedError) as caught:
        bench.run(bench.inbox.acknowledge(bench.caller(agency), AcknowledgeRequest(lease=lease, numbers=numbers)))
    return caught.value.refusal.slug


def test_only_the_lease_that_holds_an_item_settles_it(bench: Bench) -> None:
    terms = bench.agree()
    evidence = bench.send(GB, VN, terms, "first")
    first = bench.lease(VN)
    assert first.lease is not None
    assert refuse_acknowledgement(bench, VN, make_id("another"), evidence.leaf.index) == "lease-unknown"
    bench.clock.move(60)
    assert refuse_acknowledgement(bench, VN, first.lease, evidence.leaf.index) == "lease-unknown"
    second = bench.lease(VN)
    assert refuse_acknowledgement(bench, VN, first.lease, evidence.leaf.index) == "lease-unknown"
    assert bench.acknowledge(VN, second) == 1


def test_one_wrong_number_settles_nothing(bench: Bench) -> None:
    terms = bench.agree()
    evidence = bench.send(GB, VN, terms, "first")
    lease = bench.lease(VN).lease
    assert lease is not None
    assert refuse_acknowledgement(bench, VN, lease, evidence.leaf.index, evidence.leaf.index + 1) == "not-found"
    assert bench.state(GB, "first") == "leased"


def test_the_inbox_belongs_to_the_first_node_that_collects_it(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first")
    answer = bench.lease(VN)
    with pytest.raises(RefusedError) as caught:
        bench.lease(VN, node="node-2")
    assert caught.value.refusal.slug == "second-node"
    assert answer.lease is not None
    request = AcknowledgeRequest(lease=answer.lease, numbers=(answer.items[0].number,))
    with pytest.raises(RefusedError):
        bench.run(bench.inbox.acknowledge(bench.caller(VN, node="node-2"), request))
    assert [record.problem for record in bench.records(RecordType.REFUSED)] == ["second-node", "second-node"]


def test_only_the_sender_learns_how_far_a_message_came(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first")
    assert bench.state(GB, "first") == "waiting"
    answer = bench.lease(VN)
    assert bench.state(GB, "first") == "leased"
    bench.acknowledge(VN, answer)
    states = bench.states(GB, "first")
    assert states.message == Reference(id=make_id("first"), digest=bench.sent[make_id("first")].digest)
    assert states.states[0].leaf is not None
    assert states.states[0].leaf.record.type is RecordType.MESSAGE_HANDED_OVER
    for agency, name in ((VN, "first"), (GB, "never sent")):
        with pytest.raises(RefusedError) as caught:
            bench.states(agency, name)
        assert caught.value.refusal.slug == "not-found"
