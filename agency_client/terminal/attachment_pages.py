"""Attachments as a person and a program see them: caption, what the sender says they are, size, and where they are."""

from collections.abc import Sequence

from agency_client.attachments.listing import AttachmentLine, Place
from agency_client.terminal.moments import spell_moment
from agency_client.terminal.output import Cell, Output, Tone

_UNITS = ("bytes", "KiB", "MiB", "GiB")
_ID_CHARACTERS = 8
_PLACES = {
    Place.HERE: ("here", Tone.GOOD),
    Place.IN_PART: ("partly here", Tone.CAUTION),
    Place.AT_THE_EXCHANGE: ("at the exchange", Tone.NORMAL),
    Place.GONE: ("gone from the exchange", Tone.BAD),
    Place.SENT: ("sent with the message", Tone.NORMAL),
}


def show_attachments(output: Output, lines: Sequence[AttachmentLine]) -> None:
    """Show what a message carries, and what its alert only names; nothing where there is neither."""
    if not lines:
        return
    output.show_line("")
    output.show_line("Attachments", Tone.STRONG)
    output.show_details((line.id[:_ID_CHARACTERS], _spell_line(line)) for line in lines)


def show_places(output: Output, lines: Sequence[AttachmentLine]) -> None:
    """Show attachments as a table, with where their bytes are."""
    rows = [
        (
            line.id[:_ID_CHARACTERS],
            line.caption,
            "" if line.marking is None else line.marking.label,
            line.name,
            line.media_type,
            spell_size(line.size) if line.place else "",
            _spell_place(line),
        )
        for line in lines
    ]
    titles = ("id", "caption", "marking", "name", "seems to be", "size", "where")
    output.show_table(titles, rows, empty="nothing is attached")


def describe_line(line: AttachmentLine) -> dict[str, object]:
    """Return one attachment as `--json` shows it."""
    return {
        "id": line.id,
        "caption": line.caption,
        "marking": None if line.marking is None else line.marking.value,
        "name": line.name or None,
        "media_type": line.media_type or None,
        "size": line.size if line.place else None,
        "sha256": line.sha256 or None,
        "where": None if line.place is None else line.place.value,
        "until": line.until,
    }


def spell_size(size: int) -> str:
    """Return a size in the unit a person reads: `1.4 MiB`."""
    value, unit = float(size), 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.0f} {_UNITS[unit]}" if unit == 0 else f"{value:.1f} {_UNITS[unit]}"


def _spell_line(line: AttachmentLine) -> str:
    marking = "" if line.marking is None else f", {line.marking.label}"
    if line.place is None:
        return f"{line.caption}{marking} (only named: it did not travel with the message)"
    return f"{line.caption}{marking}: {line.name}, {spell_size(line.size)}, seems to be {line.media_type}"


def _spell_place(line: AttachmentLine) -> Cell:
    if line.place is None:
        return Cell("did not travel", Tone.QUIET)
    words, tone = _PLACES[line.place]
    return Cell(words if line.until is None else f"{words} until {spell_moment(line.until)}", tone)
