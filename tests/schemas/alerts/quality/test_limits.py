"""Where a doubt begins: after how many days, on which page, for which words."""

from datetime import timedelta

import pytest

from schemas.alerts.quality import CLOCK_TOLERANCE, FRESH_FOR, USUALLY_FRESH_FOR
from tests.schemas.alerts.filled import ABSENT
from tests.schemas.alerts.test_quality import BROKEN_ZONE, FACILITATOR, FRAUD, IMPOSTOR, STATUS, VERIFICATION, find

GENUINE_PAGE = IMPOSTOR | {"details.document.mrz": ABSENT}


@pytest.mark.parametrize(
    ("kind", "days"),
    [
        (VERIFICATION, 2),
        ("document-verification-reply", 2),
        ("movement-notice", 7),
        (FRAUD, 90),
        ("smuggling-incident", 90),
        ("conveyance", 90),
        (FACILITATOR, 180),
        ("financial-flow", 180),
        (STATUS, 365),
    ],
)
def test_data_of_a_kind_hold_so_many_days(kind: str, days: int) -> None:
    assert FRESH_FOR[kind] == timedelta(days=days)


def test_data_of_other_kinds_hold_a_month_and_a_clock_may_lead_by_five_minutes() -> None:
    assert timedelta(days=30) == USUALLY_FRESH_FOR
    assert timedelta(minutes=5) == CLOCK_TOLERANCE


OTHER_PAGE = {"details.document.expires_on": "2007-04-15", "details.document.number": "L898902D4"}


@pytest.mark.parametrize(
    ("fraud_type", "locus", "is_doubtful"),
    [
        ("impostor", "photo", True),
        ("impostor", "machine-readable-zone", False),
        ("impostor", "whole-document", False),
        ("impostor", "data-page", False),
        ("impostor", "personalisation", False),
        ("impostor", "page-swap", False),
        ("counterfeit", "photo", False),
        ("pseudo", "photo", False),
    ],
)
def test_what_stands_on_a_page_is_doubtful_unless_that_page_is_what_is_false(
    fraud_type: str, locus: str, is_doubtful: bool
) -> None:
    seen = IMPOSTOR | {"details.fraud_types": [fraud_type], "details.loci": [locus]}
    found = [("expiry-before-issue", "details.document.expires_on"), ("zone-differs", "details.document.number")]
    assert find(FRAUD, seen | OTHER_PAGE) == (found if is_doubtful else [])


@pytest.mark.parametrize(
    ("fraud_type", "locus", "is_doubtful"),
    [
        ("impostor", "data-page", True),
        ("impostor", "machine-readable-zone", False),
        ("impostor", "whole-document", False),
        ("counterfeit", "photo", False),
        ("pseudo", "photo", False),
    ],
)
def test_a_zone_is_doubtful_unless_the_zone_is_what_is_false(fraud_type: str, locus: str, is_doubtful: bool) -> None:
    broken = {"details.document.mrz": {"lines": BROKEN_ZONE}}
    seen = IMPOSTOR | {"details.fraud_types": [fraud_type], "details.loci": [locus]} | broken
    assert find(FRAUD, seen) == ([("check-digits", "details.document.mrz")] if is_doubtful else [])


def test_a_zone_that_cannot_be_read_or_has_nothing_beside_it_says_nothing_otherwise() -> None:
    assert find(FRAUD, IMPOSTOR | {"details.document.mrz": {"lines": ["P<UTO", "L8989"]}}) == []
    assert find(FRAUD, IMPOSTOR | {"details.document.holder": ABSENT}) == []


def test_who_was_born_today_is_born() -> None:
    dates = {"details.document.issued_on": ABSENT, "details.document.expires_on": ABSENT}
    born = GENUINE_PAGE | dates
    assert find(FRAUD, born | {"details.document.holder.birth_date": "2026-11-21"}) == []
    assert find(FRAUD, born | {"details.document.holder.birth_date": "2026-11-22"}) == [
        ("birth-in-future", "details.document.holder.birth_date")
    ]


@pytest.mark.parametrize(
    ("necessity", "is_doubtful"),
    [
        ("éclair", False),
        ("éclai", True),
        ("Needed, as requested.", True),
        ("Bearer expected.", False),
        ("Expected (as agreed)!", True),
    ],
)
def test_a_necessity_needs_six_letters_and_in_latin_ones_two_words_that_say_something(
    necessity: str, is_doubtful: bool
) -> None:
    assert bool(find(FRAUD, necessity=necessity)) is is_doubtful
