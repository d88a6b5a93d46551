"""A run erases what a dry run named, no more and no less; senders are told, and late words find their message."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agency_client.errors import NotFoundError, UsageError
from agency_client.local_store.access_chain import AccessEntry, verify_chain
from agency_client.local_store.access_log import (
    AccessFilter,
    SignedHead,
    find_chain_end,
    iterate_lines,
    list_entries,
    record_signed_head,
)
from agency_client.local_store.agreements import Draft, list_drafts, save_draft
from agency_client.local_store.content import has_content
from agency_client.local_store.evidence_terms import find_term
from agency_client.local_store.inbox import InboxState
from agency_client.local_store.outbox import load_item
from agency_client.local_store.receipts import list_receipts
from agency_client.local_store.sent import load_message
from agency_client.node import Node
from agency_client.reading.messages import read_message
from agency_client.receiving.own_receipts import sign_owed_receipts
from agency_client.retention.rules import Ending, Part, Plan
from agency_client.retention.running import list_endings, plan_retention, run_retention, set_log_days
from agency_client.sending.flow import send_alert
from agency_client.witness.observer import hash_logged_record
from keys.sealing import SealedMessage
from schemas.log.records import Action
from tests.support.drafts import make_draft
from tests.support.lying_world import LyingWorld, lying_world, make_aftercare, make_ping, refer_to
from tests.support.nodes import make_wide_clause
from tests.support.signed_time import hear_the_time

RETENTION_DAYS, EVIDENCE_DAYS = 20, 60


@pytest.fixture(scope="module")
def two_agencies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LyingWorld]:
    """GB and VN of this module alone: its clock runs ahead by months, which no other test need know of."""
    with lying_world(tmp_path_factory.mktemp("world"), "GB", "VN") as made:
        yield made


@pytest.fixture
def short_terms(world: LyingWorld, request: pytest.FixtureRequest) -> Any:
    """An agreement under which content is kept for twenty days and evidence for sixty."""
    return agree_on_short_terms(world, request.node.name)


@pytest.fixture(autouse=True)
def _nothing_is_left_over(world: LyingWorld) -> Iterator[None]:
    yield
    for node in world.nodes.values():
        with node.store.write() as transaction:
            transaction.execute("DELETE FROM content")
            transaction.execute("UPDATE inbox_message SET envelope = NULL WHERE state <> 'new'")
            transaction.execute("UPDATE evidence_term SET ended_at = 1")


def agree_on_short_terms(world: LyingWorld, name: str) -> Any:
    """Bring an agreement with these terms into force."""
    days = {"retention_days": RETENTION_DAYS, "evidence_days": EVIDENCE_DAYS}
    clauses = (make_wide_clause("GB", "VN", **days), make_wide_clause("VN", "GB", **days))
    return world.agree("GB", "VN", name, clauses=clauses)


def receive_one(world: LyingWorld, terms: Any, **changes: Any) -> SealedMessage:
    """Let VN receive a message of GB."""
    sealed = world.craft("GB", "VN", terms, **changes)
    world.deliver(sealed, "VN")
    world.collect("VN")
    return sealed


def move(world: LyingWorld, ahead: timedelta) -> None:
    """Set the clock so far ahead of the host's, and let everybody hear that others have it too."""
    world.clock.ahead = ahead
    hear_the_time(*world.nodes.values())


def pick(plan: Plan, sealed: SealedMessage) -> list[Part]:
    """Return which parts of one message a plan names."""
    return [ending.part for ending in plan.endings if ending.subject == sealed.digest]


def test_what_a_dry_run_names_is_what_a_run_erases(world: LyingWorld, short_terms: Any) -> None:
    vn = world["VN"]
    first, second = (receive_one(world, short_terms) for _ in range(2))
    last_day = world.clock.now().date() + timedelta(days=3)
    early = receive_one(world, short_terms, alert=make_ping(retain_until=last_day.isoformat()))
    move(world, timedelta(days=RETENTION_DAYS, hours=-1))
    assert pick(plan_retention(vn), early) == [Part.CONTENT], "the alert's own end comes first"
    assert pick(plan_retention(vn), first) == []
    move(world, timedelta(days=RETENTION_DAYS, hours=1))
    dry = plan_retention(vn)
    assert plan_retention(vn).endings == dry.endings, "a dry run changes nothing"
    report = run_retention(vn)
    assert report.plan.endings == dry.endings
    assert report.erased == dry.count()
    assert {first.digest, second.digest, early.digest} <= set(dry.list_subjects(Part.CONTENT))
    assert run_retention(vn).plan.endings == ()
    with vn.store.read() as snapshot:
        assert not any(has_content(snapshot, sealed.digest) for sealed in (first, second, early))
        notes = list_entries(snapshot, AccessFilter(message=first.header.id, action=Action.ERASURE))
    assert [(note.verb, note.partner) for note in notes] == [("retention", "GB")]


