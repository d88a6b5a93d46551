"""document-verification and its reply: answered, no record, or refused, and never two of these."""

import pytest

from schemas.alerts import parse_alert
from schemas.alerts.shapes import Identifier, IdentifierType
from tests.schemas.alerts.filled import ABSENT, fields_refused, load, parse_changed

REPLY = "document-verification-reply"
REQUEST = "document-verification"
BARE = {"details.answers": ABSENT, "details.fields": ABSENT, "details.status": ABSENT, "details.confidence": ABSENT}
REFUSAL = {"ground": "not-covered"}


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({}, []),
        ({"details.fields": ABSENT, "details.status": ABSENT, "details.confidence": ABSENT}, []),
        ({"details.answers": ABSENT}, ["details.answers"]),
        (BARE | {"details.outcome": "no-record"}, []),
        ({"details.outcome": "no-record"}, ["details.answers"]),
        ({"details.outcome": "no-record", "details.answers": ABSENT}, ["details.outcome"]),
        (BARE | {"details.outcome": "refused", "details.refusal": REFUSAL}, ["details.valid_until"]),
        (BARE | {"details.outcome": "refused"}, ["details.refusal"]),
        ({"details.refusal": REFUSAL}, ["details.refusal"]),
        ({"details.is_automatic": ABSENT}, ["details.is_automatic"]),
        (
            {**BARE, "details.outcome": "refused", "details.refusal": REFUSAL, "details.valid_until": ABSENT},
            [],
        ),
        ({"details.answers.1.question": "genuine"}, ["details.answers"]),
        ({"details.fields.1.field": "surname"}, ["details.fields"]),
    ],
)
def test_a_reply_is_of_one_kind(changes: dict[str, object], refused: list[str]) -> None:
    assert fields_refused(REPLY, changes) == refused


def test_a_request_asks_something() -> None:
    assert fields_refused(REQUEST, {"details.questions": ABSENT}) == ["details.questions"]


def test_a_question_is_asked_once_and_names_the_person_it_is_about() -> None:
    assert fields_refused(REQUEST, {"details.questions": ["genuine", "genuine"]}) == ["details.questions"]
    nobody = {"details.holder": ABSENT, "details.mrz": ABSENT}
    assert fields_refused(REQUEST, nobody) == ["details.holder"]
    assert fields_refused(REQUEST, nobody | {"details.questions": ["genuine"]}) == []


def test_request_and_reply_are_found_by_the_same_number() -> None:
    number = Identifier(IdentifierType.DOCUMENT_NUMBER, "L898902C3")

    assert number in parse_alert(load(REQUEST)).identifiers()
    assert number in parse_alert(load(REPLY)).identifiers()


def test_a_request_without_a_holder_is_about_nobodys_nationality() -> None:
    assert parse_alert(load(REQUEST)).nationalities() == ("UTO",)
    assert parse_changed(REQUEST, {"details.holder": ABSENT}).nationalities() == ()


def test_images_of_a_request_are_attachments_of_the_message() -> None:
    assert fields_refused(REQUEST, {"attachments": ABSENT}) == ["attachments"]
