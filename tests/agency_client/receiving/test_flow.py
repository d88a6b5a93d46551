"""Collecting an inbox: stored before acknowledged, taken up again after any interruption, nothing lost or doubled."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from agency_client.errors import ClientError
from agency_client.local_store.access_log import AccessFilter, list_entries
from agency_client.local_store.inbox import InboxState, list_unfinished
from agency_client.local_store.leases import list_unsettled
from agency_client.local_store.received_work import list_owed_receipts
from agency_client.receiving.flow import learn_everything, receive
from agency_client.receiving.leasing import acknowledge_stored, lease_items, list_open_leases
from agency_client.receiving.verification import Horizon
from agency_client.refusals import NotSentError, UnansweredError
from schemas.agreements.steps import StepAction
from schemas.api import ACKNOWLEDGE_PATH, CHECKPOINT_PATH, LEASE_PATH, STEPS_PATH, LeaseRequest
from schemas.codec import decode_json
from schemas.log.records import Action
from schemas.markings import Urgency
from tests.support.lying_answers import HANDLERS
from tests.support.lying_exchange import LyingExchange
from tests.support.lying_world import LyingWorld, make_alert, make_ping
from tests.support.nodes import take_step


def fail_at(world: LyingWorld, path: str, error: ClientError) -> None:
    """Let the next answers of an address not arrive."""

    def fail(answer: Any) -> Any:
        raise error

    world.exchange.tamper[path] = fail


def test_a_message_is_on_disk_before_it_is_acknowledged(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft("GB", "VN", terms)
    world.deliver(sealed, "VN")
    seen = []

    def look(answer: Any) -> Any:
        seen.append(world.look_up("VN", sealed).state)
        return answer

    world.exchange.tamper[ACKNOWLEDGE_PATH] = look
    world.collect("VN")
    assert seen == [InboxState.NEW]


def test_an_acknowledgement_that_was_not_answered_is_made_again(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft("GB", "VN", terms)
    world.deliver(sealed, "VN")
    fail_at(world, ACKNOWLEDGE_PATH, UnansweredError("gone"))
    with pytest.raises(UnansweredError):
        world.collect("VN")
    with world["VN"].store.read() as snapshot:
        assert sum(len(items) for items in list_unsettled(snapshot).values()) == 1
    world.exchange.tamper.clear()
    world.collect("VN")
    with world["VN"].store.read() as snapshot:
        assert list_unsettled(snapshot) == {}
    assert world.look_up("VN", sealed).state is InboxState.OPENED


def test_a_lease_that_ended_unacknowledged_comes_again_and_is_known(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft("GB", "VN", terms)
    world.deliver(sealed, "VN")
    waiting = dict(world.exchange.inboxes["VN"])
    fail_at(world, ACKNOWLEDGE_PATH, UnansweredError("gone"))
    with pytest.raises(UnansweredError):
        world.collect("VN")
    world.exchange.tamper.clear()
    world.clock.ahead += timedelta(minutes=5)
    world.exchange.inboxes["VN"] = waiting
    report = world.collect("VN")
    assert (report.stored, report.repeated) == (0, 1)
    assert world.look_up("VN", sealed).state is InboxState.OPENED


def test_a_lease_that_was_not_answered_is_asked_for_again_under_its_name(
    world: LyingWorld, terms: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = note_leases(monkeypatch)
    world.deliver(world.craft("GB", "VN", terms), "VN")
    fail_at(world, LEASE_PATH, UnansweredError("gone"))
    for _ in range(2):
        with pytest.raises(UnansweredError):
            world.collect("VN")
    world.exchange.tamper.clear()
    assert world.collect("VN").stored == 1
    world.exchange.inboxes.clear()
    world.collect("VN")

    first, second, third, fourth = asked
    assert {first.lease, second.lease, third.lease} == {first.lease}
    assert [request.again for request in asked] == [None, True, True, None]
    assert fourth.lease != first.lease


def note_leases(monkeypatch: pytest.MonkeyPatch) -> list[LeaseRequest]:
    """Return a list of the leases that are asked for, as it grows."""
    asked: list[LeaseRequest] = []
    answer_honestly = HANDLERS[LEASE_PATH]

    def note(exchange: LyingExchange, agency: str, body: bytes, query: Mapping[str, Any]) -> Any:
        asked.append(LeaseRequest.from_canonical(body))
        return answer_honestly(exchange, agency, body, query)

    monkeypatch.setitem(HANDLERS, LEASE_PATH, note)
    return asked


def test_what_was_leased_and_could_not_be_taken_in_is_asked_for_again_at_once(
    world: LyingWorld, terms: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        world.deliver(world.craft("GB", "VN", terms), "VN")
    lease_one_at_a_time(world.exchange)
    asked = note_leases(monkeypatch)
    fail_at(world, STEPS_PATH, NotSentError("away"))
    with pytest.raises(NotSentError):
        world.collect("VN")
    del world.exchange.tamper[STEPS_PATH]
    world.collect("VN")
    world.collect("VN")

    first, second, *later = asked
    assert [request.again for request in (first, second)] == [None, None]
    assert {request.lease for request in later if request.again} == {first.lease, second.lease}
    assert asked[-1].again is None
    assert asked[-1].lease not in {first.lease, second.lease}


def test_a_lease_with_nothing_under_it_is_not_asked_for_again(world: LyingWorld, terms: Any) -> None:
    node = world["VN"]
    lease_items(node)
    assert list_open_leases(node) == []
    world.deliver(world.craft("GB", "VN", terms), "VN")
    held = lease_items(node).answer.lease
    acknowledge_stored(node)
    lease_items(node)
    assert list_open_leases(node) == [held], "what is not closed may hold receipts that are in memory only"
    assert lease_items(node, again=held).is_empty
    assert list_open_leases(node) == []
    world.collect("VN")


def test_a_message_whose_log_cannot_be_read_now_is_judged_later(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft("GB", "VN", terms)
    world.deliver(sealed, "VN")
    fail_at(world, STEPS_PATH, NotSentError("away"))
    with pytest.raises(NotSentError):
        world.collect("VN")
    assert world.look_up("VN", sealed).state is InboxState.NEW
    assert world.exchange.inboxes["VN"] == {}, "it is stored, so it was acknowledged"
    world.exchange.tamper.clear()
    assert world.receive("VN", sealed).state is InboxState.OPENED


def test_nothing_is_judged_beyond_what_was_read_of_log_and_agreements(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft("GB", "VN", terms)
    placed = world.deliver(sealed, "VN")
    index = placed.accepted.index

    def learn_too_little(node: Any) -> Horizon:
        learn_everything(node)
        return Horizon(walked=index + 1, steps=index)

    report = receive(world["VN"], learn=learn_too_little)
    assert [finding.problem.code for finding in report.findings if finding.problem] == ["log-not-read"]
    assert world.look_up("VN", sealed).state is InboxState.NEW


def test_an_agreement_that_came_into_force_just_before_the_message_is_learned_first(world: LyingWorld) -> None:
    quiet = world.agree("GB", "VN", "just now")
    sealed = world.craft("GB", "VN", quiet)
    with world["VN"].store.write() as transaction:  # as if nothing of GB's had been pulled yet
        transaction.execute("DELETE FROM agreement_step WHERE agreement = ? AND party = 'GB'", quiet.id)
        transaction.execute("DELETE FROM setting WHERE name = 'steps-pulled'")
    world.deliver(sealed, "VN")
    assert world.receive("VN", sealed).state is InboxState.OPENED


def test_an_empty_inbox_asks_for_nothing_more(world: LyingWorld) -> None:
    fail_at(world, CHECKPOINT_PATH, NotSentError("not to be asked"))
    report = world.collect("VN")
    assert (report.stored, report.findings) == (0, [])


def test_leases_go_on_while_there_is_more(world: LyingWorld, terms: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    messages = [world.craft("GB", "VN", terms) for _ in range(5)]
    for sealed in messages:
        world.deliver(sealed, "VN")
    lease_two_at_a_time(world.exchange)
    report = world.collect("VN")
    assert (report.stored, report.acknowledged, report.count(InboxState.OPENED)) == (5, 5, 5)


def lease_two_at_a_time(exchange: LyingExchange) -> None:
    """Let every lease carry two items and say that there are more."""

    def cut(answer: Any) -> Any:
        return answer.model_copy(update={"items": answer.items[:2], "more": len(answer.items) > 2})

    exchange.tamper[LEASE_PATH] = cut


def lease_one_at_a_time(exchange: LyingExchange) -> None:
    """Let every lease carry one item and say whether there are more."""

    def cut(answer: Any) -> Any:
        return answer.model_copy(update={"items": answer.items[:1], "more": len(answer.items) > 1})

    exchange.tamper[LEASE_PATH] = cut


def test_a_message_that_waits_beyond_its_deadline_is_set_aside(world: LyingWorld, terms: Any) -> None:
    unknown = terms.model_copy(update={"title": "Never signed"})
    sealed = world.craft("GB", "VN", unknown)
    world.deliver(sealed, "VN")
    waiting = world.receive("VN", sealed)
    assert (waiting.state, waiting.problem and waiting.problem.code) == (InboxState.NEW, "agreement-unknown")
    world.clock.ahead = timedelta(days=18)
    found = world.receive("VN", sealed)
    assert (found.state, found.problem and found.problem.code) == (InboxState.UNVERIFIABLE, "agreement-unknown")


def test_a_message_withheld_by_a_suspension_to_its_end_was_genuine_and_is_refused(
    world: LyingWorld, terms: Any
) -> None:
    sealed = world.craft("GB", "VN", terms)
    world.deliver(sealed, "VN")
    take_step(world["VN"], terms, StepAction.SUSPEND, world["VN"], world["GB"])
    waiting = world.receive("VN", sealed)
    assert (waiting.state, waiting.problem and waiting.problem.code) == (InboxState.NEW, "agreement-suspended")
    world.clock.ahead = timedelta(days=18)
    found = world.receive("VN", sealed)
    assert (found.state, found.problem and found.problem.code) == (InboxState.REFUSED, "agreement-suspended")
    with world["VN"].store.read() as snapshot:
        owed = [(item.type, item.reason) for item in list_owed_receipts(snapshot) if item.digest == sealed.digest]
    assert owed == [("handed-over", ""), ("verified", ""), ("refused", "agreement-suspended")]


def test_a_second_message_under_one_id_keeps_nothing_from_being_judged(world: LyingWorld, terms: Any) -> None:
    first = world.craft("GB", "VN", terms)
    world.deliver(first, "VN")
    assert world.receive("VN", first).state is InboxState.OPENED
    ended = world.agree("GB", "VN", "ended since")
    second, other = world.craft("GB", "VN", ended, id=first.header.id), world.craft("GB", "VN", terms)
    world.deliver(second, "VN")
    world.deliver(other, "VN")
    take_step(world["VN"], ended, StepAction.REVOKE, world["VN"], world["GB"])

    assert world.receive("VN", second).state is InboxState.UNVERIFIABLE
    assert world.look_up("VN", other).state is InboxState.OPENED


def test_collecting_is_on_record_and_opening_keeps_what_lists_need(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft("GB", "VN", terms, urgency=Urgency.URGENT, alert=make_ping(subject="Line test"))
    world.deliver(sealed, "VN")
    found = world.receive("VN", sealed)
    assert found.envelope is None, "the sealed bytes are dropped, the evidence stays"
    assert decode_json(found.summary or b"") == {
        "attachments": 0,
        "handling": "green h0",
        "officer": "officer-17",
        "subject": "Line test",
        "unit": "Duty desk",
    }
    accepted_at = sealed.header.issued_at
    assert found.reply_due == accepted_at + timedelta(minutes=480), "the agreement's answer time for urgent messages"
    with world["VN"].store.read() as snapshot:
        entries = list_entries(snapshot, AccessFilter(message=found.message_id))
    assert [(entry.action, entry.verb, entry.partner) for entry in entries] == [(Action.COLLECTION, "receive", "GB")]


def test_an_alert_of_a_kind_this_version_does_not_know_is_refused_not_lost(world: LyingWorld) -> None:
    from tests.support.nodes import make_wide_clause

    kinds = ("document-fraud", "stowaway")
    wide = world.agree("GB", "VN", "wide", clauses=(make_wide_clause("GB", "VN", kinds=kinds),))
    sealed = world.craft("GB", "VN", wide, alert=make_alert("stowaway", {}))
    world.deliver(sealed, "VN")
    found = world.receive("VN", sealed)
    assert (found.state, found.problem and found.problem.code) == (InboxState.REFUSED, "unknown-kind")


def test_a_message_taken_up_after_a_crash_is_opened_once(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft("GB", "VN", terms)
    world.deliver(sealed, "VN")
    receive(world["VN"], learn=lambda _: Horizon(0, 0))  # ended before anything was judged
    with world["VN"].store.read() as snapshot:
        assert sealed.digest in list_unfinished(snapshot)
    assert world.receive("VN", sealed).state is InboxState.OPENED
    again: Mapping[str, Any] = {finding.digest: finding for finding in world.collect("VN").findings}
    assert sealed.digest not in again
