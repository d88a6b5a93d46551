"""advisory: nobody is named, and each topic has its part."""

from typing import Any

import pytest

from schemas.alerts import kind_of, parse_alert
from tests.schemas.alerts.filled import ABSENT, fields_refused, load

KIND = "advisory"


def test_it_holds_no_personal_data() -> None:
    assert kind_of(KIND).forbids_persons
    assert fields_refused(KIND, {"persons": [{"ref": "p1", "role": "suspect"}]}) == ["persons"]
    alert = parse_alert(load(KIND))
    assert (alert.identifiers(), alert.nationalities(), alert.details.person_refs()) == ((), (), ())


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({}, []),
        ({"details.techniques": ABSENT}, ["details.techniques"]),
        ({"details.routes": ABSENT}, ["details.routes"]),
        ({"details.materials": ABSENT}, ["details.materials"]),
        ({"details.topics": ["genuine-document"], "details.formats": ABSENT}, ["details.formats"]),
        ({"details.topics": ["danger"], "details.techniques": ABSENT, "details.routes": ABSENT}, []),
        ({"details.topics": ["danger", "danger"]}, ["details.topics"]),
        ({"details.formats.0.number": "L898902C3"}, ["details.formats.0.number"]),
    ],
)
def test_a_topic_has_its_part(changes: dict[str, Any], refused: list[str]) -> None:
    assert fields_refused(KIND, changes) == refused


def test_images_and_material_are_attachments_of_the_message() -> None:
    assert fields_refused(KIND, {"attachments": ABSENT}) == ["attachments"]
    assert fields_refused(KIND, {"attachments": load(KIND)["attachments"][:1]}) == ["attachments"]
