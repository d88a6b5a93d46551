"""online-recruitment: an account or a page, captured before it is removed, found by everything that leads to it."""

from typing import Any

import pytest

from schemas.alerts import parse_alert
from schemas.alerts.shapes import Identifier, IdentifierType
from tests.schemas.alerts.filled import ABSENT, fields_refused, load

KIND = "online-recruitment"


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({}, []),
        ({"details.accounts": ABSENT}, []),
        ({"details.pages": ABSENT}, []),
        ({"details.accounts": ABSENT, "details.pages": ABSENT}, ["details.accounts"]),
        ({"details.captures": ABSENT}, ["details.captures"]),
        ({"details.captures": ABSENT, "details.takedown.asked": "not-yet"}, []),
        ({"details.takedown": ABSENT}, ["details.takedown"]),
        ({"details.captures.0.sha256": "9F" * 32}, ["details.captures.0.sha256"]),
        ({"details.audience": -1}, ["details.audience"]),
        ({"details.languages.0": "Vietnamese"}, ["details.languages.0"]),
        ({"details.phones.0.used_until": "2026-07"}, ["details.phones.0.used_until"]),
        ({"details.phones.0.used_until": "2026"}, []),
        ({"details.accounts.0.platform": "myspace"}, ["details.accounts.0.platform"]),
    ],
)
def test_what_belongs_together_stands_together(changes: dict[str, Any], refused: list[str]) -> None:
    assert fields_refused(KIND, changes) == refused


@pytest.mark.parametrize("field", ["details.run_by", "details.accounts.0.holders.0"])
def test_everybody_named_stands_in_the_alert(field: str) -> None:
    assert fields_refused(KIND, {field: "somebody"}) == ["persons"]


def test_a_capture_that_travels_is_an_attachment_of_the_message() -> None:
    assert fields_refused(KIND, {"attachments": ABSENT}) == ["attachments"]
    assert fields_refused(KIND, {"attachments": ABSENT, "details.captures.0.attachment": ABSENT}) == []


def test_it_is_found_by_everything_that_leads_to_it() -> None:
    assert {
        Identifier(IdentifierType.HANDLE, "telegram:chihai_specimen"),
        Identifier(IdentifierType.URL, "https://crossings.example.com/prices?from=vn"),
        Identifier(IdentifierType.URL, "https://t.example/chihai_specimen/41"),
        Identifier(IdentifierType.PHONE, "+441632960001"),
        Identifier(IdentifierType.EMAIL, "booking@crossings.example.com"),
        Identifier(IdentifierType.WALLET, "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
    } <= set(parse_alert(load(KIND)).identifiers())


@pytest.mark.parametrize("as_seen", ["javascript:alert(1)", "http://", "not a page", "https://" + "a" * 1900])
def test_whatever_was_copied_as_a_page_is_kept(as_seen: str) -> None:
    assert fields_refused(KIND, {"details.pages": [{"as_seen": as_seen}]}) == []
