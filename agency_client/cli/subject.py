"""`agency subject`: what this agency holds of one person, whom it told, and the answer for the person."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agency_client.cli.invocation import get_invocation

if TYPE_CHECKING:
    from agency_client.duties.subject_report import SubjectQuery, SubjectReport
    from agency_client.node import Node
    from agency_client.terminal.output import Output

Documents = Annotated[
    list[str] | None, typer.Option(metavar="STATE:NUMBER", help="A document of the person; may be repeated.")
]
References = Annotated[list[str] | None, typer.Option(help="The subject_reference of a question, own or a partner's.")]
ForPerson = Annotated[
    Path | None, typer.Option("--for-person", metavar="FILE", help="Write the answer for the person to a new file.")
]


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
    document: Documents = None,
    name: Annotated[str | None, typer.Option(help="The name, its parts in any order; with --birth.")] = None,
    birth: Annotated[str | None, typer.Option(help="The birth date, like 1974-08-12.")] = None,
    phone: Annotated[list[str] | None, typer.Option(help="A telephone number, like +447700900123.")] = None,
    email: Annotated[list[str] | None, typer.Option(help="An e-mail address.")] = None,
    iban: Annotated[list[str] | None, typer.Option(help="An account of the person.")] = None,
    wallet: Annotated[list[str] | None, typer.Option(help="A wallet's address, on whatever chain.")] = None,
    plate: Annotated[list[str] | None, typer.Option(help="A number plate.")] = None,
    personal_number: Annotated[list[str] | None, typer.Option(help="A personal number.")] = None,
    reference: References = None,
    case: Annotated[str | None, typer.Option(help="Your case reference.")] = None,
    out: ForPerson = None,
) -> None:
    """List everything held, sent, received, read and disclosed about one person. Nothing is decrypted.

    What a caveat withholds, and what may be a namesake's, is shown to you and left out of the file for the person.

    \b
    Examples:
      agency subject report --document UTO:L898902C3 --reason "request 12/26"
      agency subject report --name "Anna Maria Eriksson" --birth 1974-08-12 --reason "request 12/26" \\
          --for-person answer.json
    """
    from agency_client.duties.subject_report import report_subject
    from agency_client.node import Node
    from agency_client.terminal.subject_pages import show_report

    invocation = get_invocation(context)
    query = _make_query(
        name,
        birth,
        documents=document,
        phones=phone,
        emails=email,
        ibans=iban,
        wallets=wallet,
        plates=plate,
        personal_numbers=personal_number,
        references=reference,
    )
    with Node(invocation.open_profile(), invocation.clock) as node:
        report = report_subject(node, query, reason=reason, case=case)
        if out is not None:
            _write_answer(invocation.output, node, report, out, reason, case)
    show_report(invocation.output, report)


def _make_query(name: str | None, birth: str | None, **lists: list[str] | None) -> "SubjectQuery":
    from agency_client.duties.subject_report import SubjectQuery

    given = {field: tuple(values or ()) for field, values in lists.items()}
    return SubjectQuery(name=name, birth_date=birth, **given)


def _write_answer(
    output: "Output", node: "Node", report: "SubjectReport", out: Path, reason: str, case: str | None
) -> None:
    """Write the answer for the person, on record before it exists, and say how many messages it tells of."""
    from agency_client.duties.subject_report import note_answer
    from agency_client.profiles.private_files import write_private_file
    from agency_client.terminal.output import format_json
    from agency_client.terminal.subject_pages import write_for_person

    note_answer(node, reason=reason, case=case)
    write_private_file(out, format_json(write_for_person(report)).encode() + b"\n")
    told = len(report.list_for_person())
    output.say(f"{out}: {told} of {len(report.messages)} messages are told to the person")
