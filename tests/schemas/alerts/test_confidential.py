"""Confidential kinds: nobody is named in one, by its form at both ends and in its words where it is sent."""

from typing import Any

import pytest

from agency_client.sending.draft import AlertRefusedError, Draft, read_draft_alert
from schemas.alerts.confidential import find_identifying_text, find_identifying_words
from schemas.alerts.registry import InvalidAlertError
from schemas.markings import Purpose
from tests.schemas.alerts.filled import ABSENT, fields_refused, leaves, load, load_changed, parse_changed

KIND = "victim-safeguarding"
NAMED: dict[str, Any] = {
    "persons": [{"ref": "p1", "role": "victim", "names": [{"text": "ERIKSSON"}]}],
    "attachments": [{"id": "3f0f6d0a-7c57-4c2c-9d3a-0d2f9a4b1c77", "caption": "The person"}],
    "onward": ["AL-BP"],
}
WORDS = sorted(
    path
    for path in leaves(load(KIND))
    if path.endswith((".text", ".words", "subject", "_reason", "because", "restriction", "unit", "officer"))
)


@pytest.mark.parametrize("member", NAMED)
def test_no_member_of_the_common_part_names_anybody(member: str) -> None:
    assert fields_refused(KIND, {member: NAMED[member]}) == [member]


@pytest.mark.parametrize("member", ["own_reference", "partner_reference"])
def test_a_reference_is_a_pseudonym_or_none(member: str) -> None:
    assert fields_refused(KIND, {member: "VN-VC-2026-0311"}) == [member]
    assert fields_refused(KIND, {"own_reference": ABSENT}) == []


def test_every_message_says_that_it_is_not_against_the_victim() -> None:
    assert fields_refused(KIND, {"caveats": [{"code": "protect-source"}]}) == ["caveats"]


def test_what_has_no_place_in_one_is_refused_with_what_to_do() -> None:
    with pytest.raises(InvalidAlertError) as refused:
        parse_changed(KIND, NAMED | {"caveats": [{"code": "protect-source"}]})
    no_place = "has no place in a confidential kind: it names somebody, or leads there; leave it out"
    assert [(problem.field, problem.problem) for problem in refused.value.problems] == [
        ("persons", no_place),
        ("attachments", no_place),
        ("onward", no_place),
        ("caveats", "say not-against-victim, as every message of a confidential kind does"),
    ]


def test_words_are_refused_with_everything_that_they_look_like() -> None:
    assert find_identifying_text("The young adult is safe.") is None
    found = find_identifying_text("Call +44 1632 960961, the passport is L898902C3.")
    assert found == (
        "a telephone number and a number like that of a document seems to stand in it; say it without, under the "
        "pseudonym"
    )


def test_the_example_names_nobody() -> None:
    assert list(find_identifying_words(parse_changed(KIND, {}))) == []
    assert len(WORDS) >= 9


@pytest.mark.parametrize("path", WORDS)
def test_an_identifier_in_any_words_is_refused_at_the_sender_with_the_field_named(path: str) -> None:
    draft = Draft(load_changed(KIND, {path: "call +44 1632 960961"}), Purpose.VICTIM_PROTECTION, "Care.", "case 7")
    with pytest.raises(AlertRefusedError, match="a telephone number") as refusal:
        read_draft_alert(draft, fresh_thread="")
    assert refusal.value.code == "identifier-in-words"
    assert [problem.field for problem in refusal.value.problems] == [path]


def test_an_identifier_in_the_necessity_is_refused_too() -> None:
    draft = Draft(load(KIND), Purpose.VICTIM_PROTECTION, "The holder of L898902C3 is in danger.", "case 7")
    with pytest.raises(AlertRefusedError, match="necessity: a number like that of a document"):
        read_draft_alert(draft, fresh_thread="")


def test_other_kinds_may_speak_of_numbers() -> None:
    draft = Draft(load("document-status"), Purpose.DOCUMENT_INTEGRITY, "L898902C3 was used today.", "case 7")
    assert read_draft_alert(draft, fresh_thread="").kind == "document-status"
