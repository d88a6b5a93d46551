"""What ends when: at the moment itself, evidence never before its content, and by the longest term of a direction."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agency_client.retention.rules import (
    DEFAULT_LOG_DAYS,
    MAX_LOG_DAYS,
    MIN_LOG_DAYS,
    SEALED_KEPT,
    Ending,
    ErasureCode,
    Part,
    choose_endings,
    find_clock_doubt,
    find_day,
    find_evidence_end,
    list_direction,
    plan_erasure,
)
from tests.strategies.agreements import make_clause, make_terms

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
TERMS = make_terms(
    "GB",
    "VN",
    clauses=(
        make_clause("GB", "VN", retention_days=30, evidence_days=100),
        make_clause("GB", "VN", retention_days=30, evidence_days=400),
        make_clause("VN", "GB", retention_days=30, evidence_days=900),
    ),
)


def ending(subject: str, ends_at: datetime, part: Part = Part.CONTENT, partner: str = "VN") -> Ending:
    """Return something of a message that ends."""
    return Ending(part, subject, ends_at, "in", subject, partner)


def test_a_thing_is_due_at_the_very_second_of_its_end() -> None:
    assert plan_erasure([ending("a", NOON)], NOON).list_subjects(Part.CONTENT) == ["a"]
    assert plan_erasure([ending("a", NOON + SECOND)], NOON).endings == ()


def test_the_longest_overdue_goes_first_and_says_since_when() -> None:
    plan = plan_erasure([ending("b", NOON), ending("a", NOON - DAY, Part.EVIDENCE)], NOON)
    assert [item.subject for item in plan.endings] == ["a", "b"]
    assert plan.oldest == NOON - DAY
    assert plan.count() == {"content": 1, "sealed-bytes": 0, "evidence": 1, "access-log": 0, "draft": 0}
    assert plan_erasure([], NOON).oldest is None


def test_a_plan_names_its_moment_and_what_a_restriction_keeps_past_its_end() -> None:
    kept = replace(ending("a", NOON - DAY), kept_by=("GB",))
    plan = plan_erasure([kept, ending("b", NOON), replace(kept, ends_at=NOON + SECOND)], NOON)
    assert plan.at == NOON
    assert plan.kept == (kept,)
    assert plan.list_subjects(Part.CONTENT) == ["b"]
    assert plan.oldest == NOON


@pytest.mark.parametrize("moment", [NOON.replace(minute=34, second=56, microsecond=789), NOON.replace(hour=0)])
def test_a_day_begins_at_midnight_utc(moment: datetime) -> None:
    assert find_day(moment) == datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sender", "recipient", "days"), [("GB", "VN", 400), ("VN", "GB", 900), ("BE", "GB", 900)], ids=str
)
def test_evidence_is_kept_for_the_longest_term_of_its_direction(sender: str, recipient: str, days: int) -> None:
    assert find_evidence_end(list_direction(TERMS, sender, recipient), NOON, None) == NOON + days * DAY


def test_the_clause_a_message_came_under_counts_alone() -> None:
    assert find_evidence_end(TERMS.clauses[:1], NOON, None) == NOON + 100 * DAY


def test_evidence_under_terms_that_nobody_has_ends_too() -> None:
    assert find_evidence_end((), NOON, None) == NOON + 1825 * DAY


@given(st.integers(0, 36_500), st.integers(0, 3))
def test_evidence_never_ends_before_the_content(days: int, clauses: int) -> None:
    content_until = NOON + days * DAY
    assert find_evidence_end(TERMS.clauses[:clauses], NOON, content_until) >= content_until


def test_a_list_is_filtered_by_part_and_partner() -> None:
    all_of_it = (ending("a", NOON), ending("b", NOON, Part.EVIDENCE), ending("c", NOON, partner="BE"))
    assert choose_endings(all_of_it) == all_of_it
    assert [item.subject for item in choose_endings(all_of_it, part=Part.CONTENT, partner="VN")] == ["a"]


def test_the_terms_that_no_agreement_sets_are_these() -> None:
    assert timedelta(days=7) == SEALED_KEPT
    assert (MIN_LOG_DAYS, DEFAULT_LOG_DAYS, MAX_LOG_DAYS) == (365, 1825, 36_500)


def test_senders_are_told_why_in_these_codes() -> None:
    codes = {"retention-ended", "erased-early", "erased-on-notice", "erased-before-restore"}
    assert {code.value for code in ErasureCode} == codes


def test_a_page_of_the_access_log_counts_its_entries() -> None:
    pages = [Ending(Part.ACCESS_LOG, "1-40", NOON, count=40), Ending(Part.ACCESS_LOG, "41-47", NOON, count=7)]
    assert plan_erasure(pages, NOON).count()["access-log"] == 47
    assert (pages[0].direction, pages[0].message_id, pages[0].partner) == ("", "", "")


@pytest.mark.parametrize(("lead", "is_doubted"), [(-400, False), (0, False), (7, False), (7.1, True), (400, True)])
def test_a_clock_is_doubted_that_leads_all_others_by_more_than_a_week(lead: float, is_doubted: bool) -> None:
    assert bool(find_clock_doubt(NOON + timedelta(days=lead), NOON)) is is_doubted


def test_a_clock_that_nobody_confirms_is_doubted() -> None:
    assert find_clock_doubt(NOON, None).startswith("nothing that others signed says when it is now: nothing is erased")
