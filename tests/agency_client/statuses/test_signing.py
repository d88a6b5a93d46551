"""Statuses and access-log heads: signed when due, chained, and taken by a real exchange."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from agency_client.agreements.flows import suspend
from agency_client.agreements.pulling import pull_steps
from agency_client.agreements.submitting import submit_due_steps, submit_step
from agency_client.errors import OfflineError
from agency_client.local_store.access_log import append_entry, find_chain_end, load_newest_signed_head
from agency_client.local_store.dispatch import (
    Dispatch,
    DispatchKind,
    DispatchState,
    list_dispatches,
    list_due_dispatches,
    record_dispatch_failed,
    retry_documents_now,
)
from agency_client.local_store.inbound_streams import find_gaps
from agency_client.local_store.problems import Problem
from agency_client.local_store.restored import RestoredNodeError, begin_restored_life
from agency_client.local_store.settings import clear_restored
from agency_client.local_store.sightings import list_sightings
from agency_client.local_store.statuses import list_due_statuses, request_status
from agency_client.local_store.streams import StreamState
from agency_client.node import Node
from agency_client.own_keys.documents import load_own_key_sets
from agency_client.own_keys.publishing import publish_queued
from agency_client.refusals import RefusalDetails, RefusedError
from agency_client.sending.flow import send_alert
from agency_client.statuses.hidden import find_unnamed, list_hidden_agreements
from agency_client.statuses.partners import pull_statuses
from agency_client.statuses.signing import (
    STATUS_ROUTES,
    announce_narrowing,
    find_due_partners,
    limit_chains,
    limit_streams,
    request_everywhere,
    sign_access_log_head,
    sign_due_statuses,
    sign_status,
)
from agency_client.syncing.following import _OUTGOING, _has_work
from agency_client.syncing.rounds import run_round
from agency_client.syncing.submitting import submit_due
from schemas.api import ACCESS_LOG_HEADS_PATH, STATUSES_PATH, STEPS_PATH
from schemas.codec import b64u_encode
from schemas.log.records import Action
from schemas.status import MAX_STATUS_BYTES, ChainHead, StreamPosition, digest_status
from tests.agency_client.statuses.exchanged import hand_over, load_stored, read
from tests.support.bad_line import LostRequest, Refusing, tampered
from tests.support.drafts import make_draft
from tests.support.messages import make_id
from tests.support.nodes import agree, install_next_key_set, reconnect, set_clock


def test_a_partner_without_a_status_is_due_and_then_every_six_hours(vn: Node) -> None:
    sign_due_statuses(vn)
    with vn.store.read() as snapshot:
        assert find_due_partners(vn, snapshot) == []
    set_clock(vn, timedelta(hours=6))
    with vn.store.read() as snapshot:
        assert find_due_partners(vn, snapshot) == ["GB"]


def test_what_was_asked_for_is_due_at_once_and_signed_once(vn: Node) -> None:
    sign_due_statuses(vn)
    with vn.store.write() as transaction:
        request_status(transaction, "GB", reason="suspended", at=vn.clock.now())
    assert sign_due_statuses(vn).signed == ["GB"]
    assert sign_due_statuses(vn).signed == []


def test_nobody_who_is_not_in_the_log_gets_a_status(vn: Node) -> None:
    with vn.store.write() as transaction:
        request_status(transaction, "XX", reason="test", at=vn.clock.now())
    with vn.store.read() as snapshot:
        assert "XX" not in find_due_partners(vn, snapshot)


def test_statuses_form_a_chain_that_the_broker_takes(vn: Node) -> None:
    first, second = sign_status(vn, "GB"), sign_status(vn, "GB")
    assert (second.seq, second.prev) == (first.seq + 1, digest_status(first.canonical()))
    assert not submit_due(vn, STATUS_ROUTES).refused
    with vn.store.read() as snapshot:
        assert not [item for item in list_dispatches(snapshot) if item.kind is DispatchKind.STATUS]


def test_a_status_says_how_far_streams_and_chains_go(gb: Node, vn: Node) -> None:
    send_alert(vn, make_draft("GB"))
    status = hand_over(vn)
    assert [head.party_seq for head in status.chains if head.agreement == make_id("agreement")] == [1]
    assert status.streams[0].last >= 1
    report = pull_statuses(gb)
    assert (report.news, report.alarms, report.problems) == (["VN"], [], {})
    with gb.store.read() as snapshot:
        assert find_gaps(snapshot, "VN")[0].last == status.streams[0].last
        assert "VN" in [sighting.seen_by for sighting in list_sightings(snapshot, gb.sheet.origin)]


def test_a_restored_node_signs_no_status(vn: Node) -> None:
    with vn.store.write() as transaction:
        begin_restored_life(transaction, backup="b", at=vn.clock.now())
    try:
        with pytest.raises(RestoredNodeError):
            sign_status(vn, "GB")
    finally:
        with vn.store.write() as transaction:
            clear_restored(transaction)


def test_the_access_logs_head_is_signed_once_an_hour_and_only_when_it_grew(vn: Node) -> None:
    set_clock(vn, timedelta(hours=2))
    note_something(vn)
    assert sign_access_log_head(vn)
    note_something(vn)
    assert not sign_access_log_head(vn)
    set_clock(vn, timedelta(hours=3))
    assert sign_access_log_head(vn)
    set_clock(vn, timedelta(hours=5))
    assert not sign_access_log_head(vn)
    with vn.store.read() as snapshot:
        head, end = load_newest_signed_head(snapshot), find_chain_end(snapshot)
    assert head is not None
    assert end is not None
    assert head.n == end.count


def note_something(node: Node) -> None:
    """Let a node's access log grow."""
    with node.store.write() as transaction:
        append_entry(transaction, node.note_access(Action.CONSULTATION, "test", "to make it grow"))


