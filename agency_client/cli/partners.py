"""`agency partners`, `agency partner …`: how each partner stands, whom to call, and statuses carried as files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agency_client.cli.invocation import Invocation, get_invocation
from agency_client.terminal.output import Tone

if TYPE_CHECKING:
    from agency_client.directory.carried import CarriedRevocation
    from agency_client.statuses.files import ImportedStatus

Partner = Annotated[str, typer.Argument(help="The partner's id, like VN.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this group."""
    app.command("partners")(_list)
    words = "See how a partner stands, and carry statuses as files."
    group = typer.Typer(help=words, no_args_is_help=True, rich_markup_mode=None)
    for name, verb in (("show", _show), ("list", _list), ("export", _export), ("import", _import)):
        group.command(name)(verb)
    app.add_typer(group, name="partner")


def _list(context: typer.Context) -> None:
    """List the partners: how old each one's last status is, what is missing, which agreements stand, whom to call.

    A status older than 24 hours is marked; after 72 nothing new is sent but a threat to life.

    \b
    Examples:
      agency partners
      agency partners --json
    """
    from agency_client.agreements.desks import say_whom_to_call
    from agency_client.node import Node
    from agency_client.statuses.standing import list_standings
    from agency_client.terminal.partner_pages import describe_standing, list_row, show_asked, warn_of_ages, warn_of_gaps

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        standings = list_standings(node)
    output = invocation.output
    titles = ("partner", "status", "number", "key set", "missing", "agreements", "duty desk")
    empty = "no agreement with anybody is known here; agency sync pulls what partners said"
    output.show_table(titles, [list_row(standing) for standing in standings], empty=empty)
    whom = {standing.agency: say_whom_to_call(standing.agency, standing.desks) for standing in standings}
    warn_of_ages(output, [standing.age for standing in standings], whom)
    warn_of_gaps(output, standings)
    show_asked(output, standings)
    output.write_json({"partners": [describe_standing(standing) for standing in standings]})


def _show(context: typer.Context, partner: Partner) -> None:
    """Show one partner in full: whether to trust what comes from it now, what is missing, and whom to call.

    What its duty desk can compare by telephone: the number of the last status each of you has signed and seen.

    \b
    Example:
      agency partner show VN
    """
    from agency_client.node import Node
    from agency_client.statuses.standing import view_partner
    from agency_client.terminal.partner_pages import describe_standing, show_standing
    from agency_client.wire_names import parse_agency_id

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        standing = view_partner(node, parse_agency_id(partner))
    show_standing(invocation.output, standing)
    invocation.output.write_json(describe_standing(standing))


def _export(
    context: typer.Context,
    partner: Partner,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where to write the signed status.")],
) -> None:
    """Write our status for a partner to a file: to carry it past an exchange that keeps it back.

    A fresh one is signed where one is due. Nothing in it is secret; that it arrives is what matters.

    \b
    Example:
      agency partner export VN --out status-for-VN.json
    """
    from agency_client.node import Node
    from agency_client.profiles.public_files import write_new_file
    from agency_client.statuses.files import export_status
    from agency_client.wire_names import parse_agency_id

    invocation = get_invocation(context)
    name = parse_agency_id(partner)
    with Node(invocation.open_profile(), invocation.clock) as node:
        exported = export_status(node, name)
    write_new_file(out, exported.file.canonical())
    place = "in the log too" if exported.is_logged else "not in the log yet"
    invocation.output.say(f"status {exported.seq} for {name} is in {out}; it is {place}")
    for agreement in exported.unlogged_agreements:
        words = f"the log lacks our last step of agreement {agreement}"
        command = f"agency agreement export {agreement} --out steps.json"
        invocation.output.say(f"{words}; carry it too: {command}", Tone.CAUTION)
    invocation.output.write_json(
        {
            "partner": name,
            "seq": exported.seq,
            "logged": exported.is_logged,
            "file": out,
            "unlogged_agreements": exported.unlogged_agreements,
        }
    )


def _import(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="What the partner exported; several are taken in turn.")],
) -> None:
    """Take in a partner's status, or its revocations, from a file. What narrows works at once.

    \b
    Examples:
      agency partner import status-of-VN.json
      agency partner import VN-revocations.json
    """
    from agency_client.directory.carried import RevocationsFile, import_revocations, read_revocations_file
    from agency_client.node import Node
    from agency_client.profiles.public_files import read_foreign_file
    from agency_client.statuses.files import import_status, read_status_file

    invocation = get_invocation(context)
    contents = [read_foreign_file(file) for file in files]
    read = [read_revocations_file(data) or read_status_file(data) for data in contents]
    with Node(invocation.open_profile(), invocation.clock) as node:
        for file in read:
            if isinstance(file, RevocationsFile):
                _show_revocations(invocation, import_revocations(node, file))
            else:
                _show_imported(invocation, import_status(node, file))


def _show_revocations(invocation: Invocation, imported: "list[CarriedRevocation]") -> None:
    for item in imported:
        revocation = item.revocation
        words = f"{revocation.agency} has revoked {len(revocation.kids)} keys ({revocation.reason})"
        since = f"from {revocation.effective_from:%Y-%m-%d %H:%M} UTC on"
        standing = "it counts from now on" if item.is_new else "it was here already"
        shown = "the log has it too" if item.is_logged else "the log has not shown it here"
        tone = Tone.CAUTION if item.is_new else Tone.QUIET
        invocation.output.say(f"{words}, {since}; {standing}; {shown}", tone)
    invocation.output.write_json(
        {
            "revocations": [
                {
                    "agency": item.revocation.agency,
                    "kids": item.revocation.kids,
                    "reason": item.revocation.reason,
                    "effective_from": item.revocation.effective_from,
                    "new": item.is_new,
                    "logged": item.is_logged,
                }
                for item in imported
            ]
        }
    )


def _show_imported(invocation: Invocation, imported: "ImportedStatus") -> None:
    output, status, report = invocation.output, imported.status, imported.report
    if imported.is_new:
        output.say(
            f"status {status.seq} of {status.agency}, signed {status.time:%Y-%m-%d %H:%M} UTC, counts from now on; "
            "it has no leaf: that the exchange had it cannot be shown to others, and its time is its signer's word",
            Tone.GOOD,
        )
    problem = report.problems.get(status.agency)
    if problem is not None or not imported.is_new:
        output.say(problem.sentence if problem else f"status {status.seq} of {status.agency} was here already")
    for alarm in report.alarms:
        output.say(f"ALARM {alarm.code}: {alarm.sentence}", Tone.BAD)
    if any(alarm.code == "step-hidden" for alarm in report.alarms):
        output.say(f"ask {status.agency} for the steps as well: agency agreement export, there", Tone.CAUTION)
    output.write_json(_describe_imported(imported))


def _describe_imported(imported: "ImportedStatus") -> dict[str, Any]:
    status = imported.status
    return {
        "partner": status.agency,
        "seq": status.seq,
        "signed_at": status.time,
        "new": imported.is_new,
        "revoked": status.revoked,
        "alarms": [{"code": alarm.code, "sentence": alarm.sentence} for alarm in imported.report.alarms],
    }
