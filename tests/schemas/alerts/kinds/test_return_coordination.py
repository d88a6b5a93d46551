"""return-coordination: each step with what belongs to it; nobody returned unfit, alone or against a victim's wish."""

from typing import Any

import pytest

from schemas.alerts import parse_alert
from schemas.alerts.base import SpecialCategory
from schemas.alerts.special import find_special_categories
from tests.schemas.alerts.filled import ABSENT, fields_refused, load, parse_changed

KIND = "return-coordination"
IDENTITY = load(KIND)["details"]["identity"]


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({}, []),
        ({"details.protection_examined": ABSENT}, ["details.protection_examined"]),
        ({"details.protection_examined": False}, ["details.protection_examined"]),
        ({"details.step": "identity-answered", "details.identity": ABSENT}, ["details.identity"]),
        ({"details.identity": {"result": "confirmed"}}, ["details.identity.means"]),
        ({"details.identity": {"result": "not-confirmed"}}, []),
        ({"details.step": "document-issued", "details.travel_document": ABSENT}, ["details.travel_document"]),
        ({"details.journey": ABSENT}, ["details.journey"]),
        ({"details.step": "identity-asked", "details.journey": ABSENT}, []),
        ({"details.step": "carried-out"}, ["details.arrived_at"]),
        ({"details.step": "carried-out", "details.arrived_at": "2026-12-02T21:40:00Z"}, []),
        ({"details.arrived_at": "2026-12-02T21:40:00Z"}, ["details.arrived_at"]),
        ({"details.step": "refused"}, ["details.refusal"]),
        ({"details.step": "refused", "details.refusal": {"ground": "fundamental-rights"}}, []),
        ({"details.refusal": {"ground": "fundamental-rights"}}, ["details.refusal"]),
    ],
)
def test_a_step_stands_with_what_belongs_to_it(changes: dict[str, Any], refused: list[str]) -> None:
    assert fields_refused(KIND, changes) == refused


def test_a_leg_arrives_after_it_departs() -> None:
    early = {"details.journey.0.arrives_at": "2026-12-02T09:00:00Z"}
    assert fields_refused(KIND, early) == ["details.journey.0.arrives_at"]


def test_nobody_unfit_is_put_on_a_journey() -> None:
    unfit = {"details.medical_needs": ["not-fit-to-travel"]}
    assert fields_refused(KIND, unfit) == ["details.medical_needs"]
    assert fields_refused(KIND, unfit | {"details.step": "called-off"}) == []


@pytest.mark.parametrize(("reception", "refused"), [(ABSENT, True), ("nobody", True), ("guardian", False)])
def test_a_minor_alone_is_met(reception: Any, refused: bool) -> None:
    changes = {"details.vulnerabilities": ["unaccompanied-minor"], "details.reception": reception}
    assert fields_refused(KIND, changes) == (["details.reception"] if refused else [])


def test_a_victim_travels_under_no_escort_of_officers() -> None:
    escorted = {"details.type": "victim-repatriation", "details.escorts.officers": 1}
    assert fields_refused(KIND, escorted) == ["details.escorts"]
    assert fields_refused(KIND, escorted | {"details.escorts.officers": 0}) == []


def test_escorts_are_somebody() -> None:
    assert fields_refused(KIND, {"details.escorts.medical": ABSENT}) == ["details.escorts.officers"]


def test_medical_needs_are_data_about_health() -> None:
    found = find_special_categories(parse_alert(load(KIND)))
    assert found[SpecialCategory.HEALTH][0] == "details.medical_needs.0"


def test_persons_and_images_stand_in_the_alert() -> None:
    assert fields_refused(KIND, {"details.with_persons": ["p9"]}) == ["persons"]
    assert fields_refused(KIND, {"attachments": ABSENT}) == ["attachments"]


def test_it_is_found_by_documents_and_flights() -> None:
    assert [item.value for item in parse_alert(load(KIND)).identifiers()] == ["L898902C3", "L0020417", "ZZ0272"]
    bare = {f"details.{name}": ABSENT for name in ("documents_held", "travel_document")}
    assert [item.value for item in parse_changed(KIND, bare).identifiers()] == ["ZZ0272"]