def test_a_head_is_taken_by_the_broker(gb: Node) -> None:
    note_something(gb)
    sign_access_log_head(gb)
    submit_due(gb, STATUS_ROUTES)
    with gb.store.read() as snapshot:
        done = list_dispatches(snapshot, DispatchState.DONE)
    assert DispatchKind.ACCESS_LOG_HEAD in {item.kind for item in done}


def test_a_refused_status_is_tried_again_since_its_chain_needs_it(gb: Node) -> None:
    digest = digest_status(sign_status(gb, "VN").canonical())
    ahead = RefusedError("it lies ahead", RefusalDetails("wrong-time", 422, (), "time"))
    with tampered(gb, Refusing(STATUSES_PATH, ahead)):
        assert submit_due(gb, STATUS_ROUTES).refused[digest].code == "wrong-time"
    with gb.store.read() as snapshot:
        waiting = {item.digest: item.problem for item in list_dispatches(snapshot)}
    assert waiting[digest] == Problem("wrong-time", "it lies ahead")
    set_clock(gb, timedelta(minutes=11))
    assert digest in {item.digest for item in list_due(gb)}


def test_what_a_later_status_or_head_has_overtaken_is_handed_in_no_more(
    gb: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agency_client.statuses.signing.HEAD_EVERY", timedelta(days=-1))
    ahead = RefusedError("it lies ahead", RefusalDetails("wrong-time", 422, (), "time"))
    submit_due(gb, STATUS_ROUTES)
    sign_both(gb)
    with tampered(gb, Refusing(STATUSES_PATH, ahead), Refusing(ACCESS_LOG_HEADS_PATH, ahead)):
        overtaken = set(submit_due(gb, STATUS_ROUTES).refused)
    put_off(gb, overtaken, until=gb.clock.now() + timedelta(minutes=10))
    sign_both(gb)
    assert len(overtaken) == len(submit_due(gb, STATUS_ROUTES).logged) == 2
    with gb.store.read() as snapshot:
        assert overtaken.isdisjoint(item.digest for item in list_dispatches(snapshot))


def sign_both(node: Node) -> None:
    """Sign a status for VN and the head of the access log."""
    note_something(node)
    sign_status(node, "VN")
    assert sign_access_log_head(node)


def put_off(node: Node, digests: Iterable[str], *, until: datetime) -> None:
    """Let documents wait until a moment, as after many attempts."""
    with node.store.write() as transaction:
        for digest in digests:
            problem = Problem("wrong-time", "it lies ahead")
            record_dispatch_failed(transaction, digest, problem, at=node.clock.now(), next_attempt_at=until)


def list_due(node: Node) -> list[Dispatch]:
    """Return the documents that are due."""
    with node.store.read() as snapshot:
        return list_due_dispatches(snapshot, now=node.clock.now())


def test_what_waits_is_signed_again_by_the_receipt_key_that_took_the_place_of_its_own(gb: Node) -> None:
    submit_due(gb, STATUS_ROUTES)
    digest = digest_status(sign_status(gb, "VN").canonical())
    install_next_key_set(gb)
    with gb.store.read() as snapshot:
        next_set = load_own_key_sets(snapshot, gb.agency)[-1]
    reconnect(gb)
    publish_queued(gb, next_set.digest)
    assert digest in submit_due(gb, STATUS_ROUTES).refused
    assert digest in submit_due(gb, STATUS_ROUTES).logged


def test_a_clock_that_was_set_back_makes_no_status_older_than_the_one_before(gb: Node) -> None:
    set_clock(gb, timedelta(hours=1))
    ahead = sign_status(gb, "VN")
    set_clock(gb, timedelta())
    assert sign_status(gb, "VN").time == ahead.time


def test_a_suspension_is_spoken_of_as_soon_as_the_log_has_it(gb: Node, vn: Node) -> None:
    terms = agree(gb, vn, "suspended at once")
    submit_due(vn, STATUS_ROUTES)
    submit_step(vn, suspend(vn, terms.id, reason="the desk does not answer").digest)
    with vn.store.read() as snapshot:
        assert [(due.partner, due.reason) for due in list_due_statuses(snapshot)] == [
            ("GB", f"suspend of agreement {terms.id}")
        ]
    announce_narrowing(vn)
    pull_statuses(gb)
    heads = {head.agreement: head.party_seq for head in read(load_stored(gb)).chains}
    assert heads[terms.id] == 2


def test_a_suspension_that_the_exchange_will_not_take_is_spoken_of_all_the_same(gb: Node, vn: Node) -> None:
    terms = agree(gb, vn, "suspended past the exchange")
    step = suspend(vn, terms.id, reason="the desk does not answer")
    with tampered(vn, LostRequest(STEPS_PATH)), pytest.raises(OfflineError):
        submit_step(vn, step.digest)
    announce_narrowing(vn)
    assert "step-hidden" in {alarm.code for alarm in pull_statuses(gb).alarms}
    with gb.store.read() as snapshot:
        assert terms.id in list_hidden_agreements(snapshot, "VN"), "nothing passes under it until the step has come"
    retry_steps(vn)
    pull_steps(gb)
    announce_narrowing(vn)
    pull_statuses(gb)
    with gb.store.read() as snapshot:
        assert terms.id not in list_hidden_agreements(snapshot, "VN")


def retry_steps(node: Node) -> None:
    """Hand in what waits in the queue of documents now."""
    with node.store.write() as transaction:
        retry_documents_now(transaction, at=node.clock.now())
    assert submit_due_steps(node).logged


def test_a_revocation_asks_for_a_status_for_everybody_before_the_log_has_it(gb: Node, vn: Node) -> None:
    with vn.store.write() as transaction:
        request_everywhere(vn, transaction, "revoked: test")
    assert find_due(vn) == ["GB"]
    announce_narrowing(vn)
    assert find_due(vn) == []


def find_due(node: Node) -> list[str]:
    """Return the partners for which something asked for a status."""
    with node.store.read() as snapshot:
        return [due.partner for due in list_due_statuses(snapshot)]


def test_what_cannot_be_announced_now_stays_due_or_queued(vn: Node) -> None:
    with vn.store.write() as transaction:
        request_status(transaction, "GB", reason="test", at=vn.clock.now())
    with tampered(vn, LostRequest(STATUSES_PATH)):
        announce_narrowing(vn)
    with vn.store.read() as snapshot:
        assert DispatchKind.STATUS in [item.kind for item in list_dispatches(snapshot)]
    with vn.store.write() as transaction:
        assert retry_documents_now(transaction, at=vn.clock.now()) >= 1
    assert submit_due(vn, STATUS_ROUTES).logged


def test_what_is_due_is_work_for_the_thread_that_waits_for_nothing(vn: Node) -> None:
    run_round(vn, _OUTGOING)
    assert not _has_work(vn)
    with vn.store.write() as transaction:
        request_status(transaction, "GB", reason="suspended by another process", at=vn.clock.now())
    assert _has_work(vn)
    (announced,) = [stage for stage in run_round(vn, _OUTGOING).stages if stage.stage == "announcing"]
    assert announced.counts == {"signed": 1, "handed_in": 1}
    assert not _has_work(vn)


def make_states(streams: int, voided: int) -> list[StreamState]:
    """Return streams with so many voided numbers each."""
    return [StreamState(b64u_encode(n.to_bytes(16)), voided, tuple(range(1, voided + 1))) for n in range(streams)]


@pytest.mark.parametrize(("streams", "voided"), [(1, 5), (1, 10_000), (100, 3), (3, 4_096), (64, 4_096)])
def test_a_status_has_room_for_the_newest_whatever_was_voided(streams: int, voided: int) -> None:
    told = limit_streams(make_states(streams, voided))
    assert len(told) == min(streams, 64)
    assert told[-1].stream == make_states(streams, 0)[-1].stream
    assert told[-1].voided[-1] == voided
    positions = [StreamPosition(stream=state.stream, last=state.last, voided=state.voided) for state in told]
    assert sum(len(position.canonical()) for position in positions) < MAX_STATUS_BYTES


@pytest.mark.parametrize("count", [0, 1, 256, 257, 400])
def test_a_status_names_the_agreements_that_were_spoken_in_last_and_says_how_many_it_leaves_out(count: int) -> None:
    begin = datetime(2026, 11, 22, tzinfo=UTC)
    heads = [ChainHead(agreement=make_id(("chain", n)), party_seq=1, head="A" * 43) for n in range(count)]
    dated = [(begin + timedelta(seconds=n), head) for n, head in enumerate(heads)]
    named, left_out = limit_chains(reversed(dated))
    assert left_out == max(0, count - 256)
    assert {head.agreement for head in named} == {head.agreement for head in heads[-256:]}
    assert [head.agreement for head in named] == sorted(head.agreement for head in named)


def test_a_partner_is_told_of_agreements_that_a_status_has_no_room_for(gb: Node, vn: Node) -> None:
    status = hand_over(vn)
    assert list(find_unnamed(status)) == []
    ((code, sentence),) = find_unnamed(status.model_copy(update={"chains_left_out": 3}))
    assert (code, sentence) == ("chains-unnamed", "VN has 3 agreements with us that its status has no room to name")
