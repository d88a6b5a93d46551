"""Evidence is kept for the longest term that may have covered it, and as long as an id must stay used."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.retention.rules import find_message_end, find_receipt_end
from tests.strategies.agreements import make_clause, make_terms

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)
TERMS = make_terms(
    "GB",
    "VN",
    clauses=(
        make_clause("GB", "VN", retention_days=1, evidence_days=10),
        make_clause("GB", "VN", retention_days=1, evidence_days=100),
        make_clause("VN", "GB", retention_days=1, evidence_days=900),
    ),
)


@pytest.mark.parametrize(("sender", "recipient", "days"), [("GB", "VN", 100), ("VN", "GB", 900)], ids=str)
def test_the_longest_term_of_the_direction_counts_from_acceptance(sender: str, recipient: str, days: int) -> None:
    assert find_message_end(TERMS, sender, recipient, NOON, NOON + DAY) == NOON + days * DAY


@given(st.integers(0, 30), st.integers(1, 60))
def test_nothing_ends_while_its_id_must_stay_used(deadline_days: int, evidence_days: int) -> None:
    clause = make_clause("GB", "VN", retention_days=1, evidence_days=evidence_days)
    expires_at = NOON + deadline_days * DAY
    end = find_message_end(make_terms("GB", "VN", clauses=(clause,)), "GB", "VN", NOON, expires_at)
    assert end == max(NOON + evidence_days * DAY, expires_at + 7 * DAY)


def test_a_receipt_ends_by_the_longest_term_of_its_two_agencies_and_always() -> None:
    assert find_receipt_end(40, NOON) == NOON + 40 * DAY
    assert find_receipt_end(None, NOON) == NOON + 3650 * DAY
