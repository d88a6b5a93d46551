"""`agency correct`, `withdraw`, `misused-identity`, `restrict`, `breach`: what follows a message everywhere it went."""

from typing import Annotated

import typer

from agency_client.cli.answer_options import (
    DetailsFile,
    MessageId,
    Words,
    Writer,
    read_details,
    show_report,
    with_writer,
)
from agency_client.cli.invocation import get_invocation

Because = Annotated[str, typer.Option(help="The code that the partner reads; a wrong one is answered with the list.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this group."""
    app.command("correct")(_correct)
    app.command("withdraw")(_withdraw)
    app.command("misused-identity")(_misused_identity)
    app.command("restrict")(_restrict)
    app.command("breach")(_breach)


@with_writer
def _correct(
    context: typer.Context,
    message_id: MessageId,
    file: DetailsFile = None,
    change: Annotated[
        list[str] | None, typer.Option(help="FIELD=WAS=>NOW, like details.document.number=A1=>A2; again for more.")
    ] = None,
    because: Because = "typing-error",
    text: Annotated[str | None, typer.Option(help="One line that sums the correction up.")] = None,
    *,
    writer: Writer,
) -> None:
    """Correct a message this agency sent, everywhere it went: readers see both values side by side.

    \b
    Examples:
      agency correct 5d1c8a52 --change "details.document.holder.birth_date=1974-08-12=>1974-08-21"
      agency correct 5d1c8a52 correction.json --because new-findings
    """
    from agency_client.node import Node
    from agency_client.sending.noticing import correct

    invocation = get_invocation(context)
    details = {"reason": because} | read_details(invocation, file)
    if change:
        details["changes"] = [_read_change(item) for item in change]
    with Node(invocation.open_profile(), invocation.clock) as node:
        author = writer.make_author(invocation, node, f"correction: {because}")
        report = correct(node, message_id, author, details=details, subject=text)
    show_report(invocation, report)


@with_writer
def _withdraw(
    context: typer.Context,
    message_id: MessageId,
    because: Because = "sent-by-mistake",
    words: Words = None,
    required_action: Annotated[str, typer.Option(help="delete, amend or stop-using.")] = "delete",
    *,
    writer: Writer,
) -> None:
    """Take a message back that this agency sent, everywhere it went or is on its way to. It says why: --reason.

    What has not left this node yet is cancelled.

    \b
    Example:
      agency withdraw 5d1c8a52 --reason "wrong person" --because wrong
    """
    from agency_client.errors import UsageError
    from agency_client.node import Node
    from agency_client.sending.noticing import withdraw

    invocation = get_invocation(context)
    if not writer.reason:
        raise UsageError("the reason is missing", fix='say why: agency withdraw ID --reason "…"')
    with Node(invocation.open_profile(), invocation.clock) as node:
        author = writer.make_author(invocation, node, "")
        report = withdraw(node, message_id, author, because=because, words=words, required_action=required_action)
    show_report(invocation, report)


@with_writer
def _misused_identity(
    context: typer.Context,
    message_id: MessageId,
    person: Annotated[
        list[str], typer.Option(help="Where the message names the victim, like persons.0; again for more.")
    ],
    told_apart_by: Annotated[
        str | None, typer.Option(help="How to know the victim from the other; with the victim's consent only.")
    ] = None,
    words: Words = None,
    required_action: Annotated[str, typer.Option(help="mark, stop-using or delete.")] = "mark",
    *,
    writer: Writer,
) -> None:
    """Say that a person in a message this agency sent is the victim of a misused identity, and never a hit.

    \b
    Examples:
      agency misused-identity 5d1c8a52 --person details.document.holder
      agency misused-identity 5d1c8a52 --person persons.0 --told-apart-by "Carries passport L898902C4"
    """
    from agency_client.node import Node
    from agency_client.sending.noticing import mark_misused_identity

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        author = writer.make_author(invocation, node, "victim of a misused identity")
        report = mark_misused_identity(
            node,
            message_id,
            author,
            subjects=tuple(person),
            told_apart_by=told_apart_by,
            words=words,
            required_action=required_action,
        )
    show_report(invocation, report)


@with_writer
def _restrict(
    context: typer.Context,
    message_id: MessageId,
    ground: Annotated[
        str | None, typer.Option(help="The ground's code; a wrong one is answered with the list.")
    ] = None,
    allow: Annotated[
        list[str] | None, typer.Option(help="What it may be used for even so, like legal-claim; again for more.")
    ] = None,
    lift: Annotated[bool, typer.Option("--lift", help="End this agency's own restrictions of the message.")] = False,
    words: Words = None,
    *,
    writer: Writer,
) -> None:
    """Restrict a message this agency sent (article 16), everywhere it went; or lift that again.

    It is kept there and shown, exported or passed on for nothing but what --allow names.

    \b
    Examples:
      agency restrict 5d1c8a52 --ground accuracy-contested --allow legal-claim --allow evidence
      agency restrict 5d1c8a52 --lift --words "The second examination agrees with the first"
    """
    from agency_client.node import Node
    from agency_client.sending.noticing import lift_restriction, restrict

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        author = writer.make_author(invocation, node, "restriction lifted" if lift else "restriction")
        if lift:
            report = lift_restriction(node, message_id, author, ground=ground or "clarified", words=words)
        else:
            report = restrict(
                node,
                message_id,
                author,
                ground=ground or "accuracy-contested",
                still_allowed=_read_uses(allow or []),
                words=words,
            )
    show_report(invocation, report)


@with_writer
def _breach(
    context: typer.Context,
    message_id: MessageId,
    nature: Annotated[list[str], typer.Option(help="confidentiality, integrity or availability; again for more.")],
    found_at: Annotated[str, typer.Option(help="When it was found, like 2026-11-21T16:10:00Z.")],
    consequences: Annotated[str, typer.Option(help="What may come of it.")],
    measures: Annotated[str, typer.Option(help="What was done about it.")],
    contact: Annotated[str, typer.Option(help="Who tells more, and how to reach them.")],
    happened_at: Annotated[str | None, typer.Option(help="When it happened, as far as is known.")] = None,
    persons_affected: Annotated[int | None, typer.Option(min=0, help="How many persons, as near as is known.")] = None,
    words: Words = None,
    required_action: Annotated[str, typer.Option(help="mark, stop-using or delete.")] = "mark",
    *,
    writer: Writer,
) -> None:
    """Tell of a breach (article 30): of a message this agency sent everyone who has it, of another's its sender.

    \b
    Example:
      agency breach 5d1c8a52 --nature confidentiality --found-at 2026-11-21T16:10:00Z \\
          --consequences "The number may be known" --measures "Keys revoked, police told" \\
          --contact "Data protection office, +441632960961"
    """
    from agency_client.node import Node
    from agency_client.sending.noticing import Breach, report_breach

    invocation = get_invocation(context)
    breach = Breach(tuple(nature), found_at, consequences, measures, contact, happened_at, persons_affected)
    with Node(invocation.open_profile(), invocation.clock) as node:
        author = writer.make_author(invocation, node, "breach notice")
        report = report_breach(node, message_id, author, breach, words=words, required_action=required_action)
    show_report(invocation, report)


def _read_uses(codes: list[str]) -> tuple[str, ...]:
    from agency_client.typed_codes import parse_code
    from schemas.alerts.coded import RestrictedUse

    return tuple(parse_code(RestrictedUse, code, "allow").value for code in codes)


def _read_change(text: str) -> dict[str, str]:
    from agency_client.errors import UsageError

    field, separator, values = text.partition("=")
    was, arrow, now = values.partition("=>")
    if not separator or not arrow or not field:
        raise UsageError(f"{text!r} is no change", fix="write it like --change details.supplier=Zenit=>Zenith")
    return {"field": field} | ({"was": was} if was else {}) | ({"now": now} if now else {})
