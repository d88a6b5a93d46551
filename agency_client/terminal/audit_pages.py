"""What `agency audit` shows: rows of both logs, the verdict on an export, the transfers by their grounds."""

from collections.abc import Iterable, Sequence
from typing import Any

from agency_client.audit.checking import AuditVerdict
from agency_client.audit.rows import AuditRow
from agency_client.local_store.duties import TransferRecord
from agency_client.terminal.moments import spell_moment
from agency_client.terminal.output import Cell, Output, Tone

_SHORT = 8


def show_verdict(output: Output, verdict: AuditVerdict) -> None:
    """Show part by part what holds and what does not."""
    header = verdict.header
    output.say(f"export of {header.agency} from {header.made_at:%Y-%m-%d %H:%M} UTC: {header.reason}")
    for part in verdict.parts:
        mark, tone = ("holds", Tone.GOOD) if part.holds else (f"{part.failed} FAIL", Tone.BAD)
        output.show_line(f"{mark}\t{part.holding} {part.name}".replace("\t", ": "), tone)
        for sentence in part.failures:
            output.show_line(f"  {sentence}", Tone.BAD)
    output.say("everything holds" if verdict.holds else "IT DOES NOT HOLD", Tone.GOOD if verdict.holds else Tone.BAD)


def describe_verdict(verdict: AuditVerdict) -> dict[str, Any]:
    """Return the verdict for a program."""
    return {
        "holds": verdict.holds,
        "exchange": verdict.header.exchange,
        "agency": verdict.header.agency,
        "size": verdict.checkpoint.size if verdict.checkpoint else None,
        "parts": [
            {"name": part.name, "holding": part.holding, "failed": part.failed, "failures": part.failures}
            for part in verdict.parts
        ],
    }


def show_rows(output: Output, rows: Iterable[AuditRow]) -> None:
    """Show what happened, in the order of time, as a table or as JSON lines."""
    listed = list(rows)
    output.show_table(
        ("when", "leaf", "who", "action", "what", "between", "message", "about", "outcome", "reason"),
        [
            (
                spell_moment(row.time),
                f"{row.place} ✓" if row.source == "exchange" else Cell(f"own {row.place}", Tone.QUIET),
                row.who,
                row.action,
                row.what,
                row.partner,
                row.message[:_SHORT],
                row.about,
                Cell(row.outcome, Tone.BAD if row.what == "refused" or row.outcome == "denied" else Tone.NORMAL),
                row.reason,
            )
            for row in listed
        ],
        empty="nothing here",
    )
    for row in listed:
        output.write_json(
            {
                "source": row.source.value,
                "place": row.place,
                "time": row.time,
                "who": row.who,
                "action": row.action,
                "what": row.what,
                "about": row.about,
                "between": row.partner,
                "message": row.message or None,
                "outcome": row.outcome,
                "reason": row.reason or None,
            }
        )


def show_transfers(output: Output, records: Sequence[TransferRecord]) -> None:
    """Show transfers: when, to whom, on which ground, why, with whose authorisation, which data."""
    output.show_table(
        ("when", "to", "ground", "found in", "justification", "authorisation", "data", "message"),
        [
            (
                spell_moment(record.at),
                record.recipient,
                record.ground,
                record.reference,
                record.justification,
                record.authorisation,
                record.data,
                record.message[:_SHORT],
            )
            for record in records
        ],
        empty="no such transfer",
    )


def describe_transfer(record: TransferRecord) -> dict[str, Any]:
    """Return a transfer for a program."""
    return {
        "at": record.at,
        "recipient": record.recipient,
        "ground": record.ground,
        "reference": record.reference,
        "justification": record.justification or None,
        "authorisation": record.authorisation or None,
        "purpose": record.purpose,
        "data": record.data,
        "message": record.message,
    }


def spell_wire(value: object) -> str:
    """Return a wire value in words, whatever its shape."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {spell_wire(item)}" for name, item in value.items())
    if isinstance(value, list):
        return "; ".join(spell_wire(item) for item in value)
    return str(value)
