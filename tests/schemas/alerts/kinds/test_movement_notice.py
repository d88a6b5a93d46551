"""movement-notice: one person, one crossing, and a citizen of one of the two parties."""

from typing import Any

import pytest

from schemas.alerts import parse_alert
from schemas.alerts.kinds.movement_notice import NotACitizenError, verify_nationality
from schemas.alerts.shapes import Identifier, IdentifierType
from tests.schemas.alerts.filled import ABSENT, fields_refused, load, parse_changed

KIND = "movement-notice"


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({}, []),
        ({"details.moved_on": "2026-11"}, ["details.moved_on"]),
        ({"details.moved_at": ABSENT}, ["details.moved_on"]),
        ({"details.moved_at": ABSENT, "details.moved_on": "2026-11"}, []),
        ({"persons": ABSENT}, ["persons"]),
        ({"details.nationality": "WSA"}, ["details.nationality"]),
        ({"details.document": ABSENT}, ["details.document"]),
    ],
)
def test_a_notice_is_about_one_crossing(changes: dict[str, Any], refused: list[str]) -> None:
    assert fields_refused(KIND, changes) == refused


def test_nobody_is_named_beside_the_traveller() -> None:
    both = [*load(KIND)["persons"], {"ref": "p2", "role": "witness"}]
    assert fields_refused(KIND, {"persons": both}) == ["persons"]


@pytest.mark.parametrize("parties", [("UTO", "GBR"), ("GBR", "UTO"), ("UTO", "UTO")])
def test_citizens_of_either_party_are_told_of(parties: tuple[str, str]) -> None:
    verify_nationality(parse_alert(load(KIND)), parties)


@pytest.mark.parametrize(
    ("nationality", "persons", "named"),
    [("VNM", ["VNM"], "Viet Nam"), ("UTO", ["UTO", "FRA"], "France"), ("XXA", ["UTO"], "Stateless")],
)
def test_citizens_of_third_states_are_not_even_as_a_second_nationality(
    nationality: str, persons: list[str], named: str
) -> None:
    alert = parse_changed(KIND, {"details.nationality": nationality, "persons.0.nationalities": persons})
    with pytest.raises(NotACitizenError, match=named) as refusal:
        verify_nationality(alert, ("UTO", "GBR"))
    assert refusal.value.code == "not-a-citizen"


def test_a_british_subject_is_told_of_to_the_united_kingdom() -> None:
    alert = parse_changed(KIND, {"details.nationality": "GBS", "persons.0.nationalities": ["GBS"]})
    verify_nationality(alert, ("UTO", "GBR"))


def test_other_kinds_tell_of_anybody() -> None:
    verify_nationality(parse_alert(load("facilitator")), ("GBR", "BEL"))


def test_it_is_found_by_documents_and_flight() -> None:
    found = parse_alert(load(KIND)).identifiers()
    assert [item.value for item in found] == ["L898902C3", "L8988901C4", "ZZ0271"]
    assert found[-1] == Identifier(IdentifierType.FLIGHT, "ZZ0271")
    assert len(parse_changed(KIND, {"details.visa": ABSENT, "details.flight": ABSENT}).identifiers()) == 1
