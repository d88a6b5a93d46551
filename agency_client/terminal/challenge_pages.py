"""Challenges for a person: the lines above a disputed report, the tables of those lodged and received, and as JSON."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from agency_client.challenges.rules import CHALLENGED, DISMISSED, UPHELD, Disputed, Told
from agency_client.terminal.moments import make_due_cell, spell_moment
from agency_client.terminal.output import Cell, Tone
from schemas.alerts.kinds.document_status import ChallengeState

if TYPE_CHECKING:
    from agency_client.challenges.overview import ChallengeLine, ChallengeView

TITLES = ("report", "challenge", "with", "ground", "for", "state", "answer due")
SHORT_ID = 8
_WORDS = {
    ChallengeState.OPEN: CHALLENGED,
    ChallengeState.UPHELD: UPHELD,
    ChallengeState.DISMISSED: DISMISSED.upper(),
}

Row = tuple[str | Cell, ...]


def list_dispute_lines(disputed: Disputed) -> Iterator[str]:
    """Give a line for each challenge of a report, and one for what the issuing state says of it."""
    for challenge in disputed.challenges:
        whom = f", for {challenge.on_behalf_of}" if challenge.on_behalf_of else ""
        yield (
            f"{CHALLENGED} by {challenge.lodger}{whom} on {challenge.lodged_on}: {challenge.ground.label}. "
            "Nobody is to be held on this report alone"
        )
    if disputed.told is not None:
        yield _spell_told(disputed.told)


def list_rows(lines: "tuple[ChallengeLine, ...]", now: datetime) -> list[Row]:
    """Return one row for each challenge."""
    return [
        (
            line.target_id[:SHORT_ID],
            line.message_id[:SHORT_ID],
            line.partner,
            line.challenge.ground.label,
            line.challenge.on_behalf_of,
            _spell_state(line),
            make_due_cell(line.challenge.acknowledge_by, line.settled_at, now),
        )
        for line in lines
    ]


def list_open_rows(view: "ChallengeView", *, only_overdue: bool = False) -> list[Row]:
    """Return one row for each challenge that nobody has decided on, those of our own reports first."""
    lines = (line for line in (*view.received, *view.lodged) if not line.is_taken_back and line.settled_at is None)
    return list_rows(tuple(line for line in lines if not only_overdue or line.is_overdue(view.now)), view.now)


def describe_disputed(disputed: Disputed) -> dict[str, object] | None:
    """Return how far a report is disputed as `--json` shows it; None where it is not."""
    if not disputed.words:
        return None
    told = disputed.told
    return {
        "is_open": disputed.is_open,
        "challenges": [
            {
                "by": item.lodger,
                "on_behalf_of": item.on_behalf_of or None,
                "ground": item.ground.value,
                "lodged_on": item.lodged_on,
                "acknowledge_by": item.acknowledge_by,
            }
            for item in disputed.challenges
        ],
        "told_by_issuer": None
        if told is None
        else {"state": told.state.value, "lodged_on": told.lodged_on, "at": told.said_at},
    }


def describe_view(view: "ChallengeView") -> dict[str, object]:
    """Return the overview as `--json` shows it."""
    return {
        "received": [_describe_line(line, view.now) for line in view.received],
        "lodged": [_describe_line(line, view.now) for line in view.lodged],
    }


def _describe_line(line: "ChallengeLine", now: datetime) -> dict[str, object]:
    return {
        "id": line.message_id,
        "digest": line.challenge.digest,
        "about": line.target_id,
        "with": line.partner,
        "ground": line.challenge.ground.value,
        "lodged_on": line.challenge.lodged_on,
        "on_behalf_of": line.challenge.on_behalf_of or None,
        "acknowledge_by": line.challenge.acknowledge_by,
        "told": None if line.told is None else line.told.state.value,
        "settled_at": line.settled_at,
        "withdrawn": line.is_taken_back,
        "overdue": line.is_overdue(now),
    }


def _spell_told(told: Told) -> str:
    return f"{_WORDS[told.state]}, says the issuing state on {spell_moment(told.said_at)}: since {told.lodged_on}"


def _spell_state(line: "ChallengeLine") -> Cell:
    if line.is_taken_back:
        return Cell("taken back", Tone.QUIET)
    if line.told is None:
        return Cell("not answered", Tone.CAUTION)
    return Cell(line.told.state.label, Tone.GOOD if line.told.state is ChallengeState.UPHELD else Tone.CAUTION)
