"""information-request: a fact it rests on, a link for each person, a law for each offence."""

from typing import Any

import pytest

from schemas.alerts import parse_alert
from tests.schemas.alerts.filled import ABSENT, fields_refused, load

KIND = "information-request"
ASSESSED = [{"text": "Something seems wrong.", "basis": "assessment"}]


@pytest.mark.parametrize("statements", [ABSENT, ASSESSED])
def test_it_rests_on_a_fact(statements: Any) -> None:
    assert fields_refused(KIND, {"statements": statements}) == ["statements"]


def test_nobody_is_asked_about_without_a_link_to_the_purpose() -> None:
    named = load(KIND)["persons"][0]
    both = [named, named | {"ref": "p2"}]
    assert fields_refused(KIND, {"persons": both}) == ["details.links"]
    linked = [*load(KIND)["details"]["links"], {"person": "p2", "link": "Drove the lorry."}]
    assert fields_refused(KIND, {"persons": both, "details.links": linked}) == []
    assert fields_refused(KIND, {"details.links": linked}) == ["persons"], "p2 is spoken of and not there"
    assert fields_refused(KIND, {"details.links": [linked[0], linked[0]]}) == ["details.links"]


def test_what_is_asked_about_a_document_alone_names_nobody() -> None:
    assert fields_refused(KIND, {"persons": ABSENT, "details.links": ABSENT}) == []


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"details.offence.law": ABSENT}, ["details.offence.law"]),
        ({"details.offence": {"offence": "none"}}, []),
        ({"details.offence": {"offence": "other", "law": "Act 1"}}, ["details.offence.words"]),
        ({"details.held_because": ABSENT}, ["details.held_because"]),
        ({"details.held_because": [{"reason": "other"}]}, ["details.held_because.0.words"]),
        ({"details.limits_offered": [{"limit": "other"}]}, ["details.limits_offered.0.words"]),
        ({"details.items": ["identity", "identity"]}, ["details.items"]),
        ({"details.questions": ABSENT}, ["details.questions"]),
    ],
)
def test_it_says_why_and_why_there(changes: dict[str, Any], refused: list[str]) -> None:
    assert fields_refused(KIND, changes) == refused


def test_it_is_found_by_the_documents_asked_about() -> None:
    assert [identifier.value for identifier in parse_alert(load(KIND)).identifiers()] == ["L898902C3"]
