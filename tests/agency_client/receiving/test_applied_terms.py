"""What an opened message came under is on record by the day of its leaf, and one more than the quota is noted."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agency_client.local_store.applied import count_received, list_applied, list_excesses
from agency_client.local_store.engine import Store
from agency_client.local_store.inbox import record_received
from agency_client.local_store.migrations import create_store
from agency_client.local_store.suspicions import list_suspicions
from agency_client.receiving.applied_terms import record_applied_terms
from agency_client.receiving.content_rules import AppliedClause, accept_content
from agency_client.receiving.rules import MessageFacts
from schemas.agreements.terms import Terms
from schemas.markings import HandlingCode, Purpose
from schemas.receipts import ReceiptType
from tests.agency_client.local_store.test_inbox import make_message as make_received
from tests.agency_client.receiving.test_rules import ACCEPTED, GB, VN, Agreement, make_facts
from tests.strategies.agreements import make_clause
from tests.support.lying_world import make_ping
from tests.support.messages import make_message

ORIGIN = "exchange.example/1"
RECEIPTS = (ReceiptType.OPENED, ReceiptType.ACTED)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Give an empty store."""
    made = create_store(tmp_path / "store.db", bytes(32))
    yield made
    made.close()


def make_agreement(*, quota: int, beside: int | None = None) -> Agreement:
    """Return an agreement for pings with a quota; `beside`: with a second clause that holds as well."""
    wide: dict[str, Any] = {
        "kinds": ("ping",),
        "purposes": (Purpose.DOCUMENT_INTEGRITY,),
        "handling": (HandlingCode.H0,),
        "receipts": RECEIPTS,
    }
    quotas = [quota] if beside is None else [quota, beside]
    other_way = make_clause("VN", "GB-HO")
    return Agreement(clauses=(other_way, *(make_clause("GB-HO", "VN", **wide, daily_quota=n) for n in quotas))).bind()


def open_ping(
    store: Store, agreement: Agreement, number: int, *, days: int = 0, **alert: Any
) -> tuple[MessageFacts, tuple[AppliedClause, ...]]:
    """Let a ping arrive and be opened, so many days after the first; return its facts and what it came under."""
    members: dict[str, Any] = {"kind": "ping", "alert": make_ping(**alert), "name": number}
    accepted = ACCEPTED + timedelta(days=days)
    facts = make_facts(agreement, message=members, accepted=accepted, now=accepted + timedelta(hours=1))
    message = make_message(GB, VN, agreement=agreement.terms.digest(), **members)
    applied = accept_content(facts, message).applied
    with store.write() as transaction:
        received = make_received(number, sender="GB-HO")
        record_received(transaction, replace(received, digest=facts.sealed.digest))
        record_applied_terms(transaction, facts, applied, origin=ORIGIN)
    return facts, applied


def list_noted(store: Store, facts: MessageFacts) -> list[str]:
    with store.read() as snapshot:
        return [excess.code for excess in list_excesses(snapshot, facts.sealed.digest)]


def test_the_clause_its_place_its_day_and_its_receipts_are_on_record(store: Store) -> None:
    agreement = make_agreement(quota=9)
    facts, _ = open_ping(store, agreement, 1)
    with store.read() as snapshot:
        (row,) = list_applied(snapshot, facts.sealed.digest)
    assert (row.agreement, row.clause, row.accepted_on) == (agreement.terms.digest(), 1, ACCEPTED.date())
    assert row.receipts == ("opened", "acted")
    assert list_noted(store, facts) == []


def test_the_last_of_the_quota_is_fine_and_the_next_is_noted_with_its_leaf(store: Store) -> None:
    agreement = make_agreement(quota=2)
    opened = [open_ping(store, agreement, number)[0] for number in (1, 2, 3)]
    assert [list_noted(store, facts) for facts in opened] == [[], [], ["quota-exceeded"]]
    with store.read() as snapshot:
        (suspicion,) = list_suspicions(snapshot)
        assert count_received(snapshot, "GB-HO", agreement.terms.digest(), ACCEPTED.date()) == 3
    assert (suspicion.code, suspicion.agency, suspicion.origin) == ("quota-exceeded", "GB-HO", ORIGIN)
    assert (suspicion.record, suspicion.leaf_index) == (opened[2].leaf.canonical(), opened[2].leaf.index)
    assert suspicion.sentence == (
        f"GB-HO sent more than the 2 messages agreed for {ACCEPTED:%Y-%m-%d}, and the exchange let them pass"
    )


def test_another_day_has_a_quota_of_its_own(store: Store) -> None:
    agreement = make_agreement(quota=1)
    first, _ = open_ping(store, agreement, 1)
    next_day, _ = open_ping(store, agreement, 2, days=1)
    assert (list_noted(store, first), list_noted(store, next_day)) == ([], [])


def test_of_two_clauses_that_hold_the_wider_quota_counts(store: Store) -> None:
    agreement = make_agreement(quota=1, beside=2)
    opened = [open_ping(store, agreement, number)[0] for number in (1, 2, 3)]
    assert [list_noted(store, facts) for facts in opened] == [[], [], ["quota-exceeded"]]


def test_under_a_version_that_took_the_place_of_the_one_cited_nothing_is_counted(store: Store) -> None:
    agreement = make_agreement(quota=1)
    facts, (applied,) = open_ping(store, agreement, 1)
    newer = Terms(**dict(agreement.terms) | {"version": 2, "supersedes": agreement.terms.digest()})
    with store.write() as transaction:
        record_applied_terms(transaction, facts, (AppliedClause(newer, applied.clause),), origin=ORIGIN)
        rows = list_applied(transaction, facts.sealed.digest)
    assert {row.agreement for row in rows} == {agreement.terms.digest(), newer.digest()}
    assert list_noted(store, facts) == []


def test_a_term_that_was_kept_to_against_the_messages_wish_is_noted_with_its_sentence(store: Store) -> None:
    facts, (applied,) = open_ping(store, make_agreement(quota=9), 1, retain_until="2030-01-01")
    (limit,) = applied.limits
    with store.read() as snapshot:
        (excess,) = list_excesses(snapshot, facts.sealed.digest)
    assert (excess.code, excess.sentence) == ("retention-too-long", limit.sentence)
    assert limit.sentence.startswith("retain_until lies after ")
