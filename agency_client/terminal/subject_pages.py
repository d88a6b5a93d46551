"""What `agency subject report` shows: to the officer everything found, to the person what a person is told."""

from typing import Any

from agency_client.duties.subject_report import DisclosureTo, HeldMessage, SubjectReport
from agency_client.terminal.moments import spell_moment
from agency_client.terminal.output import Cell, Output, Tone

_SHORT = 8
_RIGHTS = (
    "You may ask this agency to correct or erase the data, or to restrict their processing, and complain to the data "
    "protection supervisor. Data whose disclosure would harm an investigation or another person are not in this list."
)


def show_report(output: Output, report: SubjectReport) -> None:
    """Show the officer every message found, and beneath each who read it and to whom it went."""
    for item in report.messages:
        output.show_line("")
        output.show_details(_list_message(item))
        for disclosure in item.disclosures:
            output.show_line(f"  disclosed to {_spell_disclosure(disclosure)}")
        for entry in item.accesses:
            words = f"{entry.action.value} ({entry.verb}) by {entry.officer}: {entry.reason}"
            output.show_line(f"  {spell_moment(entry.time)}  {words}", Tone.QUIET)
    held = sum(item.is_held for item in report.messages)
    output.say(f"{len(report.messages)} messages, {held} of them still held here")
    for item in report.messages:
        output.write_json(describe_message(item))


def describe_message(item: HeldMessage) -> dict[str, Any]:
    """Return one message of the report for a program."""
    return describe_for_person(item) | {
        "digest": item.digest,
        "found_by": item.found_by,
        "possible": item.is_possible,
        "withheld": item.is_withheld,
        "restricted": item.is_restricted,
        "accesses": [
            {
                "at": entry.time,
                "officer": entry.officer,
                "action": entry.action.value,
                "verb": entry.verb,
                "reason": entry.reason,
                "outcome": entry.outcome,
            }
            for entry in item.accesses
        ],
    }


def describe_for_person(item: HeldMessage) -> dict[str, Any]:
    """Return what the person is told of one message (article 14): nobody's name, and no reason of an officer."""
    return {
        "id": item.message_id,
        "direction": "sent" if item.is_own else "received",
        "from" if not item.is_own else "to": item.partner,
        "kind": item.kind,
        "at": item.at,
        "roles": item.roles,
        "purpose": item.purpose,
        "agreement": item.agreement,
        "legal_basis": item.legal_basis,
        "held": item.is_held,
        "kept_until": item.kept_until,
        "erased_at": item.erased_at,
        "read": sum(entry.action.value == "consultation" for entry in item.accesses),
        "disclosed_to": [_describe_disclosure(disclosure) for disclosure in item.disclosures],
    }


def write_for_person(report: SubjectReport) -> dict[str, Any]:
    """Return the whole answer to a person as plain values."""
    return {
        "agency": report.agency,
        "made_at": report.made_at,
        "messages": [describe_for_person(item) for item in report.list_for_person()],
        "rights": _RIGHTS,
    }


def _list_message(item: HeldMessage) -> list[tuple[str, str | Cell]]:
    certainty = Cell("possible: a person must compare", Tone.CAUTION) if item.is_possible else Cell("certain")
    kept = "held" if item.is_held else "not held"
    until = f", until {spell_moment(item.kept_until)}" if item.kept_until else ""
    erased = f"erased {spell_moment(item.erased_at)}: {item.erased_because}" if item.erased_at else ""
    marks = [word for word, is_so in (("withheld", item.is_withheld), ("restricted", item.is_restricted)) if is_so]
    lines: list[tuple[str, str | Cell]] = [
        ("message", f"{item.message_id[:_SHORT]} {item.kind}, {'sent to' if item.is_own else 'from'} {item.partner}"),
        ("when", spell_moment(item.at)),
        ("found by", ", ".join(item.found_by)),
        ("match", certainty),
        ("as", ", ".join(item.roles)),
        ("purpose", item.purpose),
        ("under", "; ".join([item.agreement, *item.legal_basis])),
        ("content", erased or f"{kept}{until}"),
        ("for the person", Cell(f"left out: {', '.join(marks)}", Tone.CAUTION) if marks else "may be told"),
    ]
    return [line for line in lines if line[1]]


def _spell_disclosure(disclosure: DisclosureTo) -> str:
    facts = ", ".join(f"{fact.fact.value} {spell_moment(fact.at)}" for fact in disclosure.facts) or "nothing known yet"
    transfer = disclosure.transfer
    ground = "" if transfer is None else f"; transfer by {transfer.ground} ({transfer.reference})"
    return f"{disclosure.agency}: {facts}{ground}"


def _describe_disclosure(disclosure: DisclosureTo) -> dict[str, Any]:
    transfer = disclosure.transfer
    return {
        "agency": disclosure.agency,
        "facts": [{"fact": fact.fact.value, "at": fact.at} for fact in disclosure.facts],
        "ground": None if transfer is None else transfer.ground,
        "reference": None if transfer is None else transfer.reference,
    }
