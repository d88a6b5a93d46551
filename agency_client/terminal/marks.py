"""Marks beside what is shown that a person must not overlook. Pure."""

from agency_client.terminal.output import Cell, Tone

NOT_YET_WITNESSED = "not yet witnessed"


def mark_witnessed(state: str, tone: Tone, *, is_witnessed: bool) -> Cell:
    """Return a state as it is shown, marked where the quorum has not seen the leaf behind it."""
    return Cell(state, tone) if is_witnessed else Cell(f"{state}, {NOT_YET_WITNESSED}", Tone.CAUTION)
