"""Corrections applied field by field: what fits is changed, what does not is said, and nothing else moves."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agency_client.aftercare.changing import Correction, apply_corrections
from schemas.alerts import parse_alert
from schemas.alerts.kinds.correction import Change
from tests.schemas.alerts.filled import leaves, load

START = datetime(2026, 11, 21, 12, tzinfo=UTC)
FRAUD = parse_alert(load("document-fraud"))


def correct(*changes: dict[str, Any], number: int = 1) -> Correction:
    """Return a correction of GB with these changes."""
    made = tuple(Change(**change) for change in changes)
    return Correction(f"digest-{number}", "GB", START + timedelta(minutes=number), made)


def read(alert: Any, path: str) -> Any:
    """Return what stands at a path of an alert's wire."""
    value = alert.to_wire()
    for step in path.split("."):
        value = value[int(step)] if step.isdecimal() else value[step]
    return value


def test_a_change_that_fits_is_applied_and_named() -> None:
    path = "details.document.number"
    was = read(FRAUD, path)
    found = apply_corrections(FRAUD, [correct({"field": path, "was": was, "now": "L898902C4"})])
    assert read(found.alert, path) == "L898902C4"
    assert read(FRAUD, path) == was
    (field,) = found.fields
    assert (field.author, field.was, field.now, field.misfit) == ("GB", was, "L898902C4", "")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"field": "details.nonsense", "was": "1", "now": "2"}, "no such field"),
        ({"field": "details.document.number", "was": "never", "now": "2"}, "something else"),
        ({"field": "details.document", "now": "2"}, "further fields"),
        ({"field": "details.fraud_types", "was": "counterfeit", "now": "nonsense"}, "its kind"),
        ({"field": "persons.99.role", "was": "suspect", "now": "victim"}, "no such field"),
        ({"field": "subject", "was": FRAUD.subject}, "its kind"),
        ({"field": "persons.99"}, "no such field"),
    ],
)
def test_what_does_not_fit_is_said_and_changes_nothing(change: dict[str, Any], why: str) -> None:
    found = apply_corrections(FRAUD, [correct(change)])
    assert found.alert == FRAUD
    assert why in found.fields[0].misfit


def test_no_correction_makes_a_message_one_of_another_kind() -> None:
    asked = parse_alert(load("release-request"))
    found = apply_corrections(asked, [correct({"field": "kind", "was": "release-request", "now": "release-inquiry"})])
    assert found.alert == asked
    assert "its kind" in found.fields[0].misfit


def test_a_second_correction_may_speak_of_what_was_said_first_or_of_the_first_correction() -> None:
    path, was = "subject", FRAUD.subject
    first = correct({"field": path, "was": was, "now": "First"})
    for named in (was, "First"):
        second = correct({"field": path, "was": named, "now": "Second"}, number=2)
        found = apply_corrections(FRAUD, [first, second])
        assert found.alert.subject == "Second"
        assert [field.misfit for field in found.fields] == ["", ""]


def test_a_field_may_be_added_and_taken_away() -> None:
    added = apply_corrections(FRAUD, [correct({"field": "review_date", "now": "2027-01-01"})])
    if FRAUD.review_date is None:
        assert added.alert.review_date == "2027-01-01"
    taken = apply_corrections(FRAUD, [correct({"field": "own_reference", "was": FRAUD.own_reference})])
    assert taken.alert.own_reference is None


def test_numbers_truths_and_lists_are_read_as_what_they_were() -> None:
    outcome = parse_alert(load("outcome"))
    usefulness = str(outcome.to_wire()["details"]["usefulness"])
    found = apply_corrections(outcome, [correct({"field": "details.usefulness", "was": usefulness, "now": "1"})])
    assert found.alert.to_wire()["details"]["usefulness"] == 1
    was = ",".join(FRAUD.to_wire()["details"]["fraud_types"])
    listed = apply_corrections(FRAUD, [correct({"field": "details.fraud_types", "was": was, "now": "forgery,pseudo"})])
    assert listed.alert.to_wire()["details"]["fraud_types"] == ["forgery", "pseudo"]


@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(leaves(load("document-fraud")))), st.text(max_size=12), st.text(max_size=12)),
        max_size=3,
    )
)
def test_whatever_is_said_the_result_is_an_alert_of_its_kind(said: list[tuple[str, str, str]]) -> None:
    changes = [Change.model_construct(field=field, was=was, now=now) for field, was, now in said]
    found = apply_corrections(FRAUD, [Correction("d", "GB", START, tuple(changes))])
    assert found.alert.kind == FRAUD.kind
    assert len(found.fields) == len(said)


def test_a_number_read_anew_loses_what_was_found_of_the_former_reading() -> None:
    phone = "details.phones.0.number"
    change = {"field": f"{phone}.as_seen", "was": "+44 7700 900123", "now": "+44 7700 900124"}
    changed = apply_corrections(parse_alert(load("facilitator")), [correct(change)]).alert
    assert read(changed, phone) == {"as_seen": "+44 7700 900124"}


def test_what_no_clause_covers_is_neither_applied_nor_repeated() -> None:
    number = read(FRAUD, "details.document.number")
    changes = (
        {"field": "details.document.number", "was": number, "now": "X1"},
        {"field": "subject", "was": FRAUD.subject, "now": "Another"},
    )
    found = apply_corrections(
        FRAUD, [correct(*changes)], find_outside=lambda alert: "X1 is outside" if "X1" in str(alert.to_wire()) else ""
    )
    outside, covered = found.fields
    assert (outside.now, outside.is_outside) == (None, True)
    assert outside.misfit == "the agreement does not cover what would stand there: X1 is outside"
    assert (covered.now, covered.is_outside, covered.misfit) == ("Another", False, "")
    assert (read(found.alert, "details.document.number"), found.alert.subject) == (number, "Another")