def test_nothing_of_it_can_be_read_and_the_list_says_so(world: LyingWorld, short_terms: Any) -> None:
    sealed = receive_one(world, short_terms)
    move(world, timedelta(days=RETENTION_DAYS, hours=1))
    run_retention(world["VN"])
    with pytest.raises(NotFoundError) as refused:
        read_message(world["VN"], sealed.header.id, reason="case 74/08")
    assert refused.value.code == "content-erased"
    found = world.look_up("VN", sealed)
    assert found.erased_at is not None
    assert (found.summary, found.state) == (None, InboxState.OPENED)


def test_the_sender_is_told_by_a_signed_receipt_with_the_reason(world: LyingWorld, short_terms: Any) -> None:
    sealed = receive_one(world, short_terms)
    move(world, timedelta(days=RETENTION_DAYS, hours=1))
    run_retention(world["VN"])
    sign_owed_receipts(world["VN"])
    sign_owed_receipts(world["VN"])
    with world["VN"].store.read() as snapshot:
        told = [item for item in list_receipts(snapshot, sealed.digest) if item.type == "erased"]
    assert [subject.reason for item in told for subject in item.subjects if subject.message == sealed.digest] == [
        "retention-ended"
    ]


def test_evidence_stays_for_its_term_and_leaves_its_leaf_hash(world: LyingWorld, short_terms: Any) -> None:
    vn, sealed = world["VN"], receive_one(world, short_terms)
    move(world, timedelta(days=EVIDENCE_DAYS, hours=-1))
    run_retention(vn)
    sign_owed_receipts(vn)
    assert world.look_up("VN", sealed).evidence
    move(world, timedelta(days=EVIDENCE_DAYS, hours=1))
    run_retention(vn)
    found = world.look_up("VN", sealed)
    assert (found.evidence, found.leaf, found.message_id) == (b"", b"", sealed.header.id)
    with vn.store.read() as snapshot:
        term = find_term(snapshot, sealed.digest)
        assert not any(item.document for item in list_receipts(snapshot, sealed.digest))
        for table in ("message_duty", "content_mark", "transfer_record", "subject_reference", "terms_excess"):
            left = snapshot.fetch_value(f"SELECT count(*) FROM {table} WHERE message = ?", sealed.digest)  # noqa: S608
            assert left == 0, f"{table} says of whom or what a message was, and ends with its evidence"
    with pytest.raises(NotFoundError) as refused:
        read_message(vn, sealed.header.id, reason="case 74/08")
    assert refused.value.code == "content-erased"
    assert term is not None
    assert term.leaf_index == found.leaf_index
    assert term.leaf_hash == hash_logged_record(world.exchange.records[found.leaf_index])
    assert term.ended_at is not None


def test_what_could_not_be_opened_loses_its_sealed_bytes_too(world: LyingWorld, short_terms: Any) -> None:
    sealed = world.craft("GB", "VN", short_terms, kind="document-status")
    world.deliver(sealed, "VN")
    assert world.receive("VN", sealed).state is InboxState.UNVERIFIABLE
    assert world.look_up("VN", sealed).envelope is not None
    move(world, timedelta(days=17))
    run_retention(world["VN"])
    found = world.look_up("VN", sealed)
    assert (found.envelope, found.problem and found.problem.code) == (None, "header-mismatch")


