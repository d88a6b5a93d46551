"""What follows a message up carries no more than the clause of that message allows, and not without end."""

from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.agreements.coverage import ContentFacts
from schemas.agreements.following import MAX_FOLLOW_UPS, FollowUpFacts, judge_correction, judge_follow_up
from schemas.alerts import kind_names, kind_of
from schemas.alerts.base import SpecialCategory
from schemas.markings import HandlingCode, Purpose, Tlp, Urgency
from tests.strategies.agreements import make_clause

AFTERCARE = [name for name in kind_names() if kind_of(name).is_aftercare]
CLAUSE = make_clause(
    highest_marking=Tlp.AMBER_STRICT,
    handling=(HandlingCode.H1,),
    nationalities=("GBR", "VNM"),
    special_categories=(SpecialCategory.BIOMETRIC,),
)
STRICT = make_clause(handling=(HandlingCode.H1,), nationalities=("GBR",), special_categories=None)


def describe(kind: str = "correction", **changes: Any) -> FollowUpFacts:
    """Return a message with nothing against it."""
    return FollowUpFacts(**{"kind": kind, "marking": Tlp.AMBER, "original_marking": Tlp.AMBER} | changes)


def contain(**changes: Any) -> ContentFacts:
    """Return what is inside, with nothing against it."""
    inside: dict[str, Any] = {
        "purpose": Purpose.DATA_QUALITY,
        "handling": frozenset({HandlingCode.H0}),
        "nationalities": frozenset(),
        "urgency": Urgency.ROUTINE,
        "issued_at": datetime(2026, 11, 21, 12, tzinfo=UTC),
    }
    return ContentFacts(**inside | changes)


def judge(facts: FollowUpFacts, content: ContentFacts | None = None, *clauses: Any) -> list[str]:
    return [finding.code for finding in judge_follow_up(clauses or (CLAUSE,), facts, content)]


@pytest.mark.parametrize("kind", AFTERCARE)
def test_what_says_nothing_beyond_its_kind_passes(kind: str) -> None:
    full = contain(
        handling=frozenset({HandlingCode.H0, HandlingCode.H1}),
        nationalities=frozenset({"VNM"}),
        special_categories=frozenset({SpecialCategory.BIOMETRIC}),
    )
    assert judge(describe(kind), contain()) == []
    assert judge(describe(kind), full) == []
    assert judge(describe(kind, original_marking=None)) == [], "a withdrawal may come before its message"


@pytest.mark.parametrize("kind", AFTERCARE)
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"nationalities": frozenset({"VNM", "UTO"})}, "nationality-not-covered"),
        ({"special_categories": frozenset({SpecialCategory.HEALTH})}, "special-category-not-covered"),
        ({"handling": frozenset({HandlingCode.H2})}, "handling-not-covered"),
    ],
)
def test_what_its_message_could_not_have_carried_it_cannot_either(
    kind: str, changes: dict[str, Any], code: str
) -> None:
    assert judge(describe(kind), contain(**changes)) == [code]


def test_the_reason_names_what_is_outside_and_what_was_agreed() -> None:
    full = contain(
        handling=frozenset({HandlingCode.H2}),
        nationalities=frozenset({"UTO", "XXB"}),
        special_categories=frozenset({SpecialCategory.HEALTH}),
    )
    assert [finding.sentence for finding in judge_follow_up((CLAUSE,), describe(), full)] == [
        "handling h2 is not among h1",
        "nationals of UTO, XXB are outside GBR, VNM",
        "special categories health are not among biometric",
    ]
    (finding,) = judge_follow_up((STRICT,), describe(), contain(special_categories=frozenset({SpecialCategory.HEALTH})))
    assert finding.sentence == "special categories health are not among any that were agreed"


def test_a_clause_that_names_no_nationalities_covers_all() -> None:
    anybody = make_clause(nationalities=None)
    assert judge(describe(), contain(nationalities=frozenset({"UTO"})), anybody) == []


def test_one_clause_that_covers_it_is_enough_and_else_the_nearest_says_why() -> None:
    content = contain(
        nationalities=frozenset({"VNM"}),
        special_categories=frozenset({SpecialCategory.BIOMETRIC}),
    )
    assert judge(describe(), content, STRICT, CLAUSE) == []
    assert judge(describe("outcome", marking=Tlp.RED), content, STRICT, CLAUSE) == ["marking-too-high"]


def test_handling_that_its_author_gave_it_elsewhere_is_not_held_against_it() -> None:
    assert judge(describe(), contain(handling=frozenset({HandlingCode.H2}), is_passed_on=True)) == []


@pytest.mark.parametrize("kind", AFTERCARE)
def test_a_notice_is_marked_no_higher_than_its_message_and_the_rest_than_was_agreed(kind: str) -> None:
    above = ["marking-too-high"] if kind_of(kind).acts_by_itself else []
    assert judge(describe(kind, marking=Tlp.AMBER_STRICT)) == above
    assert set(judge(describe(kind, marking=Tlp.RED))) == {"marking-too-high"}
    assert judge(describe(kind, marking=Tlp.GREEN)) == []


@pytest.mark.parametrize("kind", AFTERCARE)
def test_no_attachment_follows_under_no_clause(kind: str) -> None:
    assert judge(describe(kind, attachments=1), None, make_clause(attachments=True)) == ["attachments-not-covered"]


@pytest.mark.parametrize("kind", AFTERCARE)
def test_so_many_of_one_kind_pass_and_no_more(kind: str) -> None:
    assert judge(describe(kind, said_before=MAX_FOLLOW_UPS - 1)) == []
    assert judge(describe(kind, said_before=MAX_FOLLOW_UPS)) == ["follow-ups-exhausted"]
    (finding,) = judge_follow_up((CLAUSE,), describe(kind, said_before=MAX_FOLLOW_UPS))
    assert finding.sentence == f"64 messages of the kind {kind} were sent about the same message: no more are taken"


def test_a_correction_is_held_to_what_it_adds_and_not_to_what_stood_there() -> None:
    before = contain(
        handling=frozenset({HandlingCode.H3}),
        nationalities=frozenset({"UTO"}),
        special_categories=frozenset({SpecialCategory.HEALTH}),
    )
    added = contain(
        handling=frozenset({HandlingCode.H3, HandlingCode.H2}),
        nationalities=frozenset({"UTO", "XXB"}),
        special_categories=frozenset({SpecialCategory.HEALTH, SpecialCategory.RELIGION}),
    )
    assert judge_correction((CLAUSE,), before, before) == ()
    assert judge_correction((CLAUSE,), before, contain()) == ()
    assert [finding.code for finding in judge_correction((CLAUSE,), before, added)] == [
        "handling-not-covered",
        "nationality-not-covered",
        "special-category-not-covered",
    ]
    assert "UTO" not in judge_correction((CLAUSE,), before, added)[1].sentence.partition("are outside")[0]
