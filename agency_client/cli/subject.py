"""`agency subject`: what this agency holds of one person, whom it told, and the answer for the person."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agency_client.cli.invocation import get_invocation

if TYPE_CHECKING:
    from agency_client.duties.subject_report import SubjectReport
    from agency_client.node import Node


def register(app: typer.Typer) -> None:
    """Add the verbs of this group."""
    group = typer.Typer(
        help="Answer a person who asks what is held about them.", no_args_is_help=True, rich_markup_mode=None
    )
    group.command("report")(_report)
    group.callback()(_describe_group)
    app.add_typer(group, name="subject")


def _describe_group() -> None:
    """Answer a person who asks what is held about them."""


def _report(
    context: typer.Context,
    reason: Annotated[str, typer.Option(help="Why you look; in this agency's access log.", show_default=False)],
    document: Annotated[
        list[str] | None, typer.Option(metavar="STATE:NUMBER", help="A document of the person; may be repeated.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="The name, its parts in any order; with --birth.")] = None,
    birth: Annotated[str | None, typer.Option(help="The birth date, like 1974-08-12.")] = None,
    phone: Annotated[list[str] | None, typer.Option(help="A telephone number, like +447700900123.")] = None,
    email: Annotated[list[str] | None, typer.Option(help="An e-mail address.")] = None,
    iban: Annotated[list[str] | None, typer.Option(help="An account of the person.")] = None,
    wallet: Annotated[list[str] | None, typer.Option(help="A wallet's address, on whatever chain.")] = None,
    plate: Annotated[list[str] | None, typer.Option(help="A number plate.")] = None,
    personal_number: Annotated[list[str] | None, typer.Option(help="A personal number.")] = None,
    reference: Annotated[
        list[str] | None, typer.Option(help="The subject_reference of a question, own or a partner's.")
    ] = None,
    case: Annotated[str | None, typer.Option(help="Your case reference.")] = None,
    out: Annotated[
        Path | None, typer.Option("--for-person", metavar="FILE", help="Write the answer for the person to a new file.")
    ] = None,
) -> None:
    """List everything held, sent, received, read and disclosed about one person. Nothing is decrypted.

    What a caveat withholds, and what may be a namesake's, is shown to you and left out of the file for the person.

    \b
    Examples:
      agency subject report --document UTO:L898902C3 --reason "request 12/26"
      agency subject report --name "Anna Maria Eriksson" --birth 1974-08-12 --reason "request 12/26" \\
          --for-person answer.json
    """
    from agency_client.duties.subject_report import SubjectQuery, report_subject
    from agency_client.node import Node
    from agency_client.terminal.subject_pages import describe_message, show_report

    invocation = get_invocation(context)
    query = SubjectQuery(
        documents=tuple(document or ()),
        name=name,
        birth_date=birth,
        phones=tuple(phone or ()),
        emails=tuple(email or ()),
        ibans=tuple(iban or ()),
        wallets=tuple(wallet or ()),
        plates=tuple(plate or ()),
        personal_numbers=tuple(personal_number or ()),
        references=tuple(reference or ()),
    )
    with Node(invocation.open_profile(), invocation.clock) as node:
        report = report_subject(node, query, reason=reason, case=case)
        if out is not None:
            told = _write_answer(node, report, out, reason, case)
            invocation.output.say(f"{out}: {told} of {len(report.messages)} messages are told to the person")
    show_report(invocation.output, report)
    for item in report.messages:
        invocation.output.write_json(describe_message(item))


def _write_answer(node: "Node", report: "SubjectReport", out: Path, reason: str, case: str | None) -> int:
    """Write the answer for the person, on record before it exists; return how many messages it tells of."""
    from agency_client.duties.subject_report import note_answer
    from agency_client.profiles.private_files import write_private_file
    from agency_client.terminal.output import format_json
    from agency_client.terminal.subject_pages import write_for_person

    note_answer(node, reason=reason, case=case)
    write_private_file(out, format_json(write_for_person(report)).encode() + b"\n")
    return len(report.list_for_person())
