"""What differs between two versions: every field is compared, and what widens is never called narrower."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings

from agency_client.agreements.comparing import Change, Effect, compare_terms
from agency_client.agreements.spelling import spell_field
from schemas.agreements.terms import AnswerDeadline, Clause, OnwardRule, Party, Terms
from schemas.alerts.base import CaveatCode, SpecialCategory
from schemas.codec import hash_text
from schemas.markings import HandlingCode, Purpose, Tlp, Urgency
from schemas.receipts import ReceiptType
from tests.strategies.agreements import GB, MORNING, VN, make_clause, make_terms, terms_between

WIDENS, NARROWS, CHANGES = Effect.WIDENS, Effect.NARROWS, Effect.CHANGES
DAY = timedelta(days=1)

CLAUSE_CASES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"kinds": ("document-fraud",)}, {"kinds": ("document-fraud", "ping")}),
    ({"purposes": (Purpose.SYSTEM_TEST,)}, {"purposes": (Purpose.SYSTEM_TEST, Purpose.DATA_QUALITY)}),
    ({"nationalities": ("GBR",)}, {"nationalities": None}),
    ({"nationalities": ("GBR",)}, {"nationalities": ("GBR", "VNM")}),
    ({"highest_marking": Tlp.GREEN}, {"highest_marking": Tlp.AMBER}),
    ({"handling": (HandlingCode.H0,)}, {"handling": (HandlingCode.H0, HandlingCode.H1)}),
    ({"onward": OnwardRule.FORBIDDEN}, {"onward": OnwardRule.WITH_CONSENT}),
    ({"attachments": False}, {"attachments": True}),
    ({"max_bytes": 1000}, {"max_bytes": 1001}),
    ({"daily_quota": 9}, {"daily_quota": 10}),
    ({"retention_days": 30}, {"retention_days": 31}),
    ({"receipts": (ReceiptType.OPENED, ReceiptType.VERIFIED)}, {"receipts": (ReceiptType.OPENED,)}),
    ({"caveats": (CaveatCode.PROTECT_SOURCE,)}, {"caveats": None}),
    ({"special_categories": None}, {"special_categories": (SpecialCategory.HEALTH,)}),
    ({"conditions": ("Only by trained staff.",)}, {"conditions": None}),
]


def compare_clauses(was: dict[str, Any], now: dict[str, Any]) -> list[Change]:
    old = make_terms(clauses=(make_clause(**was),))
    return list(compare_terms(old, make_terms(clauses=(make_clause(**now),))))


@pytest.mark.parametrize(("was", "now"), CLAUSE_CASES, ids=[next(iter(was)) for was, _ in CLAUSE_CASES])
def test_what_lets_more_through_widens_and_the_way_back_narrows(was: dict[str, Any], now: dict[str, Any]) -> None:
    (change,) = compare_clauses(was, now)
    assert (change.field, change.effect, change.where) == (next(iter(was)), WIDENS, f"clause 1, {GB} to {VN}")
    (back,) = compare_clauses(now, was)
    assert back.effect is NARROWS


def test_one_kind_for_another_widens_for_the_new_one_was_not_agreed() -> None:
    (change,) = compare_clauses({"kinds": ("document-fraud",)}, {"kinds": ("facilitator",)})
    assert change.effect is WIDENS


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ({"evidence_days": 3650}, {"evidence_days": 3000}),
        ({"answer_within": ()}, {"answer_within": (AnswerDeadline(urgency=Urgency.URGENT, minutes=60),)}),
        (
            {"onward": OnwardRule.WITH_CONSENT},
            {"onward": OnwardRule.LISTED, "onward_agencies": ("BE",)},
        ),
    ],
)
def test_what_neither_widens_nor_narrows_is_only_a_change(was: dict[str, Any], now: dict[str, Any]) -> None:
    first, *_ = compare_clauses(was, now)
    assert first.effect is CHANGES


def test_an_exchange_of_caveats_widens_for_one_is_asked_for_no_longer() -> None:
    was, now = {"caveats": (CaveatCode.PROTECT_SOURCE,)}, {"caveats": (CaveatCode.NO_DEATH_PENALTY,)}
    assert [change.effect for change in compare_clauses(was, now)] == [WIDENS]


@pytest.mark.parametrize(
    ("changes", "effect"),
    [
        ({"in_force_until": MORNING + 400 * DAY}, WIDENS),
        ({"in_force_until": MORNING + 300 * DAY}, NARROWS),
        ({"in_force_from": MORNING - DAY}, WIDENS),
        ({"in_force_from": MORNING + DAY}, NARROWS),
        ({"notice_days": 5}, CHANGES),
        ({"review_by": MORNING + 200 * DAY}, CHANGES),
        ({"title": "Another title"}, CHANGES),
        ({"note": "Read this, too."}, CHANGES),
        ({"text_sha256": hash_text("test", b"text")}, CHANGES),
    ],
)
def test_terms_as_a_whole_are_compared_as_well(changes: dict[str, Any], effect: Effect) -> None:
    (change,) = compare_terms(make_terms(), make_terms(**changes))
    assert (change.field, change.effect, change.where) == (next(iter(changes)), effect, "")


def test_another_anchor_is_never_overlooked() -> None:
    parties = (make_terms().parties[0], Party(agency=VN, anchor=hash_text("test", b"another")))
    (change,) = compare_terms(make_terms(), make_terms(parties=parties))
    assert change.field == "parties"
    assert change.was != change.now


def test_a_clause_added_widens_and_one_dropped_narrows() -> None:
    one, other = make_terms(), make_terms()
    words = "Facilitator of smuggling for Prevention and investigation of migrant smuggling"
    more = make_terms(
        clauses=(*one.clauses, make_clause(kinds=("facilitator",), purposes=(Purpose.MIGRANT_SMUGGLING,)))
    )
    (added,) = compare_terms(other, more)
    assert (added.effect, added.was, added.where) == (WIDENS, "", f"clause 3, {GB} to {VN}")
    assert added.sentence == f"clause 3, {GB} to {VN}, clause: new: {words}"
    (dropped,) = compare_terms(more, other)
    assert (dropped.effect, dropped.now, dropped.where) == (NARROWS, "", f"clause 3 of before, {GB} to {VN}")
    assert dropped.sentence == f"clause 3 of before, {GB} to {VN}, clause: no longer: {words}"


def test_clauses_are_compared_with_what_they_go_on_from_in_whatever_order_they_stand() -> None:
    first, second = make_terms().clauses
    turned = make_terms(clauses=(second, make_clause(retention_days=10)))
    (change,) = compare_terms(make_terms(clauses=(first, second)), turned)
    assert (change.where, change.field, change.effect) == (f"clause 2, {GB} to {VN}", "retention_days", NARROWS)
    assert change.sentence == f"clause 2, {GB} to {VN}, retention_days: 365 days becomes 10 days"


def test_a_clause_goes_on_from_the_one_it_shares_most_with() -> None:
    old = [("document-fraud", "ping"), ("facilitator", "document-status")]
    new = [("document-status", "facilitator", "outcome"), ("document-fraud", "outcome", "ping")]
    assert list_shared(old, new, "kinds") == old[::-1]
    one, other, third = Purpose.SYSTEM_TEST, Purpose.DATA_QUALITY, Purpose.MIGRANT_SMUGGLING
    more = Purpose.HUMAN_TRAFFICKING, Purpose.DOCUMENT_INTEGRITY
    assert list_shared([(one, other), more], [(*more, third), (one, other, third)], "purposes") == [more, (one, other)]


def list_shared(old: list[Any], new: list[Any], field: str) -> list[Any]:
    """Return what the clauses of new terms, which differ in one field, are said to have been before."""
    terms = [make_terms(clauses=tuple(make_clause(**{field: value}) for value in values)) for values in (old, new)]
    spelled = {spell_field(field, value): value for value in old}
    return [spelled[change.was] for change in compare_terms(*terms) if change.field == field]


def test_of_clauses_that_are_as_much_alike_a_clause_goes_on_from_the_one_in_its_place() -> None:
    back = make_clause(sender=VN, recipient=GB)
    old = make_terms(clauses=(make_clause(retention_days=10), make_clause(retention_days=20)))
    changes = compare_terms(old, make_terms(clauses=(back, make_clause(retention_days=30))))
    assert [(change.where, change.was, change.effect) for change in changes if change.field != "clause"] == [
        (f"clause 2, {GB} to {VN}", "20 days", WIDENS)
    ]


def test_a_clause_goes_on_from_none_of_the_other_direction() -> None:
    there, back = make_clause(), make_clause(sender=VN, recipient=GB)
    changes = compare_terms(make_terms(clauses=(there,)), make_terms(clauses=(back,)))
    assert [(change.field, change.effect) for change in changes] == [("clause", WIDENS), ("clause", NARROWS)]


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("kinds", ("document-fraud", "ping")),
        ("conditions", ("Only by trained staff.", "Not by telephone.")),
    ],
)
def test_another_order_neither_widens_nor_narrows(field: str, values: tuple[str, ...]) -> None:
    (change,) = compare_clauses({field: values}, {field: values[::-1]})
    assert change.effect is CHANGES


@given(terms_between())
@settings(max_examples=25)
def test_terms_do_not_differ_from_themselves(same: Terms) -> None:
    assert compare_terms(same, same) == ()


@given(terms_between(), terms_between())
@settings(max_examples=25)
def test_no_field_that_differs_is_passed_over(old: Terms, new: Terms) -> None:
    found = {change.field for change in compare_terms(old, new) if change.where == ""}
    named = {"v", "exchange", "id", "version", "supersedes", "clauses"}
    assert found == {name for name in Terms.model_fields if getattr(old, name) != getattr(new, name)} - named
    if sorted(old.clauses, key=Clause.canonical) != sorted(new.clauses, key=Clause.canonical):
        assert any(change.where for change in compare_terms(old, new))
