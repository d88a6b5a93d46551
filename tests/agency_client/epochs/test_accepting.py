"""Accepting a new log: two persons, the same sheet and the same first leaf; refused with the evidence kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest

from agency_client.approvals import list_waiting, refuse_approval
from agency_client.doctor import Level, check_approvals
from agency_client.epochs.accepting import approve_new_log, examine_new_log
from agency_client.epochs.errors import EpochRefusedError, NewLogError
from agency_client.epochs.views import list_accepted_logs
from agency_client.errors import ConflictError, NotFoundError, UsageError
from agency_client.local_store.access_log import AccessFilter, list_entries
from agency_client.local_store.contradictions import list_contradictions
from agency_client.local_store.settings import clear_restored, mark_restored
from agency_client.local_store.suspicions import list_suspicions
from agency_client.local_store.trust import load_exchange, load_origin
from agency_client.node import Node
from agency_client.profiles.joining import AcceptedSheet
from agency_client.refusals import NotSentError
from agency_client.syncing.rounds import LOG, RETENTION, run_round, sync_log
from agency_client.terminal.exit_codes import ExitCode
from agency_client.witness.observer import LogError
from schemas.api import CONSISTENCY_PATH, LEAVES_PATH
from schemas.codec import b64u_encode
from schemas.key_documents import ExchangeSheet, compute_exchange_anchor
from schemas.log.records import RecordType
from tests.support.lying_exchange import LyingExchange
from tests.support.lying_world import LyingWorld
from tests.support.new_log import accept_by, begin_new_log, see_head, turn_to


@pytest.fixture
def gb(world: LyingWorld) -> Node:
    return world["GB"]


@contextmanager
def undone(exchange: LyingExchange) -> Iterator[LyingExchange]:
    """Let the exchange be what it was, after a test that made it begin what nobody accepts."""
    before = {item.name: getattr(exchange, item.name) for item in fields(exchange)} | {"sheet": exchange.sheet}
    try:
        yield exchange
    finally:
        for name, value in before.items():
            setattr(exchange, name, value)
        exchange.tamper.clear()


def take_sheet(sheet: ExchangeSheet) -> AcceptedSheet:
    return AcceptedSheet(sheet, compute_exchange_anchor(sheet))


def read_origin(node: Node) -> str | None:
    with node.store.read() as snapshot:
        return load_origin(snapshot)


def test_a_log_that_nobody_accepted_is_told_in_words_and_nothing_is_sent(world: LyingWorld, gb: Node) -> None:
    with undone(world.exchange):
        begin_new_log(world.exchange)
        with pytest.raises(NewLogError, match=r"has begun a new log.*Nothing is sent, and all of it is kept") as told:
            sync_log(gb)
        assert "agency exchange accept SHEET" in told.value.fix
        report = run_round(gb)
    last = report.stages[-1]
    assert (last.stage, last.exit_code) == (LOG.name, ExitCode.OFFLINE_QUEUED)
    assert {stage.stage for stage in report.stages[:-1]} == {RETENTION.name}, "it asks the exchange nothing"


def test_another_exchange_or_an_earlier_log_is_no_new_one(world: LyingWorld, gb: Node) -> None:
    with undone(world.exchange) as exchange:
        exchange.sheet = exchange.sheet.model_copy(update={"origin": "other.example/7"})
        with pytest.raises(LogError, match="not one of"):
            sync_log(gb)


def test_two_persons_begin_it_and_one_of_them_twice_does_not(world: LyingWorld, gb: Node) -> None:
    before = gb.sheet.origin
    sheet = begin_new_log(world.exchange)
    assert not accept_by(gb, sheet, ("a.eriksson", "A. Eriksson")).is_begun
    assert read_origin(gb) == before
    (waiting,) = list_waiting(gb)
    assert (waiting.officer, waiting.what) == ("a.eriksson", f"{before} gives way to {sheet.origin}")
    begun = accept_by(gb, sheet, ("b.jansen",), reason="compared aloud")
    assert begun.is_begun
    assert [item.officer for item in begun.approvals] == ["a.eriksson", "b.jansen"]
    assert read_origin(gb) == sheet.origin
    assert gb.profile.exchange_path.read_bytes() == sheet.canonical()
    assert list_waiting(gb) == []
    turn_to(gb, sheet)
    accept_by(world["VN"], sheet, ("c.olsen", "d.berg"))
    turn_to(world["VN"], sheet)
    with gb.store.read() as snapshot:
        entries = list_entries(snapshot, AccessFilter(officer="b.jansen"))
        accepted, old = load_exchange(snapshot), load_exchange(snapshot, before)
    assert [(entry.verb, entry.reason) for entry in entries] == [
        ("exchange-accept", f"{sheet.origin} counts from now on, approved by a.eriksson and b.jansen"),
        ("exchange-approve", "compared aloud"),
    ]
    assert accepted is not None
    assert old is not None
    assert (accepted.accepted_by, accepted.opening is not None) == ("a.eriksson and b.jansen", True)
    assert accepted.opened_at == world.exchange.records[0].record.time.replace(microsecond=0)
    assert old.retired_at is not None
    assert [log.accepted.origin for log in list_accepted_logs(gb)][-2:] == [before, sheet.origin]
    assert sync_log(gb).counts["leaves"] == len(world.exchange.records)


def test_after_a_day_the_first_approval_counts_no_more(world: LyingWorld, gb: Node) -> None:
    with undone(world.exchange) as exchange:
        sheet = begin_new_log(exchange)
        accept_by(gb, sheet, ("a.eriksson",))
        world.clock.ahead += timedelta(hours=24)
        assert not accept_by(gb, sheet, ("b.jansen",)).is_begun
        world.clock.ahead += timedelta(hours=24)
    assert list_waiting(gb) == []


def test_what_was_refused_must_be_approved_anew(world: LyingWorld, gb: Node) -> None:
    with undone(world.exchange) as exchange:
        sheet = begin_new_log(exchange)
        accept_by(gb, sheet, ("a.eriksson",))
        refused = refuse_approval(gb, list_waiting(gb)[0].id, "the paper came by post")
        assert refused.officer == "a.eriksson"
        assert not accept_by(gb, sheet, ("b.jansen",)).is_begun
        refuse_approval(gb, list_waiting(gb)[0].id, "the same")
        with pytest.raises(NotFoundError):
            refuse_approval(gb, refused.id, "again")


def test_two_approvals_are_of_the_same_first_leaf(world: LyingWorld, gb: Node) -> None:
    with undone(world.exchange) as exchange:
        sheet, committed = begin_new_log(exchange), see_head(exchange)
        accept_by(gb, sheet, ("a.eriksson",))
    with undone(world.exchange) as exchange:
        assert begin_new_log(exchange, committed.model_copy(update={"origin": gb.sheet.origin, "size": 500})) == sheet
        assert not accept_by(gb, sheet, ("b.jansen",)).is_begun
    for item in list_waiting(gb):
        refuse_approval(gb, item.id, "another history")


def test_an_approval_says_why(world: LyingWorld, gb: Node) -> None:
    with undone(world.exchange) as exchange:
        sheet = begin_new_log(exchange)
        with pytest.raises(UsageError, match="reason"):
            accept_by(gb, sheet, ("a.eriksson",), reason=" ")
    assert list_waiting(gb) == []


def test_less_than_was_seen_is_refused_and_kept_for_a_person(world: LyingWorld, gb: Node) -> None:
    with undone(world.exchange) as exchange:
        seen = len(exchange.records)
        sheet = begin_new_log(exchange, see_head(exchange, seen - 3))
        with pytest.raises(EpochRefusedError, match=rf"commits to {seen - 3} leaves.*signature over {seen}"):
            examine_new_log(gb, take_sheet(sheet))
        opening = exchange.records[0]
    with gb.store.read() as snapshot:
        (found,) = [item for item in list_suspicions(snapshot) if item.origin == sheet.origin]
    assert (found.code, found.record) == ("epoch-behind", opening.canonical())
    assert read_origin(gb) == gb.sheet.origin


def test_another_history_of_the_same_size_is_kept_as_a_proof(world: LyingWorld, gb: Node) -> None:
    with undone(world.exchange) as exchange:
        forked = see_head(exchange).model_copy(update={"root": b64u_encode(bytes(32))})
        with pytest.raises(EpochRefusedError) as refused:
            examine_new_log(gb, take_sheet(begin_new_log(exchange, forked)))
    assert refused.value.code == "epoch-forked"
    with gb.store.write() as transaction:
        (proof,) = list_contradictions(transaction)
        assert proof.signer == gb.sheet.origin
        transaction.execute("DELETE FROM contradiction")


def test_the_first_leaf_is_proven_and_not_taken_on_trust(world: LyingWorld, gb: Node) -> None:
    def show_another(answer: Any) -> Any:
        (leaf,) = answer.leaves
        record = leaf.record.model_copy(update={"checkpoint": see_head(world.exchange, 1)})
        return answer.model_copy(update={"leaves": (leaf.model_copy(update={"record": record}),)})

    with undone(world.exchange) as exchange:
        sheet = begin_new_log(exchange)
        for path, lie in (
            (LEAVES_PATH, show_another),
            (CONSISTENCY_PATH, lambda answer: answer.model_copy(update={"proof": ()})),
        ):
            exchange.tamper[path] = lie
            with pytest.raises(LogError, match="first leaf"):
                examine_new_log(gb, take_sheet(sheet))
            exchange.tamper.clear()


def test_a_sheet_with_other_keys_than_the_exchange_signs_with_is_refused(world: LyingWorld, gb: Node) -> None:
    with undone(world.exchange) as exchange:
        sheet = begin_new_log(exchange)
        keys = sheet.log_keys.model_copy(update={"ed25519": gb.own_key_set().key_set.keys[0].keys[0].jwk})
        with pytest.raises(LogError, match="not one of"):
            examine_new_log(gb, take_sheet(sheet.model_copy(update={"log_keys": keys})))


def test_an_exchange_that_has_not_begun_it_yet_is_told_so(world: LyingWorld, gb: Node) -> None:
    early = gb.sheet.model_copy(update={"origin": f"{gb.exchange}/99"})
    with pytest.raises(EpochRefusedError, match=f"answers under {gb.sheet.origin}"):
        examine_new_log(gb, take_sheet(early))


def test_a_record_that_opens_nothing_is_no_beginning(world: LyingWorld, gb: Node) -> None:
    with undone(world.exchange) as exchange:
        sheet = begin_new_log(exchange)
        exchange.records, exchange.tree = [], type(exchange.tree)()
        exchange.append(RecordType.OPERATOR_ACTION, (), detail="carried over")
        with pytest.raises(EpochRefusedError) as refused:
            examine_new_log(gb, take_sheet(sheet))
    assert refused.value.code == "no-opening"


def test_nothing_is_begun_on_what_was_seen_meanwhile(world: LyingWorld, gb: Node) -> None:
    with undone(world.exchange) as exchange:
        proposed = examine_new_log(gb, take_sheet(begin_new_log(exchange)))
    world.exchange.append(RecordType.OPERATOR_ACTION, (), detail="the old log went on")
    sync_log(gb)
    with pytest.raises(ConflictError, match="newer head"):
        approve_new_log(gb, proposed, "paper compared")


def test_offline_nothing_is_approved(world: LyingWorld, gb: Node) -> None:
    def fail(answer: Any) -> Any:
        raise NotSentError("away")

    with undone(world.exchange) as exchange:
        sheet = begin_new_log(exchange)
        exchange.tamper[LEAVES_PATH] = fail
        with pytest.raises(NotSentError):
            accept_by(gb, sheet, ("a.eriksson",))
    assert list_waiting(gb) == []


def test_a_node_that_was_restored_is_told_what_nobody_can_tell_it(world: LyingWorld, gb: Node) -> None:
    with undone(world.exchange) as exchange:
        sheet = begin_new_log(exchange)
        with gb.store.write() as transaction:
            mark_restored(transaction, backup="b", at=gb.clock.now())
        told = examine_new_log(gb, take_sheet(sheet)).judgement.sentences
        with gb.store.write() as transaction:
            clear_restored(transaction)
        assert len(examine_new_log(gb, take_sheet(sheet)).judgement.sentences) == 1
    assert "was restored from a backup" in told[-1]


def test_the_doctor_shows_what_waits_for_a_second_officer(world: LyingWorld, gb: Node) -> None:
    with undone(world.exchange) as exchange:
        sheet = begin_new_log(exchange)
        accept_by(gb, sheet, ("a.eriksson",))
    (found,) = check_approvals(gb)
    assert (found.level, "approved by a.eriksson" in found.sentence) == (Level.WARN, True)
    refuse_approval(gb, list_waiting(gb)[0].id, "only a test")
    assert list(check_approvals(gb)) == []
