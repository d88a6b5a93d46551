"""Doubts before sending: each found where it is, none where the thing reported is itself what looks wrong."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.alerts import parse_alert
from schemas.alerts.quality import CLOCK_TOLERANCE, FRESH_FOR, USUALLY_FRESH_FOR, find_quality_doubts, is_checked
from schemas.alerts.registry import kind_names, kind_of
from schemas.model import format_timestamp
from tests.schemas.alerts.filled import ABSENT, load, load_changed

WRITTEN = datetime(2026, 11, 21, 18, 40, tzinfo=UTC)
FRAUD, VERIFICATION, FACILITATOR, STATUS = (
    "document-fraud",
    "document-verification",
    "facilitator",
    "document-status",
)
NECESSITY = "The bearer is expected at the recipient's border tonight."
GENUINE_ZONE = ["P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10"]
BROKEN_ZONE = [GENUINE_ZONE[0], "L898902C36UTO7408122F1204159ZE184226B<<<<<14"]
IMPOSTOR: dict[str, Any] = {
    "details.fraud_types": ["impostor"],
    "details.loci": ["photo"],
    "details.mismatches": ABSENT,
    "details.document.mrz": {"lines": GENUINE_ZONE},
}
"""A genuine document in the wrong hands: nothing printed on it is what is reported."""


def find(kind: str, changes: dict[str, Any] | None = None, **given: Any) -> list[tuple[str, str | None]]:
    """Return codes and fields of the doubts about an example with some fields changed, as of when it was written."""
    alert = parse_alert(load_changed(kind, changes or {}))
    now = given.pop("now", WRITTEN)
    return [(doubt.code.value, doubt.field) for doubt in find_quality_doubts(alert, now, **given)]


@pytest.mark.parametrize("kind", kind_names())
def test_no_filled_example_is_doubtful_when_it_is_written(kind: str) -> None:
    assert find(kind, necessity=NECESSITY) == []


@pytest.mark.parametrize("kind", kind_names())
def test_what_follows_a_message_up_or_names_nobody_is_never_held_up(kind: str) -> None:
    rules = kind_of(kind)
    assert is_checked(rules) == (not rules.is_aftercare and not rules.forbids_persons)
    late = WRITTEN + timedelta(days=4000)
    assert bool(find(kind, now=late, necessity="")) == is_checked(rules)


@pytest.mark.parametrize("kind", [FRAUD, VERIFICATION, FACILITATOR, STATUS])
def test_data_are_stale_a_second_after_their_kind_holds(kind: str) -> None:
    fresh = FRESH_FOR.get(kind, USUALLY_FRESH_FOR)
    absent: dict[str, Any] = {
        name: ABSENT for name in ("reply_due", "review_date", "retain_until") if name in load(kind)
    }
    assert find(kind, absent, now=WRITTEN + fresh) == []
    assert find(kind, absent, now=WRITTEN + fresh + timedelta(seconds=1)) == [("stale-data", "data_as_of")]


def test_data_from_the_future_are_doubtful_and_a_clock_a_little_off_is_not() -> None:
    changed = {"data_as_of": format_timestamp(WRITTEN + CLOCK_TOLERANCE)}
    assert find(FRAUD, changed) == []
    assert find(FRAUD, {"data_as_of": format_timestamp(WRITTEN + timedelta(minutes=6))}) == [
        ("future-data", "data_as_of")
    ]


@pytest.mark.parametrize(
    ("field", "last", "past", "code"),
    [
        ("review_date", "2026-11-21", "2026-11-20", "review-past"),
        ("retain_until", "2026-11-21", "2026-11-20", "retention-past"),
        ("reply_due", "2026-11-21T18:40:00Z", "2026-11-21T18:39:59Z", "reply-due-past"),
    ],
)
def test_a_day_that_is_past_is_doubtful_and_the_day_itself_is_not(field: str, last: str, past: str, code: str) -> None:
    alone = dict.fromkeys(("review_date", "retain_until", "reply_due"), ABSENT)
    assert find(FRAUD, alone | {field: last}) == []
    assert find(FRAUD, alone | {field: past}) == [(code, field)]


def test_check_digits_are_doubtful_only_where_they_are_not_what_is_reported() -> None:
    broken = IMPOSTOR | {"details.document.mrz": {"lines": BROKEN_ZONE}}
    assert find(FRAUD, IMPOSTOR) == []
    assert find(FRAUD, broken) == [("check-digits", "details.document.mrz")]
    assert find(FRAUD, broken | {"details.loci": ["machine-readable-zone"]}) == []
    assert find(FRAUD, broken | {"details.fraud_types": ["counterfeit"]}) == []


def test_a_question_whether_it_is_genuine_may_show_any_zone() -> None:
    changed = {"details.mrz": {"lines": BROKEN_ZONE}, "details.questions": ["issued"]}
    assert find(VERIFICATION, changed) == [("check-digits", "details.mrz")]
    assert find(VERIFICATION, changed | {"details.questions": ["issued", "genuine"]}) == []


def test_what_the_zone_says_otherwise_is_doubtful_unless_told() -> None:
    differs = IMPOSTOR | {"details.document.holder.birth_date": "1974-08-21"}
    assert find(FRAUD, differs) == [("zone-differs", "details.document.holder.birth_date")]
    told = {"details.mismatches": [{"field": "birth-date", "printed": "21 AUG 1974", "zone": "740812"}]}
    assert find(FRAUD, differs | told) == []
    assert find(FRAUD, IMPOSTOR | {"details.document.holder.birth_date": "1974"}) == [], "less is known, not otherwise"
    assert find(FRAUD, IMPOSTOR | {"details.document.number": "L898902D4"}) == [
        ("zone-differs", "details.document.number")
    ]
    assert find(FRAUD, IMPOSTOR | {"details.document.number": "l 898902-c3"}) == [], "the same number, spelt otherwise"


def test_the_days_of_a_document_follow_each_other() -> None:
    days = IMPOSTOR | {"details.document.mrz": ABSENT}
    assert find(FRAUD, days | {"details.document.holder.birth_date": "2008"}) == [
        ("birth-after-issue", "details.document.holder.birth_date")
    ]
    assert find(FRAUD, days | {"details.document.holder.birth_date": "2007"}) == [], "it may have been the same day"
    assert find(FRAUD, days | {"details.document.expires_on": "2007-04-15"}) == [
        ("expiry-before-issue", "details.document.expires_on")
    ]
    assert find(FRAUD, days | {"details.document.expires_on": "2007-04-16"}) == []


def test_nobody_is_born_tomorrow() -> None:
    assert find(FRAUD, {"persons.0.birth_dates": ["2026-11-21", "2026-11-22"]}) == [
        ("birth-in-future", "persons.0.birth_dates.1")
    ]


def test_a_fact_is_graded_and_graded_as_one() -> None:
    statement = {"text": "The holder speaks no Utopian.", "basis": "fact"}
    doubtful = {"scheme": "europol-4x4", "source": "A", "information": "4"}
    ungraded = {"statements": [statement], "grading": ABSENT} if "grading" in load(VERIFICATION) else {}
    assert find(VERIFICATION, {"statements": [statement]} | ungraded) == [("ungraded-fact", "statements.0")]
    assert find(FRAUD, {"statements": [statement | {"grading": doubtful}]}) == [("doubtful-fact", "statements.0")]
    assert find(FRAUD, {"statements": [statement | {"basis": "assessment", "grading": doubtful}]}) == []
    good = doubtful | {"information": "3"}
    assert find(FRAUD, {"statements": [statement | {"grading": good}]}) == []


@pytest.mark.parametrize(
    ("scheme", "source", "last", "first"),
    [("europol-4x4", "A", "3", "4"), ("admiralty-6x6", "A", "3", "4"), ("uk-3x5x2", "1", "C", "D")],
)
def test_each_scheme_has_grades_that_no_fact_has(scheme: str, source: str, last: str, first: str) -> None:
    for grade, found in ((last, []), (first, [("doubtful-fact", "statements.0")])):
        grading = {"scheme": scheme, "source": source, "information": grade}
        statement = {"text": "Seen.", "basis": "fact", "grading": grading}
        assert find(FRAUD, {"statements": [statement]}) == found


def test_whom_an_alert_accuses_has_a_role_and_a_victim_its_caveat() -> None:
    assert find(FACILITATOR, {"persons.0.role": "unidentified"}) == [("role-missing", "persons.0.role")]
    assert find(FACILITATOR, {"persons.1.role": "unidentified"}) == []
    for kind in ("financial-flow", "smuggling-incident", "online-recruitment"):
        assert find(kind, {"persons.0.role": "unidentified"}) == [("role-missing", "persons.0.role")]
    assert find(FRAUD, {"details.suppliers": ["p1"]}) == [("role-missing", "persons.0.role")]
    assert find(FRAUD, {"persons.0.role": "unidentified"}) == [], "who carries a false document may be a victim"
    assert find(FRAUD, {"persons.0.role": "victim"}) == [("victim-unprotected", "persons.0")]
    assert find(FRAUD, {"persons.0.role": "victim", "caveats": [{"code": "not-against-victim"}]}) == []


@pytest.mark.parametrize("as_seen", ["49O154203237518", "49015420", "49-015420-323751-9"])
@pytest.mark.parametrize("said", [{}, {"findings": ["valid"]}, {"findings": ["wrong-length"]}])
def test_an_identifier_that_is_found_wrong_is_doubtful_whatever_its_author_found(
    as_seen: str, said: dict[str, Any]
) -> None:
    wrong = {"details.devices": [{"as_seen": as_seen} | said]}
    assert find(FACILITATOR, wrong) == [("wrong-identifier", "details.devices.0")]


def test_an_identifier_that_is_right_is_not_doubtful_because_its_author_says_so() -> None:
    right = {"details.devices": [{"as_seen": "49-015420-323751-8", "findings": ["wrong-check-digit"]}]}
    assert find(FACILITATOR, right) == []


@pytest.mark.parametrize(
    "necessity",
    ["", "-", "x", "test", "As agreed.", "For your information, as requested", "needed for the purpose", "???????"],
)
def test_a_necessity_that_names_nothing_is_doubtful(necessity: str) -> None:
    assert find(FRAUD, necessity=necessity) == [("necessity-empty", None)]


def test_a_necessity_that_only_repeats_the_subject_is_doubtful() -> None:
    assert find(FRAUD, necessity=f"  {load(FRAUD)['subject'].upper()} ") == [("necessity-empty", None)]


@pytest.mark.parametrize(
    "necessity",
    [
        "The bearer flies on tonight.",
        "It follows message 5d1c8a52 up.",
        "持有人站在柜台前",
        "Người mang hộ chiếu bay tối nay.",
    ],
)
def test_a_necessity_in_any_language_is_taken_for_what_it_says(necessity: str) -> None:
    assert find(FRAUD, necessity=necessity) == []


def test_the_same_sent_before_is_doubtful() -> None:
    assert find(FRAUD, sent_before="to VN on 2026-11-20") == [("sent-before", None)]
