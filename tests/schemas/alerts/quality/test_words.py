"""What an officer reads of each doubt: a sentence that says what is doubtful, and no other."""

from datetime import timedelta
from typing import Any

import pytest

from schemas.alerts import parse_alert
from schemas.alerts.quality import FRESH_FOR, find_quality_doubts
from schemas.model import format_timestamp
from tests.schemas.alerts.filled import ABSENT, load_changed
from tests.schemas.alerts.test_quality import (
    BROKEN_ZONE,
    FACILITATOR,
    FRAUD,
    GENUINE_ZONE,
    IMPOSTOR,
    STATUS,
    VERIFICATION,
    WRITTEN,
    find,
)


def spell(kind: str, changes: dict[str, Any] | None = None, **given: Any) -> list[str]:
    """Return what an officer reads of the doubts about a changed example."""
    alert = parse_alert(load_changed(kind, changes or {}))
    return [doubt.sentence for doubt in find_quality_doubts(alert, given.pop("now", WRITTEN), **given)]


FACT = {"text": "The holder speaks no Utopian.", "basis": "fact"}
NO_FACT = {"scheme": "europol-4x4", "source": "A", "information": "4"}
NO_DATES = dict.fromkeys(("review_date", "retain_until", "reply_due"), ABSENT)
GENUINE_PAGE = IMPOSTOR | {"details.document.mrz": ABSENT}
SENTENCES: dict[str, tuple[str, dict[str, Any], str]] = {
    "dated tomorrow": (
        FRAUD,
        {"data_as_of": format_timestamp(WRITTEN + timedelta(days=1))},
        "the data are dated later than now",
    ),
    "to be reviewed": (
        FRAUD,
        NO_DATES | {"review_date": "2026-11-20"},
        "the data should have been reviewed before they are sent",
    ),
    "to be erased": (FRAUD, NO_DATES | {"retain_until": "2026-11-20"}, "the data should have been erased"),
    "due already": (
        FRAUD,
        NO_DATES | {"reply_due": "2026-11-21T18:39:59Z"},
        "the answer is due before the question can arrive",
    ),
    "graded as no fact": (
        FRAUD,
        {"statements": [FACT | {"grading": NO_FACT}]},
        "it is called a fact, and graded as information that cannot be relied on",
    ),
    "accused of nothing": (
        FACILITATOR,
        {"persons.0.role": "unidentified"},
        "the alert says what this person does, and not whether as suspect, convicted or associate",
    ),
    "a victim": (
        FRAUD,
        {"persons.0.role": "victim"},
        "add the caveat not-against-victim, or say why it is left out",
    ),
    "born tomorrow": (FRAUD, {"persons.0.birth_dates": ["2026-11-22"]}, "nobody is born yet on that day"),
    "a holder born tomorrow": (
        FRAUD,
        GENUINE_PAGE
        | {"details.document.holder.birth_date": "2026-11-22"}
        | {"details.document.issued_on": ABSENT, "details.document.expires_on": ABSENT},
        "nobody is born yet on that day",
    ),
    "born after the issue": (
        FRAUD,
        GENUINE_PAGE | {"details.document.holder.birth_date": "2008"},
        "the holder was born after the issue",
    ),
    "expired before the issue": (
        FRAUD,
        GENUINE_PAGE | {"details.document.expires_on": "2007-04-15"},
        "the document expires before its issue",
    ),
    "a broken zone": (
        FRAUD,
        IMPOSTOR | {"details.document.mrz": {"lines": BROKEN_ZONE}},
        "check digits fail (Composite): compare the zone with the document",
    ),
    "a zone that says otherwise": (
        FRAUD,
        IMPOSTOR | {"details.document.number": "L898902D4"},
        "the zone says otherwise: one of the two was misread",
    ),
    "an identifier with a fault": (
        FACILITATOR,
        {"details.devices": [{"as_seen": "49-015420-323751-9", "findings": ["wrong-check-digit"]}]},
        "its check found: Its check digit or checksum is wrong",
    ),
}


@pytest.mark.parametrize(("kind", "changes", "sentence"), SENTENCES.values(), ids=SENTENCES)
def test_an_officer_reads_what_is_doubtful(kind: str, changes: dict[str, Any], sentence: str) -> None:
    assert spell(kind, changes) == [sentence]


def test_an_officer_reads_how_old_data_are_and_what_was_said_or_sent_before() -> None:
    late = WRITTEN + FRESH_FOR[FRAUD] + timedelta(days=3)
    assert spell(FRAUD, NO_DATES, now=late) == ["the data are 93 days old; such data are held good for 90"]
    assert spell(FRAUD, necessity="x", sent_before="to VN") == [
        "the necessity says nothing of this case: why this, and why to them",
        "the same alert was sent before: to VN",
    ]


def test_a_fact_without_any_grading_is_told_where_it_may_get_one() -> None:
    changes: dict[str, Any] = {"statements": [FACT | {"basis": "assessment"}, FACT]}
    assert spell(VERIFICATION, changes) == ["a fact is graded, by itself or with the whole"]
    assert find(VERIFICATION, changes) == [("ungraded-fact", "statements.1")]


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"details.document.number": "L898902D4"}, "zone-differs", "details.document.number"),
        ({"details.holder.birth_date": "1974-08-21"}, "zone-differs", "details.holder.birth_date"),
        ({"details.expires_on": "2007-04-15"}, "expiry-before-issue", "details.expires_on"),
        (
            {"details.mrz": ABSENT, "details.holder.birth_date": "2008"},
            "birth-after-issue",
            "details.holder.birth_date",
        ),
        (
            {"details.mrz": ABSENT, "details.issued_on": ABSENT, "details.holder.birth_date": "2026-11-22"},
            "birth-in-future",
            "details.holder.birth_date",
        ),
    ],
)
def test_what_a_question_says_of_its_document_fits_together(changes: dict[str, Any], code: str, field: str) -> None:
    assert find(VERIFICATION, changes) == [(code, field)]


def test_the_days_of_a_document_that_was_reported_follow_each_other() -> None:
    days = {"details.issued_on": "2007-04-16", "details.expires_on": "2007-04-15"}
    assert find(STATUS, days) == [("expiry-before-issue", "details.expires_on")]


def test_every_check_digit_that_fails_is_named() -> None:
    lines = [GENUINE_ZONE[0], GENUINE_ZONE[1].replace("L898902C36", "L898902C37")]
    assert spell(FRAUD, IMPOSTOR | {"details.document.mrz": {"lines": lines}}) == [
        "check digits fail (Document number, Composite): compare the zone with the document"
    ]
