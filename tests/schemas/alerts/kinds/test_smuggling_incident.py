"""smuggling-incident: people are counted without a name, the counts agree, and whoever is named stands in the alert."""

from typing import Any

import pytest

from schemas.alerts import parse_alert
from schemas.alerts.shapes import Identifier, IdentifierType
from tests.schemas.alerts.filled import ABSENT, fields_refused, load

KIND = "smuggling-incident"


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({}, []),
        ({"details.total": 44}, ["details.total"]),
        ({"details.total": 45}, []),
        ({"details.unaccompanied_minors": 48}, ["details.unaccompanied_minors"]),
        ({"details.injured": 48}, ["details.injured"]),
        ({"details.total": ABSENT, "details.injured": 46}, ["details.injured"]),
        ({"details.total": ABSENT, "details.people": ABSENT, "details.injured": 46}, []),
        ({"details.dead": 48, "details.missing": 48}, []),
        ({"details.people.0.count": 0}, ["details.people.0.count"]),
        ({"details.landed_at": "2026-11-21T01:09:59Z"}, ["details.landed_at"]),
        ({"details.window.latest": "2026-11-20T00:00:00Z"}, ["details.window.latest"]),
        ({"details.place": {}}, ["details.place.name"]),
        ({"details.place": {"subdivision": "Flanders"}}, ["details.place.subdivision"]),
        ({"details.rescue": {"coordinated_by": "MRCC"}}, ["details.rescue.reference"]),
        ({"details.prices.0.mode": "favour"}, ["details.prices.0.mode"]),
    ],
)
def test_the_counts_and_times_agree(changes: dict[str, Any], refused: list[str]) -> None:
    assert fields_refused(KIND, changes) == refused


@pytest.mark.parametrize(
    "field", ["details.facilitators.0.person", "details.witnesses.0", "details.conveyances.0.driver"]
)
def test_everybody_named_stands_in_the_alert(field: str) -> None:
    assert fields_refused(KIND, {field: "somebody"}) == ["persons"]


def test_those_who_are_only_counted_are_nobodys_nationals() -> None:
    alert = parse_alert(load(KIND))
    assert alert.nationalities() == ("UTO",), "28 people of VNM are counted, and none is named"
    assert Identifier(IdentifierType.ENGINE, "6E5KS1004455") in alert.identifiers()
