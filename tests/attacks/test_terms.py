"""Every term of an agreement bites on every side that can see it, and at the recipient though the others look away.

The sender's client is modified (`push_past_client`), the exchange hostile (`let-through`): what one of them alone
would stop is stopped by the next.
"""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from agency_client.local_store.applied import list_excesses
from agency_client.local_store.content import list_content_ends
from agency_client.local_store.inbox import InboxMessage
from agency_client.local_store.outbox import OutboxState
from agency_client.local_store.sent import list_facts
from agency_client.local_store.suspicions import list_suspicions
from agency_client.reading.messages import ReadMessage, read_message
from agency_client.sending.flow import SendReport, plan_alert, push_past_client, send_alert
from agency_client.sending.seal import SealedLeg
from schemas.agreements.terms import Clause, Terms
from schemas.receipts import ReceiptType
from tests.attacks.arena import GB, VN, Arena, demand_unseen
from tests.attacks.terms_table import BROKEN_TERMS, BrokenTerm, make_breaking_draft
from tests.support.nodes import make_wide_clause

SEEN_BY_THE_BROKER = [broken for broken in BROKEN_TERMS if broken.broker is not None]

ARRIVAL = (ReceiptType.HANDED_OVER, ReceiptType.VERIFIED)
REFUSED_BY_THE_RECIPIENT = [broken for broken in BROKEN_TERMS if broken.state != "opened"]
"""The others are limits that the recipient keeps to by itself: each has a test of its own below."""


@dataclass
class Passed:
    """What came of every broken term: the agreement, the messages pushed past an honest broker and past a blind one."""

    terms: dict[str, Terms] = field(default_factory=dict)
    stopped: dict[str, list[SendReport]] = field(default_factory=dict)
    legs: dict[str, SealedLeg] = field(default_factory=dict)


def push(arena: Arena, broken: BrokenTerm, terms: Terms, numbers: range) -> list[SendReport]:
    """Let GB's modified client send messages that break a term."""
    now = arena.clock.now()
    drafts = [make_breaking_draft(broken, terms.digest(), number, now) for number in numbers]
    return [push_past_client(arena[GB], draft) for draft in drafts]


@pytest.fixture(scope="module")
def passed(hostile_arena: Arena) -> Passed:
    """Break every term, first before an honest broker where it can see it, then before one that looks away."""
    arena, made = hostile_arena, Passed()
    stay_within_a_day(arena)
    for broken in BROKEN_TERMS:
        made.terms[broken.term] = arena.agree(GB, VN, f"broken {broken.term}", **make_changes(broken))
        if broken.broker is not None:
            made.stopped[broken.term] = push(arena, broken, made.terms[broken.term], range(broken.messages))
    with arena.lying("let-through"):
        for broken in BROKEN_TERMS:
            reports = push(arena, broken, made.terms[broken.term], range(9, 9 + broken.messages))
            made.legs[broken.term] = reports[-1].legs[0]
        arena.sync(VN)
    arena.sync(VN)
    arena.sync(GB)
    return made


def stay_within_a_day(arena: Arena) -> None:
    """Let both clocks pass a midnight (UTC) that is near: a quota is counted by the day."""
    now = arena.clock.now()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    if midnight - now < timedelta(minutes=10):
        arena.clock.ahead += timedelta(minutes=11)
        arena.exchange.move_clock(arena.clock.ahead.total_seconds())


def make_changes(broken: BrokenTerm) -> dict[str, object]:
    """Return the agreement's terms that the message breaks."""
    clauses: tuple[Clause, ...] = (make_wide_clause(GB, VN, **broken.clause), make_wide_clause(VN, GB))
    return {"clauses": clauses, **broken.terms}


@pytest.mark.parametrize("broken", BROKEN_TERMS, ids=lambda broken: broken.term)
def test_the_senders_client_refuses_before_sealing(hostile_arena: Arena, passed: Passed, broken: BrokenTerm) -> None:
    draft = make_breaking_draft(broken, passed.terms[broken.term].digest(), 5, hostile_arena.clock.now())
    (recipient,) = plan_alert(hostile_arena[GB], draft).recipients
    assert [finding.code for option in recipient.options for finding in option.findings] == [broken.code]
    assert not recipient.is_allowed


