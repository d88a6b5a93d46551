"""`agency release request`, `grant`, `refuse`, `list`: may a message go on, or before a court; asked and decided."""

from typing import TYPE_CHECKING, Annotated

import typer

from agency_client.cli.answer_options import MessageId, Words, Writer, with_writer
from agency_client.cli.invocation import Invocation, get_invocation
from agency_client.terminal.output import Cell, Tone

if TYPE_CHECKING:
    from agency_client.local_store.outbox import OutboxItem
    from agency_client.local_store.releases import ReleaseQuestion
    from agency_client.onward.requesting import Asked
    from schemas.alerts.kinds.release_request import Proceeding

To = Annotated[list[str] | None, typer.Option("--to", help="An agency to pass it on to; again for more.")]
Purposes = Annotated[
    list[str] | None, typer.Option("--purpose", help="What for; again for more. As it was sent for, if left out.")
]
Court = Annotated[str | None, typer.Option(help="The court it is to be shown to.")]
ProceedingName = Annotated[str | None, typer.Option("--proceeding", help="The proceeding before that court.")]
Holder = Annotated[
    str | None, typer.Option(help="The agency that passes it on or shows it, where it is another than who asks.")
]

ForPartner = Annotated[
    str | None, typer.Option("--for", metavar="ID", help="Pass a partner's question on, for that partner.")
]
Directly = Annotated[
    bool, typer.Option("--directly", help="Ask the originator of a copy itself, under your agreement with it.")
]
Because = Annotated[
    str | None, typer.Option(help="Why it is needed, as the originator reads it; the reason, if left out.")
]


def register(app: typer.Typer) -> None:
    """Add the verbs of this group."""
    words = "Ask whether a message may be passed on or shown to a court, or decide about one of your own."
    group = typer.Typer(help=words, no_args_is_help=True, rich_markup_mode=None)
    group.command("request")(_request)
    group.command("grant")(_grant)
    group.command("refuse")(_refuse)
    group.command("list")(_list)
    app.add_typer(group, name="release")


@with_writer
def _request(
    context: typer.Context,
    writer: Writer,
    message_id: Annotated[str | None, typer.Argument(help="The message's id, or its beginning.")] = None,
    asked: ForPartner = None,
    to: To = None,
    court: Court = None,
    proceeding: ProceedingName = None,
    purpose: Purposes = None,
    holder: Holder = None,
    directly: Directly = False,
    because: Because = None,
) -> None:
    """Ask whoever a message comes from whether it may be passed on, or used as evidence in court.

    The question goes the way the message came. What the agreement with its originator forbids is not asked.

    \b
    Examples:
      agency release request 5d1c8a52 --to AL-BP --purpose document-integrity --reason "same series in Durres"
      agency release request 5d1c8a52 --court "Brussels first instance" --proceeding 74/08 --reason "trial"
      agency release request --for 7b5e9d10
    """
    from agency_client.errors import UsageError
    from agency_client.node import Node
    from agency_client.onward.requesting import Question, request_for_partner, request_release
    from agency_client.typed_codes import parse_code
    from agency_client.wire_names import parse_agency_id
    from schemas.markings import Purpose

    invocation = get_invocation(context)
    if (message_id is None) == (asked is None):
        raise UsageError("name a message, or a partner's question", fix="agency release request ID, or --for ID")
    question = Question(
        because=because or writer.reason or "It is needed for the purpose named.",
        recipients=tuple(parse_agency_id(agency) for agency in to or ()),
        court=read_court(court, proceeding),
        purposes=tuple(parse_code(Purpose, code, "purpose") for code in purpose or ()),
        holder=None if holder is None else parse_agency_id(holder),
        is_direct=directly,
    )
    if asked is None and bool(question.recipients) == (question.court is not None):
        raise UsageError("say what for", fix='add --to AGENCY, or --court "…" --proceeding "…"')
    with Node(invocation.open_profile(), invocation.clock) as node:
        author = writer.make_author(invocation, node, "a partner asks for its release")
        if asked is not None:
            found = request_for_partner(node, asked, author, because=because)
        else:
            found = request_release(node, str(message_id), question, author)
    _show_asked(invocation, found)


def _show_asked(invocation: Invocation, found: "Asked") -> None:
    words = "was asked before" if found.is_repeated else "is asked"
    via = "" if found.of == found.original.agency else f" over {found.of}"
    invocation.output.say(f"{found.original.agency} {words}{via}: {found.item.message_id}", Tone.GOOD)
    _show_item(
        invocation, found.item, {"of": found.of, "originator": found.original.agency, "repeated": found.is_repeated}
    )


@with_writer
def _grant(
    context: typer.Context,
    message_id: MessageId,
    writer: Writer,
    to: To = None,
    purpose: Purposes = None,
    holder: Holder = None,
    conditions: Annotated[str | None, typer.Option(help="What it is bound to, in words.")] = None,
    until: Annotated[
        str | None, typer.Option(help="The last day it holds, like 2027-02-21; 90 days if left out.")
    ] = None,
) -> None:
    """Consent to a further use of a message of this agency. What is left out stays as it was asked for.

    \b
    Examples:
      agency release grant 7b5e9d10 --until 2027-02-21 --conditions "For the comparison of the series only"
      agency release grant 7b5e9d10 --to AL-BP
    """
    from agency_client.cli.audit_filters import parse_end
    from agency_client.node import Node
    from agency_client.onward.deciding import Grant, grant_release
    from agency_client.typed_codes import parse_code
    from agency_client.wire_names import parse_agency_id
    from schemas.markings import Purpose

    invocation = get_invocation(context)
    grant = Grant(
        recipients=tuple(parse_agency_id(agency) for agency in to or ()),
        purposes=tuple(parse_code(Purpose, code, "purpose") for code in purpose or ()),
        holder=None if holder is None else parse_agency_id(holder),
        conditions=conditions,
        valid_until=parse_end(until),
    )
    with Node(invocation.open_profile(), invocation.clock) as node:
        author = writer.make_author(invocation, node, "decision on a release: granted")
        decided = grant_release(node, message_id, grant, author)
    words = "was decided before" if decided.is_repeated else "granted"
    invocation.output.say(f"{words}; {decided.to} is told: {decided.item.message_id}", Tone.GOOD)
    _show_item(invocation, decided.item, {"to": decided.to, "outcome": "granted", "repeated": decided.is_repeated})


