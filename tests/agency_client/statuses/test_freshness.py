"""24 hours warn and 72 stop; nobody's clock, late log or late delivery makes a status younger."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agency_client.statuses.freshness import Freshness, StatusFacts, StatusTimes, judge_age, spell_age

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


def make_facts(age: timedelta, **changes: object) -> StatusFacts:
    """Return a partner whose newest status was signed, logged and received at one moment, asked for just now."""
    moment = NOW - age
    usual: dict[str, object] = {"newest": StatusTimes(7, moment, moment, moment), "asked_at": NOW}
    return StatusFacts("NL-KMAR", **usual | changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("age", "state"),
    [
        (timedelta(), Freshness.FRESH),
        (24 * HOUR, Freshness.FRESH),
        (24 * HOUR + SECOND, Freshness.OLD),
        (72 * HOUR, Freshness.OLD),
        (72 * HOUR + SECOND, Freshness.STALE),
        (1000 * HOUR, Freshness.STALE),
    ],
)
def test_a_status_warns_after_24_hours_and_stops_after_72(age: timedelta, state: Freshness) -> None:
    judged = judge_age(make_facts(age), NOW)
    assert judged.state is state
    assert judged.is_marked == (state is not Freshness.FRESH)
    assert judged.stops_sending == (state is Freshness.STALE)


def test_a_partner_that_never_signed_one_is_judged_by_the_age_of_the_agreement() -> None:
    for hours, state in ((1, Freshness.FRESH), (25, Freshness.OLD), (73, Freshness.STALE)):
        judged = judge_age(make_facts(timedelta(), newest=None, agreed_since=NOW - hours * HOUR), NOW)
        assert judged.state is state
        assert "no status of NL-KMAR" in judged.sentence


def test_without_an_agreement_none_is_due() -> None:
    judged = judge_age(StatusFacts("NL-KMAR", None), NOW)
    assert (judged.state, judged.is_marked, judged.stops_sending) == (Freshness.NOT_DUE, False, False)


def test_an_agreement_that_begins_tomorrow_makes_nothing_old() -> None:
    judged = judge_age(StatusFacts("NL-KMAR", None, agreed_since=NOW + 24 * HOUR), NOW)
    assert (judged.state, judged.age) == (Freshness.FRESH, timedelta())


@pytest.mark.parametrize(
    ("signed", "logged", "received"),
    [
        (80, 0, 0),  # the exchange logged late what was signed long ago
        (80, 80, 0),  # it was handed over late
        (-200, 80, 70),  # the signer's clock ran ahead: its leaf tells
        (-200, None, 80),  # and as a file: when it came
    ],
)
def test_no_single_moment_makes_a_status_younger(signed: int, logged: int | None, received: int) -> None:
    times = StatusTimes(7, NOW - signed * HOUR, None if logged is None else NOW - logged * HOUR, NOW - received * HOUR)
    assert judge_age(make_facts(timedelta(), newest=times), NOW).age == 80 * HOUR


def test_a_clock_of_ones_own_that_was_set_back_makes_nothing_younger() -> None:
    facts = make_facts(80 * HOUR, last_moment=NOW)
    assert judge_age(facts, NOW - 60 * HOUR).age == 80 * HOUR


@given(
    st.lists(st.integers(-500, 500), min_size=3, max_size=3),
    st.integers(0, 2),
    st.integers(0, 500),
)
def test_moving_any_moment_later_never_lets_more_pass(hours: list[int], which: int, later: int) -> None:
    def judge(signed: int, logged: int, received: int) -> timedelta:
        times = StatusTimes(7, *(NOW - ago * HOUR for ago in (signed, logged, received)))
        return judge_age(make_facts(timedelta(), newest=times), NOW).age

    moved = [ago - later if place == which else ago for place, ago in enumerate(hours)]
    others = max(ago for place, ago in enumerate(hours) if place != which)
    assert judge(*moved) >= max(others, 0) * HOUR
    assert judge(*hours) == max(*hours, 0) * HOUR


def test_a_node_that_was_away_is_stopped_but_blames_nobody() -> None:
    away = judge_age(make_facts(80 * HOUR, asked_at=NOW - 70 * HOUR), NOW)
    assert away.stops_sending, "it cannot know what was narrowed meanwhile"
    assert not away.is_asked
    assert "this node last asked the exchange on 2026-11-18 14:00 UTC" in away.sentence
    assert "kept back" not in away.sentence
    never = judge_age(make_facts(80 * HOUR, asked_at=None), NOW)
    assert "never asked" in never.sentence


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "the exchange gives us none newer; NL-KMAR has signed none, or they are kept back"),
        ({"heard_at": NOW - HOUR}, "NL-KMAR itself wrote on 2026-11-21 11:00 UTC: its statuses may be kept back"),
        ({"newest": None, "agreed_since": NOW - 80 * HOUR}, "the exchange shows none; NL-KMAR has signed none"),
        (
            {"newest": StatusTimes(7, NOW - 80 * HOUR, None, NOW - 80 * HOUR)},
            "status 7 of NL-KMAR is 80 h old (2026-11-18 04:00 UTC); it came as a file, and the exchange shows none",
        ),
    ],
)
def test_it_says_whose_doing_it_may_be_and_no_more_than_is_known(changes: dict[str, object], words: str) -> None:
    judged = judge_age(make_facts(80 * HOUR, **changes), NOW)
    assert judged.is_asked
    assert words in judged.sentence


def test_an_age_is_spelled_in_the_hours_that_the_limits_are_counted_in() -> None:
    assert [spell_age(age) for age in (timedelta(minutes=5), 90 * timedelta(minutes=1), 80 * HOUR)] == [
        "5 min",
        "1 h",
        "80 h",
    ]
