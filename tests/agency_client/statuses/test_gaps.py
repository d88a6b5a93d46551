"""A gap is an alarm after 15 minutes in which this node has emptied its inbox, and says what to ask."""

from datetime import UTC, datetime, timedelta

import pytest

from agency_client.local_store.inbound_streams import Gap
from agency_client.statuses.gaps import describe_gap, list_alarming, spell_numbers

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
STREAM = "AAAAAAAAAAAAAAAAAAAAAQ"


def make_gap(minutes: float, *, first: int = 3, last: int = 4, is_tail: bool = False) -> Gap:
    """Return a gap that has been known for so long."""
    return Gap("VN", STREAM, first, last, NOW - minutes * MINUTE, is_tail)


@pytest.mark.parametrize(
    ("age", "emptied", "is_alarm"),
    [
        (14, 0, False),
        (15, 0, False),
        (16, 0, True),
        (600, 0, True),
        (600, 590, False),  # emptied ten minutes after it became known, and not since: this node is away
        (600, 580, True),
    ],
)
def test_a_gap_is_an_alarm_after_a_quarter_of_an_hour_at_the_inbox(age: int, emptied: int, is_alarm: bool) -> None:
    gap = make_gap(age)
    assert list_alarming([gap], NOW - emptied * MINUTE) == ([gap] if is_alarm else [])


def test_a_node_that_never_emptied_its_inbox_raises_none() -> None:
    assert list_alarming([make_gap(600)], None) == []


def test_an_alarm_names_numbers_stream_and_moment() -> None:
    alarm = describe_gap(make_gap(37), NOW)
    assert alarm.code == "gap-open"
    assert alarm.sentence == (
        "VN: messages 3 to 4 of stream AAAAAAAA missing since 2026-11-21 11:23 UTC (37 min); later ones came"
    )


def test_a_tail_is_told_from_a_hole() -> None:
    alarm = describe_gap(make_gap(37, is_tail=True), NOW)
    assert alarm.code == "tail-missing"
    assert "its status says that they were sent" in alarm.sentence


def test_what_may_explain_it_is_said() -> None:
    sentence = describe_gap(make_gap(37), NOW, claimants=2, is_held=True).sentence
    assert "2 here claim one of these numbers, unproven" in sentence
    assert "suspended" in sentence


def test_one_number_is_one_message() -> None:
    assert spell_numbers(make_gap(1, first=3, last=3)) == "message 3"