@with_writer
def _refuse(
    context: typer.Context,
    message_id: MessageId,
    writer: Writer,
    ground: Annotated[str, typer.Option(help="A code of the list; a wrong one is answered with the list.")],
    words: Words = None,
) -> None:
    """Refuse a further use of a message of this agency, with the ground.

    \b
    Example:
      agency release refuse 7b5e9d10 --ground ongoing-investigation
    """
    from agency_client.node import Node
    from agency_client.onward.deciding import refuse_release
    from agency_client.typed_codes import parse_code
    from schemas.alerts.coded import RefusalGround

    invocation = get_invocation(context)
    code = parse_code(RefusalGround, ground, "ground").value
    with Node(invocation.open_profile(), invocation.clock) as node:
        author = writer.make_author(invocation, node, f"decision on a release: refused, {code}")
        decided = refuse_release(node, message_id, author, ground=code, words=words)
    said = "was decided before" if decided.is_repeated else "refused"
    invocation.output.say(f"{said}; {decided.to} is told: {decided.item.message_id}", Tone.GOOD)
    _show_item(invocation, decided.item, {"to": decided.to, "outcome": "refused", "repeated": decided.is_repeated})


def _list(context: typer.Context) -> None:
    """List what was asked of this agency and what it asked, what waits for a decision first.

    \b
    Example:
      agency release list
    """
    from agency_client.local_store.releases import list_questions
    from agency_client.node import Node

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        with node.store.read() as snapshot:
            questions = list_questions(snapshot)
        me, now = node.agency, node.clock.now()
    titles = ("question", "asked", "message of", "message", "use", "by", "for", "stands", "holds until")
    rows = [
        (
            question.message_id,
            f"of {question.partner}" if question.is_own else f"by {question.partner}",
            question.original.agency,
            question.original.message.id,
            question.use.value,
            question.holder,
            ", ".join(question.recipients) or "a court",
            _spell_standing(question, me),
            Cell("") if question.valid_until is None else _spell_end(question, ended=question.valid_until <= now),
        )
        for question in questions
    ]
    invocation.output.show_table(titles, rows, empty="nothing was asked")
    invocation.output.write_json({"questions": [_describe(question, me) for question in questions]})


def _spell_standing(question: "ReleaseQuestion", me: str) -> Cell:
    if question.outcome is not None:
        return Cell(question.outcome, Tone.GOOD if question.outcome == "granted" else Tone.BAD)
    if question.is_own or question.is_passed_on:
        return Cell(f"waits for {question.original.agency}", Tone.CAUTION)
    fix = "grant or refuse it" if question.original.agency == me else f"ask {question.original.agency}: --for"
    return Cell(f"waits for you: {fix}", Tone.CAUTION)


def _spell_end(question: "ReleaseQuestion", *, ended: bool) -> Cell:
    return Cell(
        f"{question.valid_until:%Y-%m-%d %H:%M} UTC{' (over)' if ended else ''}", Tone.BAD if ended else Tone.NORMAL
    )


def _describe(question: "ReleaseQuestion", me: str) -> dict[str, object]:
    return {
        "id": question.message_id,
        "asked_by": me if question.is_own else question.partner,
        "asked_of": question.partner if question.is_own else me,
        "asked_at": question.asked_at,
        "original": question.original.to_wire(),
        "use": question.use.value,
        "holder": question.holder,
        "recipients": question.recipients,
        "outcome": question.outcome,
        "valid_until": question.valid_until,
        "passed_on": question.is_passed_on,
    }


def read_court(court: str | None, proceeding: str | None) -> "Proceeding | None":
    """Return the court and the proceeding that were named; None: neither was.

    Raises:
        UsageError: one of them was not, or is no line of text.
    """
    from agency_client.errors import UsageError
    from schemas.alerts.kinds.release_request import Proceeding
    from schemas.codec import CodecError

    if court is None and proceeding is None:
        return None
    if court is None or proceeding is None:
        raise UsageError("court and proceeding stand together", fix='give both: --court "…" --proceeding "…"')
    try:
        return Proceeding.from_wire({"court": court, "proceeding": proceeding})
    except CodecError as error:
        raise UsageError(f"--court, --proceeding: {error}") from error


def _show_item(invocation: Invocation, item: "OutboxItem", members: dict[str, object]) -> None:
    problem = {"code": item.problem.code, "sentence": item.problem.sentence} if item.problem else None
    invocation.output.write_json({"id": item.message_id, "state": item.state.value, "problem": problem, **members})
    if item.state.value == "queued":
        from agency_client.terminal.exit_codes import ExitCode

        invocation.output.say("it is in the outbox and goes out when the exchange is there: agency outbox")
        raise typer.Exit(ExitCode.OFFLINE_QUEUED)
