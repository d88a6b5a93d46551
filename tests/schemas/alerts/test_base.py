"""The common part: handling, caveats, special categories, references between the parts of one alert."""

import pytest

from schemas.alerts import parse_alert
from schemas.alerts.shapes import Identifier, IdentifierType
from tests.schemas.alerts.filled import ABSENT, fields_refused, load, parse_changed, problems_of

FRAUD = "document-fraud"
OTHER_ID = "00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize(
    ("handling", "refused"),
    [
        ({"codes": ["h0"]}, []),
        ({"codes": ["h1", "h2", "h3"], "restriction": "Not to the press."}, []),
        ({"codes": ["h3"]}, ["handling.restriction"]),
        ({"codes": ["h1"], "restriction": "Not to the press."}, ["handling.restriction"]),
        ({"codes": ["h1", "h1"]}, ["handling.codes"]),
        ({"codes": []}, ["handling.codes"]),
    ],
)
def test_handling_codes_combine_and_h3_has_its_restriction(handling: dict[str, object], refused: list[str]) -> None:
    assert fields_refused(FRAUD, {"handling": handling}) == refused


def test_the_caveat_other_needs_words() -> None:
    assert fields_refused(FRAUD, {"caveats": [{"code": "other"}]}) == ["caveats.0.words"]
    assert fields_refused(FRAUD, {"caveats": [{"code": "other", "words": "Only by day."}]}) == []


def test_a_person_spoken_of_must_stand_in_the_alert() -> None:
    assert fields_refused(FRAUD, {"details.bearer": "p2"}) == ["persons"]
    assert fields_refused(FRAUD, {"details.bearer": ABSENT, "persons": ABSENT}) == []


def test_two_persons_never_share_a_reference() -> None:
    person = {"ref": "p1", "role": "witness"}

    assert fields_refused(FRAUD, {"persons": [person, person]}) == ["persons"]


def test_an_attachment_spoken_of_must_stand_in_the_alert() -> None:
    assert fields_refused(FRAUD, {"attachments": ABSENT}) == ["attachments"]
    assert fields_refused("facilitator", {"persons.0.photos": [OTHER_ID]}) == ["attachments"]


def test_two_attachments_never_share_an_id() -> None:
    note = load(FRAUD)["attachments"][0]

    assert fields_refused(FRAUD, {"attachments": [note, note]}) == ["attachments"]


def test_the_review_comes_before_the_erasure() -> None:
    assert fields_refused(FRAUD, {"review_date": "2028-11-22"}) == ["review_date"]
    assert fields_refused(FRAUD, {"review_date": "2028-11-21"}) == []


def test_a_translation_is_from_another_language() -> None:
    assert fields_refused(FRAUD, {"translated_from": "en"}) == ["translated_from"]


def test_special_categories_say_why_they_are_strictly_necessary() -> None:
    assert fields_refused(FRAUD, {"special_categories": {"categories": ["health"]}}) == [
        "special_categories.strictly_necessary_because"
    ]


def test_a_derogation_names_its_record() -> None:
    assert fields_refused(FRAUD, {"transfer": {"ground": "derogation"}}) == ["transfer.record"]
    assert fields_refused(FRAUD, {"transfer": {"ground": "derogation", "record": "BE-38-2026-7"}}) == []
    assert fields_refused(FRAUD, {"transfer": {"ground": "adequacy"}}) == []


@pytest.mark.parametrize("text", ["a\x00b", "a\x1bb", "a\x7fb", "a\x9bb", "a\nb", "a\tb", ""])
def test_a_line_has_no_control_characters(text: str) -> None:
    assert fields_refused(FRAUD, {"subject": text}) == ["subject"]


def test_free_text_may_have_line_breaks_and_tabs_and_no_other_control_characters() -> None:
    assert fields_refused(FRAUD, {"statements.0.text": "a\n\tb"}) == []
    assert fields_refused(FRAUD, {"statements.0.text": "a\x1bb"}) == ["statements.0.text"]


@pytest.mark.parametrize("text", ["Nguyễn", "Nguye\u0302\u0303n", "محمد", "陈氏样本"])
def test_names_stay_as_given_in_any_script_and_normal_form(text: str) -> None:
    alert = parse_changed(FRAUD, {"persons.0.names.0.text": text})

    assert alert.persons[0].names[0].text == text
    assert parse_alert(alert.to_wire()) == alert


def test_texts_longer_than_their_field_are_refused() -> None:
    assert fields_refused(FRAUD, {"subject": "x" * 121}) == ["subject"]
    assert fields_refused(FRAUD, {"statements.0.text": "x" * 8001}) == ["statements.0.text"]


def test_lists_longer_than_their_field_are_refused() -> None:
    (problem,) = problems_of(FRAUD, {"details.linked_documents": ["L1"] * 201})

    assert (problem.field, problem.problem) == ("details.linked_documents", "has too many entries")


def test_an_alert_is_found_by_the_documents_of_its_persons_and_by_its_details() -> None:
    alert = parse_alert(load("facilitator"))

    assert Identifier(IdentifierType.DOCUMENT_NUMBER, "D23145890") in alert.identifiers()
    assert Identifier(IdentifierType.PHONE, "+447700900123") in alert.identifiers()
    assert len(set(alert.identifiers())) == len(alert.identifiers())


def test_nationalities_are_those_of_all_persons_and_of_the_details() -> None:
    assert parse_alert(load(FRAUD)).nationalities() == ("VNM", "UTO")
    assert parse_alert(load("facilitator")).nationalities() == ("VNM", "UTO")
    assert parse_alert(load("ping")).nationalities() == ()