@pytest.mark.parametrize("broken", SEEN_BY_THE_BROKER, ids=lambda broken: broken.term)
def test_an_honest_broker_refuses_what_it_can_see_from_a_modified_client(passed: Passed, broken: BrokenTerm) -> None:
    *allowed, last = passed.stopped[broken.term]
    assert [item.items[0].state for item in allowed] == [OutboxState.TAKEN] * len(allowed)
    assert last.items[0].state is OutboxState.REFUSED
    assert last.items[0].problem is not None
    assert last.items[0].problem.code == broken.broker


@pytest.mark.parametrize("broken", REFUSED_BY_THE_RECIPIENT, ids=lambda broken: broken.term)
def test_the_recipients_client_refuses_what_a_broker_let_through_and_signs_why(
    hostile_arena: Arena, passed: Passed, broken: BrokenTerm
) -> None:
    found = find(hostile_arena, passed, broken)
    assert (found.state.value, found.problem and found.problem.code) == (broken.state, broken.code)
    demand_unseen(hostile_arena, VN, found.digest, found.message_id)
    assert (broken.state, broken.code) in list_signed(hostile_arena, passed, broken)


def find(arena: Arena, passed: Passed, broken: BrokenTerm) -> InboxMessage:
    return arena.load(VN, passed.legs[broken.term].digest)


def list_signed(arena: Arena, passed: Passed, broken: BrokenTerm) -> set[tuple[str, str]]:
    """Return what the recipient has signed of a message, with its reasons, as the sender's store holds it."""
    with arena[GB].store.read() as snapshot:
        facts = list_facts(snapshot, passed.legs[broken.term].message_id, VN)
    return {(fact.fact.value, fact.reason) for fact in facts if fact.evidence}


def find_broken(term: str) -> BrokenTerm:
    return next(broken for broken in BROKEN_TERMS if broken.term == term)


def list_noted(arena: Arena, digest: str) -> list[str]:
    with arena[VN].store.read() as snapshot:
        return [excess.code for excess in list_excesses(snapshot, digest)]


def test_no_answer_is_owed_sooner_than_agreed_whatever_the_message_asks(hostile_arena: Arena, passed: Passed) -> None:
    found = find(hostile_arena, passed, find_broken("answer_within"))
    assert found.reply_due is not None
    assert found.reply_due - found.issued_at >= timedelta(minutes=480)
    assert list_noted(hostile_arena, found.digest) == ["reply-due-too-soon"]


def test_nothing_is_kept_longer_than_agreed_whatever_the_message_asks(hostile_arena: Arena, passed: Passed) -> None:
    found = find(hostile_arena, passed, find_broken("retention_days"))
    with hostile_arena[VN].store.read() as snapshot:
        ends = list_content_ends(snapshot, until=hostile_arena.clock.now() + timedelta(days=31))
    assert found.opened_at is not None
    assert [end.ends_at <= found.opened_at + timedelta(days=30) for end in ends if end.digest == found.digest] == [True]
    assert list_noted(hostile_arena, found.digest) == ["retention-too-long"]


def test_one_message_more_than_the_quota_is_shown_and_the_exchange_suspected(
    hostile_arena: Arena, passed: Passed
) -> None:
    found = find(hostile_arena, passed, find_broken("daily_quota"))
    assert found.state.value == "opened"
    assert list_noted(hostile_arena, found.digest) == ["quota-exceeded"]
    with hostile_arena[VN].store.read() as snapshot:
        suspicions = [item for item in list_suspicions(snapshot, GB) if item.code == "quota-exceeded"]
    assert "more than the 1 messages agreed" in suspicions[0].sentence


def test_an_opened_receipt_is_signed_where_the_clause_demands_it_and_nowhere_else(hostile_arena: Arena) -> None:
    arena = hostile_arena
    signed = {}
    for number, receipts in enumerate(((*ARRIVAL, ReceiptType.OPENED), ARRIVAL)):
        clauses = (make_wide_clause(GB, VN, receipts=receipts), make_wide_clause(VN, GB))
        terms = arena.agree(GB, VN, f"receipts {number}", clauses=clauses)
        draft = make_breaking_draft(BrokenTerm("receipts", ""), terms.digest(), number, arena.clock.now())
        (leg,) = send_alert(arena[GB], draft).legs
        arena.sync(VN)
        assert isinstance(read_message(arena[VN], leg.message_id, reason="to see"), ReadMessage)
        arena.sync(VN)
        arena.sync(GB)
        with arena[GB].store.read() as snapshot:
            signed[number] = {fact.fact.value for fact in list_facts(snapshot, leg.message_id, VN)}
    assert signed[0] - signed[1] == {"opened"}
    assert {"handed-over", "verified"} <= signed[1]
