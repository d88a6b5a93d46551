"""conveyance: described as what it is, found by every number on it, and what is asked does not contradict itself."""

from typing import Any

import pytest

from schemas.alerts import parse_alert
from schemas.alerts.shapes import IdentifierType
from tests.schemas.alerts.filled import ABSENT, fields_refused, load

KIND = "conveyance"


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({}, []),
        ({"details.conveyance.type": "vehicle"}, ["details.conveyance.vessel"]),
        ({"details.conveyance.train": "Freight 1"}, ["details.conveyance.train"]),
        ({"details.combined_with.0.container": {"number": {"as_seen": "x"}}}, ["details.combined_with.0.container"]),
        ({"details.stolen": ABSENT}, ["details.stolen"]),
        ({"details.stolen": ABSENT, "details.involvement": ["supplies"]}, []),
        ({"details.on_encounter": ["do-not-stop", "search"]}, ["details.on_encounter"]),
        ({"details.on_encounter": ["do-not-stop", "report-at-once"]}, []),
        ({"details.requested_check": "discreet"}, ["details.on_encounter"]),
        ({"details.requested_check": "discreet", "details.on_encounter": ["report-only"]}, []),
        ({"details.on_encounter": ABSENT}, ["details.on_encounter"]),
        ({"details.expected.window.latest": "2026-11-21T19:59:59Z"}, ["details.expected.window.latest"]),
        ({"details.expected.window.latest": ABSENT}, []),
        ({"details.expected.place": {"kind": "beach"}}, ["details.expected.place.name"]),
        ({"details.last_seen": {"position": {"as_seen": "51.0504, 1.7811"}}}, []),
        ({"details.conveyance.vessel.length_metres": "08.5"}, ["details.conveyance.vessel.length_metres"]),
        ({"details.combined_with.0.vehicle.year": 1899}, ["details.combined_with.0.vehicle.year"]),
    ],
)
def test_what_belongs_together_stands_together(changes: dict[str, Any], refused: list[str]) -> None:
    assert fields_refused(KIND, changes) == refused


@pytest.mark.parametrize(
    "field", ["details.occupants.0", "details.conveyance.holders.0", "details.combined_with.0.driver"]
)
def test_everybody_named_stands_in_the_alert(field: str) -> None:
    assert fields_refused(KIND, {field: "somebody"}) == ["persons"]


def test_it_is_found_by_every_number_on_it_and_on_what_goes_with_it() -> None:
    found = {identifier.type: identifier.value for identifier in parse_alert(load(KIND)).identifiers()}
    assert found == {
        IdentifierType.IMO: "9074729",
        IdentifierType.MMSI: "232012345",
        IdentifierType.CALL_SIGN: "MABC2",
        IdentifierType.HULL: "GBABC12345L718",
        IdentifierType.ENGINE: "ENG88121",
        IdentifierType.PLATE: "AB12CDE",
        IdentifierType.VIN: "1HGBH41JXMN109186",
        IdentifierType.CONTAINER: "CSQU3054383",
        IdentifierType.TAIL: "GABCD",
    }


@pytest.mark.parametrize("as_seen", ["none", "1HGBH41JXMN109187", "\u2116 12", "?"])
def test_a_number_that_cannot_be_right_is_kept(as_seen: str) -> None:
    for field in ("vin", "plates.0"):
        assert fields_refused(KIND, {f"details.combined_with.0.vehicle.{field}.as_seen": as_seen}) == []


def test_type_involvement_and_action_are_all_it_needs() -> None:
    wire = {name: value for name, value in load(KIND).items() if name not in {"persons", "attachments"}}
    details = {"conveyance": {"type": "train"}, "involvement": ["carried-people"], "on_encounter": ["report-only"]}
    assert parse_alert(wire | {"details": details}).identifiers() == ()
