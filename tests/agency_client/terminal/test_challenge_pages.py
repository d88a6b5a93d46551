"""Disputed reports for a person: a line for each challenge, rows with what is due, and nothing where nothing is."""

from datetime import UTC, datetime, timedelta

from agency_client.challenges.overview import ChallengeLine, ChallengeView
from agency_client.challenges.rules import UNDISPUTED, Challenge, Disputed, Told
from agency_client.terminal.challenge_pages import (
    describe_disputed,
    describe_view,
    list_dispute_lines,
    list_open_rows,
    list_rows,
)
from agency_client.terminal.output import Cell
from schemas.alerts.kinds.document_status import ChallengeState
from schemas.alerts.kinds.revocation_challenge import ChallengeGround

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LODGED = Challenge("A" * 43, "VN", ChallengeGround.NOT_FINAL, "2026-11-21", NOON, "BE")
DISMISSED = Told(ChallengeState.DISMISSED, "2026-11-21", NOON)


def make_line(told: Told | None = None, *, is_taken_back: bool = False) -> ChallengeLine:
    return ChallengeLine(LODGED, "5d1c8a52-6f0e", "7b5e9d10-6f0e", "GB", told, is_taken_back)


def spell(cell: str | Cell) -> str:
    return cell if isinstance(cell, str) else cell.text


def test_the_banner_says_who_disputes_it_why_and_what_the_issuing_state_says() -> None:
    challenged, told = list_dispute_lines(Disputed((LODGED,), DISMISSED))
    assert challenged.startswith("CHALLENGED by VN, for BE on 2026-11-21: The decision is not final")
    assert told.startswith("CHALLENGE DISMISSED, says the issuing state on 2026-11-21")
    assert list(list_dispute_lines(UNDISPUTED)) == []


def test_json_says_the_same_and_nothing_of_what_nobody_disputes() -> None:
    assert describe_disputed(UNDISPUTED) is None
    described = describe_disputed(Disputed((LODGED,), DISMISSED))
    assert described is not None
    assert described["is_open"] is True
    assert described["told_by_issuer"] == {"state": "dismissed", "lodged_on": "2026-11-21", "at": NOON}


def test_a_row_says_what_became_of_a_challenge() -> None:
    lines = (make_line(), make_line(DISMISSED), make_line(is_taken_back=True))
    rows = list_rows(lines, NOON - timedelta(hours=1))
    assert [spell(row[5]) for row in rows] == ["not answered", "Dismissed", "taken back"]
    assert [spell(row[0]) for row in rows] == ["7b5e9d10"] * 3


def test_what_nobody_decided_is_due_and_late_after_its_time() -> None:
    view = ChallengeView((make_line(),), (make_line(DISMISSED), make_line(is_taken_back=True)), NOON)
    assert len(list_open_rows(view)) == 1
    assert list_open_rows(view, only_overdue=True) == []
    late = ChallengeView(view.received, view.lodged, NOON + timedelta(seconds=1))
    assert len(list_open_rows(late, only_overdue=True)) == 1
    described = describe_view(late)["received"]
    assert isinstance(described, list)
    assert [item["overdue"] for item in described] == [True]
