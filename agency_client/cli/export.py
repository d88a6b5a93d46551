"""`agency export`: one message in a file that anybody checks offline; `agency verify FILE` checks it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agency_client.cli.answer_options import Case, MessageId
from agency_client.cli.invocation import Invocation, get_invocation
from agency_client.terminal.output import Tone

if TYPE_CHECKING:
    from agency_client.interchange.exporting import Written
    from agency_client.node import Node
    from agency_client.onward.bundle import MessageBundle
    from agency_client.onward.exporting import Export

_BUNDLE = "bundle"
_MARK = b'"type":"message-bundle"'


def register(app: typer.Typer) -> None:
    """Add the verbs of this group."""
    app.command("export")(_export)


def _export(
    context: typer.Context,
    message_id: MessageId,
    out: Annotated[Path, typer.Option("--out", "-o", help="The new file; nothing is overwritten.")],
    reason: Annotated[str, typer.Option(help="Why; it stands in this agency's access log.")],
    as_: Annotated[
        str,
        typer.Option(
            "--as", help="bundle, which anybody can check; html or pdf to read and print; for tools stix, misp, csv."
        ),
    ] = _BUNDLE,
    use: Annotated[str, typer.Option(help="own-file, or court: that needs the originator's consent.")] = "own-file",
    court: Annotated[str | None, typer.Option(help="The court, as in the consent.")] = None,
    proceeding: Annotated[str | None, typer.Option(help="The proceeding, as in the consent.")] = None,
    purpose: Annotated[str | None, typer.Option(help="What for; as it was sent for, if left out.")] = None,
    case: Case = None,
) -> None:
    """Write a received message into a private file with all that proves it: signatures, log, keys, consent.

    With --as it is a file for your agency's own use instead, which proves nothing: a page to read and print, in the
    language of --lang, or the alert alone for your tools.

    \b
    Examples:
      agency export 5d1c8a52 --out alert.json --reason "file 74/08"
      agency export 5d1c8a52 --as html --lang ar --out report.html --reason "briefing, case 74/08"
      agency export 5d1c8a52 --as pdf --lang vi --out report.pdf --reason "file for the prosecutor, case 74/08"
      agency export 5d1c8a52 --as stix --out alert.stix.json --reason "link analysis, case 74/08"
      agency export 5d1c8a52 --use court --court "Brussels" --proceeding 74/08 -o alert.json --reason "trial"
    """
    from agency_client.errors import UsageError
    from agency_client.onward.bundle import ExportUse

    invocation = get_invocation(context)
    if as_ == _BUNDLE:
        wanted = _read_wish(message_id, use, reason, case, purpose, court=court, proceeding=proceeding)
        _export_bundle(invocation, out, wanted)
        return
    if use != ExportUse.OWN_FILE or court or proceeding or purpose:
        raise UsageError("a file for tools is for your own work: leave out --use, --court, --proceeding, --purpose")
    _export_for_tools(invocation, message_id, out, as_, reason, case)


def _read_wish(
    message_id: str,
    use: str,
    reason: str,
    case: str | None,
    purpose: str | None,
    *,
    court: str | None,
    proceeding: str | None,
) -> "Export":
    from agency_client.cli.release import read_court
    from agency_client.onward.bundle import ExportUse
    from agency_client.onward.exporting import Export
    from agency_client.typed_codes import parse_code
    from schemas.markings import Purpose

    return Export(
        message_id,
        parse_code(ExportUse, use, "use"),
        reason,
        case,
        None if purpose is None else parse_code(Purpose, purpose, "purpose"),
        read_court(court, proceeding),
    )


def _export_bundle(invocation: Invocation, out: Path, wanted: "Export") -> None:
    from agency_client.node import Node
    from agency_client.onward.exporting import export_message

    with Node(invocation.open_profile(), invocation.clock) as node:
        bundle = export_message(node, out, wanted)
    invocation.output.say(f"{out}: check it with: agency verify {out}", Tone.GOOD)
    invocation.output.write_json({"file": out, "use": bundle.use.value, "made_at": bundle.made_at})


def _export_for_tools(
    invocation: Invocation, message_id: str, out: Path, as_: str, reason: str, case: str | None
) -> None:
    from agency_client.node import Node

    output = invocation.output
    with Node(invocation.open_profile(), invocation.clock) as node:
        written = _write_file(node, invocation, message_id, out, as_, reason, case)
    output.say(f"{out}: a {written.format.label}, for your agency's own use", Tone.GOOD)
    for mark in written.marks:
        output.say(f"the message is {mark}: the file says so too", Tone.CAUTION)
    for item in written.not_carried:
        output.say(f"not in it: {item.field} ({item.why})", Tone.CAUTION)
    output.write_json(
        {
            "file": out,
            "format": written.format.value,
            "marks": written.marks,
            "not_carried": [{"field": item.field, "why": item.why} for item in written.not_carried],
        }
    )


def _write_file(
    node: "Node", invocation: Invocation, message_id: str, out: Path, as_: str, reason: str, case: str | None
) -> "Written":
    from agency_client.interchange.exporting import Format, export_alert
    from agency_client.interchange.report.exporting import ReportFormat, export_report
    from agency_client.typed_codes import parse_code

    if as_ in {format_.value for format_ in ReportFormat}:
        format_ = parse_code(ReportFormat, as_, "as")
        return export_report(node, out, message_id, format_, reason=reason, case=case, words=invocation.words)
    return export_alert(node, out, message_id, parse_code(Format, as_, "as"), reason=reason, case=case)


def is_message_bundle(file: Path) -> bool:
    """Return whether a file says of itself that it is an exported message."""
    with file.open("rb") as opened:
        data = opened.read(16 << 20)
    return data.startswith(b"{") and _MARK in data and b"\n" not in data


def verify_bundle_file(invocation: Invocation, file: Path) -> None:
    """Check an exported message, show every step that holds, and the anchors to compare with paper.

    Raises:
        VerificationFailedError: a step does not hold.
    """
    from agency_client.cli.ceremony import show_anchor
    from agency_client.duties.conditions import Conditions
    from agency_client.onward.checking import check_message_bundle, read_bundle
    from agency_client.profiles.public_files import read_foreign_file
    from agency_client.terminal.alert_page import make_banner_rules

    output = invocation.output
    bundle = read_bundle(read_foreign_file(file))
    verdict = check_message_bundle(bundle)
    conditions = Conditions(verdict.header.routing.marking, verdict.alert)
    rules = make_banner_rules(verdict.alert)
    output.show_banner(conditions.marking.label, rules)
    for number, sentence in enumerate(verdict.sentences, start=1):
        output.show_line(f"{number}. {sentence}", Tone.GOOD)
    maker = f"{bundle.made_by} says that it made this on {bundle.made_at:%Y-%m-%d}: {bundle.use.label.lower()}"
    output.say(maker)
    for line in _list_dispute_lines(bundle):
        output.show_line(line, Tone.BAD)
    anchors = {**verdict.exchange_anchors, **verdict.agency_anchors}
    output.say("It holds if these are the anchors on paper:", Tone.CAUTION)
    for name, anchor in anchors.items():
        show_anchor(invocation, f"anchor of {name}", anchor)
    output.show_banner(conditions.marking.label, rules)
    output.write_json(
        {
            "holds": True,
            "id": verdict.header.id,
            "from": verdict.header.sender.agency,
            **_describe(bundle),
            "steps": verdict.sentences,
            "anchors": anchors,
            "conditions": conditions.describe(),
            "alert": verdict.alert.to_wire(),
        }
    )


def _list_dispute_lines(bundle: "MessageBundle") -> list[str]:
    """Return what whoever made the file says of challenges of the report in it."""
    if bundle.disputed is None:
        return []
    marks = ", ".join(bundle.disputed.marks)
    by = (f"by {item.lodged_by} on {item.lodged_on}: {item.ground.label}" for item in bundle.disputed.challenges)
    return [f"{marks}, says {bundle.made_by}", *by]


def _describe(bundle: "MessageBundle") -> dict[str, object]:
    court = None if bundle.court is None else bundle.court.to_wire()
    disputed = None if bundle.disputed is None else bundle.disputed.to_wire()
    made = {"made_by": bundle.made_by, "made_at": bundle.made_at, "use": bundle.use.value}
    return made | {"court": court, "disputed": disputed}