def test_what_was_sent_ends_here_too(tmp_path: Path) -> None:
    with lying_world(tmp_path, "GB", "VN") as world:
        gb, terms = world["GB"], agree_on_short_terms(world, "sent")
        (leg,) = send_alert(gb, make_draft("VN", agreement=terms.digest()), deliver=False).legs
        move(world, timedelta(days=RETENTION_DAYS, hours=1))
        due = [ending for ending in plan_retention(gb).endings if ending.subject == leg.digest]
        assert [(ending.part, ending.direction, ending.partner) for ending in due] == [(Part.CONTENT, "out", "VN")]
        run_retention(gb)
        with gb.store.read() as snapshot:
            sent = load_message(snapshot, leg.message_id)
            assert not has_content(snapshot, leg.digest)
            assert load_item(snapshot, leg.message_id).envelope is not None, "it may still be handed in, and refused"
        assert (sent.summary, bool(sent.evidence)) == (None, True)
        move(world, timedelta(days=EVIDENCE_DAYS, hours=1))
        run_retention(gb)
        with gb.store.read() as snapshot:
            sent, item = load_message(snapshot, leg.message_id), load_item(snapshot, leg.message_id)
        assert (sent.evidence, sent.officer, item.envelope) == (b"", "", None)


def test_everything_kept_has_an_end_in_the_list(world: LyingWorld, short_terms: Any) -> None:
    sealed = receive_one(world, short_terms)
    assert sorted(pick(list_endings(world["VN"]), sealed)) == [Part.CONTENT, Part.EVIDENCE]


def test_the_access_log_ends_by_its_own_term_and_its_chain_holds(world: LyingWorld, short_terms: Any) -> None:
    gb = world["GB"]
    with pytest.raises(UsageError, match="365 to 36500 days, not for 364"):
        set_log_days(gb, 364, reason="shorter")
    set_log_days(gb, 365, reason="the data protection officer's decision")
    sign_head(gb)
    with gb.store.read() as snapshot:
        signed = find_chain_end(snapshot)
    assert signed is not None
    move(world, timedelta(days=364))
    assert list_log(plan_retention(gb)) == []
    move(world, timedelta(days=366, hours=1))
    (ending,) = list_log(plan_retention(gb))
    assert (ending.subject, ending.count) == (f"1-{signed.count}", signed.count)
    assert run_retention(gb).erased["access-log"] == signed.count
    with gb.store.read() as snapshot:
        entries, _ = verify_chain(iterate_lines(snapshot), heads={signed.count: signed.head})
        kept = [entry.reason for entry in entries if isinstance(entry, AccessEntry)]
    assert f"the term of the access log ended: entries 1 to {signed.count}" in kept
    assert list_log(plan_retention(gb)) == []


def test_a_draft_that_nobody_touches_ends_after_a_year(world: LyingWorld) -> None:
    gb, now = world["GB"], world.clock.now()
    with gb.store.write() as transaction:
        for name, age in (("old", 366), ("young", 1)):
            save_draft(transaction, Draft(name, b"{}", now - timedelta(days=age), "a.eriksson"))
    hear_the_time(gb)
    assert plan_retention(gb).list_subjects(Part.DRAFT) == ["old"]
    assert run_retention(gb).erased["draft"] == 1
    with gb.store.read() as snapshot:
        assert [draft.name for draft in list_drafts(snapshot)] == ["young"]


def list_log(plan: Plan) -> list[Ending]:
    """Return what a plan says of the access log."""
    return [ending for ending in plan.endings if ending.part is Part.ACCESS_LOG]


def sign_head(node: Node) -> None:
    """Let a head over all entries be on record."""
    with node.store.write() as transaction:
        end = find_chain_end(transaction)
        assert end is not None
        record_signed_head(transaction, SignedHead(end.count, end.head, b"", node.clock.now()))


def test_a_correction_of_an_erased_message_is_still_taken(tmp_path: Path) -> None:
    with lying_world(tmp_path, "GB", "VN") as world:  # one of its own: a log's time never goes back
        terms = agree_on_short_terms(world, "correction")
        sealed = receive_one(world, terms)
        move(world, timedelta(days=RETENTION_DAYS, hours=1))
        run_retention(world["VN"])
        alert = make_aftercare("correction", sealed, world)
        correction = world.craft("GB", "VN", terms, alert=alert, refers_to=refer_to(sealed))
        world.deliver(correction, "VN")
        assert world.receive("VN", correction).state is InboxState.OPENED
