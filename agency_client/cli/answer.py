"""`agency ack`, `refuse`, `reply`, `outcome`: what becomes of a message, told to who sent it."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from agency_client.cli.answer_options import (
    DetailsFile,
    MessageId,
    Override,
    Words,
    Writer,
    read_details,
    read_reply,
    show_report,
    with_writer,
)
from agency_client.cli.invocation import Invocation, get_invocation


def register(app: typer.Typer) -> None:
    """Add the verbs of this group."""
    app.command("ack")(_ack)
    app.command("refuse")(_refuse)
    app.command("reply")(_reply)
    app.command("outcome")(_outcome)


@with_writer
def _ack(
    context: typer.Context,
    message_id: MessageId,
    action: Annotated[
        str,
        typer.Option(
            help="noted, amended, deleted, stopped-using, marked, restricted or nothing-held.", show_default=True
        ),
    ] = "noted",
    words: Words = None,
    *,
    writer: Writer,
) -> None:
    """Acknowledge a message: its sender learns what was done with it.

    \b
    Examples:
      agency ack 5d1c8a52
      agency ack 5d1c8a52 --action deleted --words "Deleted from the watch list" --case 74/08
    """
    from agency_client.node import Node
    from agency_client.sending.answering import acknowledge
    from agency_client.typed_codes import parse_code
    from schemas.alerts.kinds.acknowledgement import ActionTaken

    invocation = get_invocation(context)
    taken = parse_code(ActionTaken, action, "action")
    with Node(invocation.open_profile(), invocation.clock) as node:
        author = writer.make_author(invocation, node, f"acknowledgement: {action}")
        report = acknowledge(node, message_id, author, action=taken, words=words)
    show_report(invocation, report)


@with_writer
def _refuse(
    context: typer.Context,
    message_id: MessageId,
    ground: Annotated[str, typer.Option(help="A code of the list; a wrong one is answered with the list.")],
    words: Words = None,
    *,
    writer: Writer,
    override_old_status: Override = None,
) -> None:
    """Refuse what a message asks, with the ground.

    \b
    Examples:
      agency refuse 5d1c8a52 --ground not-competent
      agency refuse 5d1c8a52 --ground other --words "The register is being moved until Monday"
    """
    from agency_client.node import Node
    from agency_client.sending.answering import refuse
    from agency_client.typed_codes import parse_code
    from schemas.alerts.coded import RefusalGround

    invocation = get_invocation(context)
    code = parse_code(RefusalGround, ground, "ground").value
    with Node(invocation.open_profile(), invocation.clock) as node:
        author = writer.make_author(invocation, node, f"refusal: {code}", override=override_old_status)
        report = refuse(node, message_id, author, ground=code, words=words)
    show_report(invocation, report)


@with_writer
def _reply(
    context: typer.Context,
    message_id: MessageId,
    file: DetailsFile = None,
    answer: Annotated[
        list[str] | None, typer.Option(help="QUESTION=yes|no|partly|not-known, with :NOTE; again for each question.")
    ] = None,
    status: Annotated[str | None, typer.Option(help="How the document stands in the register, like expired.")] = None,
    confidence: Annotated[str | None, typer.Option(help="high, medium or low.")] = None,
    no_record: Annotated[bool, typer.Option("--no-record", help="There is no record.")] = False,
    clarify: Annotated[str | None, typer.Option(help="What must be said before a request can be answered.")] = None,
    stance: Annotated[
        str | None, typer.Option(help="To a joint operation: accept, decline or counter-offer; the rest in the file.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="One line that sums the reply up.")] = None,
    *,
    writer: Writer,
    override_old_status: Override = None,
) -> None:
    """Answer a verification, a request for information or a joint operation. What was asked about is filled in.

    A file holds the details, or a whole alert: then its statements and persons are told as well.

    \b
    Examples:
      agency reply 5d1c8a52 --answer genuine=no:"The series was never issued" --answer valid-now=no
      agency reply 5d1c8a52 --no-record --reason "second line asks"
      agency reply 5d1c8a52 --clarify "Which of the two passports?"
      agency reply 5d1c8a52 counter-offer.json --stance counter-offer
      agency send --template information-reply > answer.json; agency reply 5d1c8a52 answer.json
    """
    from agency_client.node import Node
    from agency_client.sending.answering import make_answers, reply

    invocation = get_invocation(context)
    details, told = read_reply(file)
    if answer:
        details |= {"outcome": "answered", "answers": make_answers(answer)}
    if no_record:
        details |= {"outcome": "no-record"}
    if clarify is not None:
        details |= {"outcome": "clarification-needed", "clarification": clarify}
    named = {"status": status, "confidence": confidence, "stance": stance}
    details |= {name: value for name, value in named.items() if value is not None}
    with Node(invocation.open_profile(), invocation.clock) as node:
        author = writer.make_author(invocation, node, "reply to a question", override=override_old_status)
        report = reply(node, message_id, author, details=details, subject=text, told=told)
    show_report(invocation, report)


@with_writer
def _outcome(
    context: typer.Context,
    message_id: MessageId,
    file: DetailsFile = None,
    result: Annotated[str | None, typer.Option(help="confirmed, false, unresolved or no-match.")] = None,
    usefulness: Annotated[int | None, typer.Option(min=1, max=5, help="From 1 (none) to 5 (decisive).")] = None,
    action: Annotated[
        list[str] | None, typer.Option(help="What was done, like document-seized; again for more.")
    ] = None,
    automatic: Annotated[bool, typer.Option("--automatic", help="A machine matched, nobody had looked yet.")] = False,
    decision: Annotated[
        str | None, typer.Option(help="What you compared and decided, where a machine matched; in your pseudonym.")
    ] = None,
    special: Annotated[
        list[str] | None,
        typer.Option(metavar="CATEGORY=WHY", help="Special category of data, and why it is strictly necessary."),
    ] = None,
    words: Words = None,
    *,
    writer: Writer,
) -> None:
    """Tell the sender of an alert what became of it.

    What a machine matched is confirmed, or acted on, by a person only: say with --decision what you compared.

    \b
    Examples:
      agency outcome 5d1c8a52 --result confirmed --usefulness 5 --action document-seized
      agency outcome 5d1c8a52 --result confirmed --usefulness 4 --automatic \\
          --decision "Photograph and signature compared at the second line"
      agency outcome 5d1c8a52 details.json
    """
    from agency_client.duties.deciding import make_decision, parse_special
    from agency_client.node import Node
    from agency_client.sending.answering import report_outcome

    invocation = get_invocation(context)
    given: dict[str, Any] = {"is_automatic": True} if automatic else {}
    named = given | {"result": result, "usefulness": usefulness, "actions": action or None, "words": words}
    details = read_details(invocation, file) | {name: value for name, value in named.items() if value is not None}
    with Node(invocation.open_profile(), invocation.clock) as node:
        author = writer.make_author(invocation, node, "outcome of an alert")
        details |= make_decision(details, author, node.clock.now(), words=decision, ask=_ask_decision(invocation))
        report = report_outcome(node, message_id, author, details=details, special=parse_special(special or []))
    show_report(invocation, report)


def _ask_decision(invocation: Invocation) -> Callable[[], str]:
    question, instead = "What did you compare, and what do you decide", 'say it with --decision "…"'
    return lambda: invocation.output.ask_line(question, instead=instead)
