"""`agency ack`, `refuse`, `reply`, `outcome`, `correct`, `withdraw`: what becomes of a message, told to who sent it."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agency_client.cli.invocation import Invocation, get_invocation
from agency_client.terminal.output import Tone

if TYPE_CHECKING:
    from agency_client.node import Node
    from agency_client.sending.answering import AnswerReport, Author

UNIT_VARIABLE = "BILATERAL_UNIT"
PSEUDONYM_VARIABLE = "BILATERAL_PSEUDONYM"

MessageId = Annotated[str, typer.Argument(help="The message's id, or its beginning.", show_default=False)]
Reason = Annotated[
    str | None, typer.Option(help="Why the original is opened for it; in this agency's access log.", show_default=False)
]
Case = Annotated[str | None, typer.Option(help="Your case reference.")]
Words = Annotated[str | None, typer.Option(help="What you add in words.")]
Unit = Annotated[str | None, typer.Option(help="Your unit, as the partner reads it.", envvar=UNIT_VARIABLE)]
Officer = Annotated[
    str | None, typer.Option(help="A pseudonym, instead of the one made for you.", envvar=PSEUDONYM_VARIABLE)
]
Override = Annotated[
    str | None,
    typer.Option(
        "--override-old-status",
        metavar="REASON",
        help="Why a reply goes although the partner's status is older than 72 hours; for a threat to life only.",
    ),
]
DetailsFile = Annotated[
    Path | None,
    typer.Argument(help="JSON: the details, or a whole alert of which the details are taken; - reads standard input."),
]


def register(app: typer.Typer) -> None:
    """Add the verbs of this group."""
    app.command("ack")(_ack)
    app.command("refuse")(_refuse)
    app.command("reply")(_reply)
    app.command("outcome")(_outcome)
    app.command("correct")(_correct)
    app.command("withdraw")(_withdraw)


def _ack(
    context: typer.Context,
    message_id: MessageId,
    action: Annotated[
        str, typer.Option(help="noted, amended, deleted, stopped-using or nothing-held.", show_default=True)
    ] = "noted",
    words: Words = None,
    reason: Reason = None,
    case: Case = None,
    unit: Unit = None,
    officer: Officer = None,
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
    from schemas.alerts.acknowledgement import ActionTaken

    invocation = get_invocation(context)
    taken = parse_code(ActionTaken, action, "action")
    with Node(invocation.open_profile(), invocation.clock) as node:
        author = _make_author(invocation, node, reason or f"acknowledgement: {action}", case, unit, officer)
        report = acknowledge(node, message_id, author, action=taken, words=words)
    _show(invocation, report)


def _refuse(
    context: typer.Context,
    message_id: MessageId,
    ground: Annotated[str, typer.Option(help="A code of the list; a wrong one is answered with the list.")],
    words: Words = None,
    reason: Reason = None,
    case: Case = None,
    unit: Unit = None,
    officer: Officer = None,
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
        author = _make_author(invocation, node, reason or f"refusal: {code}", case, unit, officer, override_old_status)
        report = refuse(node, message_id, author, ground=code, words=words)
    _show(invocation, report)


def _reply(
    context: typer.Context,
    message_id: MessageId,
    file: DetailsFile = None,
    answer: Annotated[
        list[str] | None, typer.Option(help="QUESTION=yes|no|partly|not-known, with :NOTE; again for each question.")
    ] = None,
    state: Annotated[str | None, typer.Option(help="How the document stands in the register, like expired.")] = None,
    confidence: Annotated[str | None, typer.Option(help="high, medium or low.")] = None,
    no_record: Annotated[bool, typer.Option("--no-record", help="There is no record of the document.")] = False,
    text: Annotated[str | None, typer.Option(help="One line that sums the reply up.")] = None,
    reason: Reason = None,
    case: Case = None,
    unit: Unit = None,
    officer: Officer = None,
    override_old_status: Override = None,
) -> None:
    """Answer a verification, per question. The document asked about is filled in.

    \b
    Examples:
      agency reply 5d1c8a52 --answer genuine=no:"The series was never issued" --answer valid-now=no
      agency reply 5d1c8a52 --no-record --reason "second line asks"
      agency reply 5d1c8a52 details.json
    """
    from agency_client.node import Node
    from agency_client.sending.answering import make_answers, reply

    invocation = get_invocation(context)
    details: dict[str, Any] = _read_details(invocation, file)
    if answer:
        details |= {"outcome": "answered", "answers": make_answers(answer)}
    if no_record:
        details |= {"outcome": "no-record"}
    details |= {name: value for name, value in (("state", state), ("confidence", confidence)) if value is not None}
    with Node(invocation.open_profile(), invocation.clock) as node:
        why = reason or "reply to a verification"
        author = _make_author(invocation, node, why, case, unit, officer, override_old_status)
        report = reply(node, message_id, author, details=details, subject=text)
    _show(invocation, report)


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
    reason: Reason = None,
    case: Case = None,
    unit: Unit = None,
    officer: Officer = None,
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
    details = _read_details(invocation, file) | {name: value for name, value in named.items() if value is not None}
    with Node(invocation.open_profile(), invocation.clock) as node:
        author = _make_author(invocation, node, reason or "outcome of an alert", case, unit, officer)
        details |= make_decision(details, author, node.clock.now(), words=decision, ask=_ask_decision(invocation))
        report = report_outcome(node, message_id, author, details=details, special=parse_special(special or []))
    _show(invocation, report)


def _correct(
    context: typer.Context,
    message_id: MessageId,
    file: DetailsFile = None,
    change: Annotated[
        list[str] | None, typer.Option(help="FIELD=WAS=>NOW, like details.document.number=A1=>A2; again for more.")
    ] = None,
    because: Annotated[str, typer.Option(help="The reason's code; a wrong one is answered with the list.")] = (
        "typing-error"
    ),
    text: Annotated[str | None, typer.Option(help="One line that sums the correction up.")] = None,
    reason: Reason = None,
    case: Case = None,
    unit: Unit = None,
    officer: Officer = None,
) -> None:
    """Correct a message this agency sent; the correction follows it to everyone it reached.

    \b
    Examples:
      agency correct 5d1c8a52 --change "details.document.holder.birth_date=1974-08-12=>1974-08-21"
      agency correct 5d1c8a52 correction.json --because new-findings
    """
    from agency_client.node import Node
    from agency_client.sending.answering import correct

    invocation = get_invocation(context)
    details = {"reason": because} | _read_details(invocation, file)
    if change:
        details["changes"] = [_read_change(item) for item in change]
    with Node(invocation.open_profile(), invocation.clock) as node:
        author = _make_author(invocation, node, reason or f"correction: {because}", case, unit, officer)
        report = correct(node, message_id, author, details=details, subject=text)
    _show(invocation, report)


def _withdraw(
    context: typer.Context,
    message_id: MessageId,
    reason: Annotated[str, typer.Option(help="Why; it stands in this agency's access log.")],
    because: Annotated[str, typer.Option(help="The code that the partner reads.")] = "sent-by-mistake",
    words: Words = None,
    required_action: Annotated[str, typer.Option(help="delete, amend or stop-using.")] = "delete",
    case: Case = None,
    unit: Unit = None,
    officer: Officer = None,
) -> None:
    """Take a message back that this agency sent, from everyone it reached or is on its way to.

    \b
    Example:
      agency withdraw 5d1c8a52 --reason "wrong person" --because wrong
    """
    from agency_client.node import Node
    from agency_client.sending.answering import withdraw

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        author = _make_author(invocation, node, reason, case, unit, officer)
        report = withdraw(node, message_id, author, because=because, words=words, required_action=required_action)
    _show(invocation, report)


def _make_author(
    invocation: Invocation,
    node: "Node",
    reason: str,
    case: str | None,
    unit: str | None,
    officer: str | None,
    override: str | None = None,
) -> "Author":
    from agency_client.sending.answering import Author
    from agency_client.sending.pseudonym import make_pseudonym

    unit = unit or invocation.environment.get(UNIT_VARIABLE)
    pseudonym = officer or make_pseudonym(node)
    return Author(reason, unit or node.agency, pseudonym, case, old_status_override=override)


def _ask_decision(invocation: Invocation) -> Callable[[], str]:
    question, instead = "What did you compare, and what do you decide", 'say it with --decision "…"'
    return lambda: invocation.output.ask_line(question, instead=instead)


def _read_details(invocation: Invocation, file: Path | None) -> dict[str, Any]:
    from agency_client.profiles.public_files import read_foreign_file
    from agency_client.sending.composing import MAX_FILE_BYTES, read_alert_file

    if file is None:
        return {}
    data = sys.stdin.buffer.read(MAX_FILE_BYTES + 1) if str(file) == "-" else read_foreign_file(file)
    found = read_alert_file(data, str(file))
    inner = found.get("details", found)
    return dict(inner) if isinstance(inner, dict) else found


def _read_change(text: str) -> dict[str, str]:
    from agency_client.errors import UsageError

    field, separator, values = text.partition("=")
    was, arrow, now = values.partition("=>")
    if not separator or not arrow or not field:
        raise UsageError(f"{text!r} is no change", fix="write it like --change details.supplier=Zenit=>Zenith")
    return {"field": field} | ({"was": was} if was else {}) | ({"now": now} if now else {})


def _show(invocation: Invocation, report: "AnswerReport") -> None:
    from agency_client.reading.lists import label_kind

    output = invocation.output
    for item in report.items:
        words = "was sent before" if report.is_repeated else "is sent"
        tone = Tone.GOOD if item.state.value in ("taken", "settled") else Tone.CAUTION
        output.say(f"{label_kind(report.kind)} {item.message_id} {words}: {item.state.value}", tone)
        output.write_json(
            {
                "id": item.message_id,
                "kind": report.kind,
                "thread": report.thread,
                "state": item.state.value,
                "repeated": report.is_repeated,
                "problem": {"code": item.problem.code, "sentence": item.problem.sentence} if item.problem else None,
            }
        )
    if any(item.state.value == "queued" for item in report.items):
        from agency_client.terminal.exit_codes import ExitCode

        output.say("it is in the outbox and goes out when the exchange is there: agency outbox")
        raise typer.Exit(ExitCode.OFFLINE_QUEUED)
