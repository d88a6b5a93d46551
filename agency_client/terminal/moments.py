"""Moments in words: as they stand, and how far away they are. Pure."""

from datetime import datetime, timedelta

from agency_client.terminal.output import Cell, Tone

SOON = timedelta(hours=1)


def spell_moment(moment: datetime) -> str:
    """Return a moment as it is shown everywhere."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def spell_duration(length: timedelta) -> str:
    """Return a length of time in its two largest units: `2 d 3 h`, `1 h 05 min`, `4 min`."""
    minutes = int(abs(length).total_seconds() // 60)
    days, hours = minutes // 1440, minutes // 60 % 24
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60:02} min" if hours else f"{minutes} min"


def make_due_cell(due: datetime | None, answered: datetime | None, now: datetime) -> Cell:
    """Return when an answer is due, seen from now: red under an hour and when it is late."""
    if due is None:
        return Cell("")
    if answered is not None:
        return Cell("answered", Tone.QUIET)
    left = due - now
    if left < timedelta():
        return Cell(f"{spell_duration(left)} late", Tone.BAD)
    return Cell(f"in {spell_duration(left)}", Tone.BAD if left < SOON else Tone.NORMAL)
