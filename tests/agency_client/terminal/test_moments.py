"""Moments in words."""

from datetime import UTC, datetime, timedelta

import pytest

from agency_client.terminal.moments import make_due_cell, spell_duration, spell_moment
from agency_client.terminal.output import Tone

NOW = datetime(2026, 11, 21, 21, 2, 25, tzinfo=UTC)


def test_a_moment_is_spelt_to_the_minute() -> None:
    assert spell_moment(NOW) == "2026-11-21 21:02 UTC"


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(0, "0 min"), (59, "59 min"), (60, "1 h 00 min"), (125, "2 h 05 min"), (1440, "1 d 0 h"), (-61, "1 h 01 min")],
)
def test_a_duration_is_told_in_its_two_largest_units(minutes: int, words: str) -> None:
    assert spell_duration(timedelta(minutes=minutes)) == words


@pytest.mark.parametrize(
    ("minutes", "words", "tone"),
    [
        (59, "in 59 min", Tone.BAD),
        (60, "in 1 h 00 min", Tone.NORMAL),
        (-5, "5 min late", Tone.BAD),
    ],
)
def test_what_is_due_within_the_hour_or_late_is_red(minutes: int, words: str, tone: Tone) -> None:
    cell = make_due_cell(NOW + timedelta(minutes=minutes), None, NOW)
    assert (cell.text, cell.tone) == (words, tone)


def test_what_was_answered_or_is_not_due_does_not_press() -> None:
    assert make_due_cell(NOW, NOW, NOW).text == "answered"
    assert make_due_cell(None, None, NOW).text == ""
