"""`agency send`, `agency ping`: put an alert together, see what the agreements allow, send it."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agency_client.cli.invocation import Invocation, get_invocation
from agency_client.cli.send_batch import send_batch
from agency_client.cli.send_options import SendOptions, with_send_options
from agency_client.terminal.exit_codes import ExitCode
from agency_client.terminal.output import Cell, Tone

if TYPE_CHECKING:
    from agency_client.node import Node
    from agency_client.sending.draft import Draft
    from agency_client.sending.flow import SendReport
    from agency_client.sending.plan import Plan, RecipientPlan

_ID_CHARACTERS = 8
_ZONE_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789<")
_SHORTEST_ZONE_LINE = 30
_OUTCOME_TONES = {"taken": Tone.GOOD, "settled": Tone.GOOD, "refused": Tone.BAD, "cancelled": Tone.BAD}


def register(app: typer.Typer) -> None:
    """Add the verbs of this group."""
    app.command("send")(_send)
    app.command("ping")(_ping)


@with_send_options
def _send(
    context: typer.Context,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[FILE|-]", help="The alert as JSON; - reads standard input.")
    ] = None,
    *,
    options: SendOptions,
) -> None:
    """Send an alert, sealed for each recipient, under an agreement that covers it; or say why none does.

    With the broker away it is queued and delivered later (exit code 7). What is doubtful about it (old data, check
    digits that fail, the same sent before) is not sent without your words, which the recipient reads. With --batch
    many go in one go, each told of in a line; run again after an interruption, it sends nothing twice.

    \b
    Examples:
      agency send --template document-fraud > alert.json
      agency send alert.json --to VN --necessity "The bearer flies on tonight." --reason "case 74/08"
      agency send alert.json --to agreements --dry-run
      agency send alert.json --to VN --necessity "The bearer flies on tonight." --reason "case 74/08" \\
          --quality stale-data="confirmed by phone today"
      agency send --kind document-verification --to VN --reason "second line" \\
          --necessity "The holder stands at the counter." --subject "Is this passport genuine?" \\
          --mrz "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<" "L898902C36UTO7408122F1204159ZE184226B<<<<<10"
      agency send alert.json --to VN --attach uv.jpg="Data page, UV light" --attach page.jpg \\
          --necessity "The same series." --reason "case 74/08"
      agency send correction.json --necessity "A birth date was misread." --reason "case 74/08"
      agency send --batch drafts.jsonl --to VN --necessity "Stolen blanks." --reason "register of November" --dry-run
    """
    from agency_client.errors import UsageError
    from agency_client.node import Node

    invocation = get_invocation(context)
    if options.template is not None:
        _print_template(invocation, options.template)
        return
    if options.batch is not None and words:
        raise UsageError("--batch names what is sent; no other file is", fix="run: agency send --help")
    with Node(invocation.open_profile(), invocation.clock) as node:
        if options.batch is not None:
            _refresh(invocation, node)
            send_batch(invocation, node, options.batch, options)
            return
        draft = _write_draft(node, words or [], options)
        _refresh(invocation, node)
        (_show_plan if options.dry_run else _send_and_show)(invocation, node, draft)


def _ping(
    context: typer.Context,
    partner: Annotated[str, typer.Argument(help="The partner's id, like VN.")],
    text: Annotated[str | None, typer.Option(help="A word of your choice.")] = None,
    reason: Annotated[str, typer.Option(help="Why, for the access log.")] = "test of the connection",
) -> None:
    """Send a sealed test message without personal data, to see that everything works between two agencies.

    \b
    Examples:
      agency ping VN
      agency status ID       whether it arrived and was verified there
    """
    from agency_client.client import make_ping
    from agency_client.node import Node
    from agency_client.wire_names import parse_agency_id

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        _refresh(invocation, node)
        _send_and_show(invocation, node, make_ping(node, parse_agency_id(partner), reason=reason, text=text))


def _print_template(invocation: Invocation, kind: str) -> None:
    from agency_client.sending.composing import format_template

    typer.echo(format_template(kind, invocation.clock.now()))


def _split_words(words: list[str], mrz: list[str]) -> tuple[list[str], list[str]]:
    """Return the lines of the zone, those among the words included, and the files that were named."""
    zone = [word for word in words if mrz and _is_zone_line(word)]
    return [*mrz, *zone], [word for word in words if word not in zone]


def _is_zone_line(word: str) -> bool:
    return len(word) >= _SHORTEST_ZONE_LINE and _ZONE_CHARACTERS.issuperset(word)


def _write_draft(node: "Node", words: list[str], options: SendOptions) -> "Draft":
    from agency_client.sending.written import make_draft

    alert, usual = _compose(node, words, options), options.make_usual(node, options.marking, node.clock.now())
    return make_draft(alert, options.make_wishes(), usual)


def _compose(node: "Node", words: list[str], options: SendOptions) -> dict[str, Any]:
    from agency_client.errors import UsageError
    from agency_client.sending.composing import merge, read_zone, set_fields

    lines, files = _split_words(words, options.mrz or [])
    if len(files) > 1:
        raise UsageError(f"one file is sent at a time, not {len(files)}", fix="many go with: agency send --batch")
    alert = (_read_file(files[0]) if files else {}) | options.members
    if not alert.get("kind"):
        raise UsageError("no alert was given", fix="name a file, or --kind with --mrz; see: agency send --help")
    if lines:
        alert = merge(alert, read_zone(alert["kind"], lines, node.clock.now()))
    return set_fields(alert, options.assignments or [])


def _read_file(name: str) -> dict[str, Any]:
    from agency_client.profiles.public_files import read_foreign_file
    from agency_client.sending.composing import MAX_FILE_BYTES, read_alert_file

    if name == "-":
        return read_alert_file(sys.stdin.buffer.read(MAX_FILE_BYTES + 1), "standard input")
    return read_alert_file(read_foreign_file(Path(name)), name)


def _refresh(invocation: Invocation, node: "Node") -> None:
    from agency_client.client import refresh

    refresh(node, lambda why: invocation.output.say(f"{why}: judged by what is known here", Tone.CAUTION))


def _send_and_show(invocation: Invocation, node: "Node", draft: "Draft") -> None:
    from agency_client.sending.flow import send_alert

    report = send_alert(node, draft, watching=invocation.output.show_progress)
    _warn_of_ages(invocation, node, report.plan)
    show_sent(invocation, report)


def _warn_of_ages(invocation: Invocation, node: "Node", plan: "Plan") -> None:
    from agency_client.statuses.standing import load_whom_of_marked
    from agency_client.terminal.partner_pages import warn_of_ages

    ages = [item.status_age for item in plan.recipients if item.status_age is not None]
    warn_of_ages(invocation.output, ages, load_whom_of_marked(node, ages))


def show_sent(invocation: Invocation, report: "SendReport") -> None:
    """Show what was sent and where each envelope stands; end with 7 where one waits, with 5 where one was refused."""
    output = invocation.output
    rows: list[list[str | Cell]] = []
    answers: list[dict[str, Any]] = []
    for leg, item in zip(report.legs, report.items, strict=True):
        problem = item.problem.sentence if item.problem else ""
        state = Cell(item.state.value, _OUTCOME_TONES.get(item.state.value, Tone.CAUTION))
        rows.append([leg.message_id[:_ID_CHARACTERS], leg.recipient, leg.title, state, problem])
        answers.append(
            {
                "id": leg.message_id,
                "digest": leg.digest,
                "recipient": leg.recipient,
                "agreement": leg.agreement,
                "title": leg.title,
                "state": item.state.value,
                "problem": {"code": item.problem.code, "sentence": item.problem.sentence} if item.problem else None,
            }
        )
    output.show_table(["id", "to", "under", "state", "problem"], rows)
    left_out = [{"agency": item.agency, "because": item.explain()} for item in report.plan.left_out]
    output.write_json({"thread": report.thread, "messages": answers, "left_out": left_out})
    for again in report.sealed_again:
        output.say(f"sealed again, since the exchange refused the first: {again.sentence}", Tone.CAUTION)
    for recipient in report.plan.left_out:
        output.say(f"left out: {recipient.explain()}")
    _end_by_state([item.state.value for item in report.items], output.say)


def _end_by_state(states: list[str], say: Any) -> None:
    if "refused" in states:
        say("the exchange refused it; see: agency status ID", Tone.BAD)
        raise typer.Exit(ExitCode.DENIED)
    if {"queued", "in-doubt"} & set(states):
        say("queued; it leaves by itself while agency sync --follow runs, or with: agency sync", Tone.CAUTION)
        raise typer.Exit(ExitCode.OFFLINE_QUEUED)


def _show_plan(invocation: Invocation, node: "Node", draft: "Draft") -> None:
    from agency_client.sending.flow import plan_alert, review_alert
    from agency_client.terminal.duty_pages import describe_doubts, show_doubts

    plan = plan_alert(node, draft)
    quality = review_alert(node, draft, plan)
    rows = [row for recipient in (*plan.recipients, *plan.left_out) for row in _list_rows(recipient)]
    output = invocation.output
    output.show_table(["to", "agreement", "state", "verdict", "why"], rows, empty="no agreement with anybody is known")
    output.write_json(_describe_plan(plan) | {"quality": describe_doubts(quality)})
    for recipient in plan.recipients:
        if recipient.is_allowed:
            output.say(f"to {recipient.agency} under {recipient.explain_choice()}")
    show_doubts(output, quality)
    _warn_of_ages(invocation, node, plan)
    if plan.is_allowed and not quality.unanswered:
        output.say("it would be sent; nothing was sent", Tone.GOOD)
        return
    output.say("it would be refused; nothing was sent", Tone.BAD)
    raise typer.Exit(ExitCode.DENIED)


def _list_rows(recipient: "RecipientPlan") -> list[list[str | Cell]]:
    rows: list[list[str | Cell]] = [
        [recipient.agency, "", "", Cell("refused", Tone.BAD), finding.sentence] for finding in recipient.obstacles
    ]
    for option in recipient.options:
        allowed = option.is_allowed and not recipient.obstacles
        is_chosen = allowed and option is recipient.chosen
        verdict = Cell(
            "chosen" if is_chosen else "allowed" if allowed else "refused", Tone.GOOD if allowed else Tone.BAD
        )
        why = "; ".join(finding.sentence for finding in option.findings)
        name = f"{option.terms.title} (version {option.terms.version})"
        rows.append([recipient.agency, name, option.view.state.value, verdict, why])
    return rows or [[recipient.agency, "", "", Cell("refused", Tone.BAD), "no agreement with this agency is known"]]


def _describe_plan(plan: "Plan") -> dict[str, Any]:
    return {
        "allowed": plan.is_allowed,
        "recipients": [_describe_recipient(recipient) for recipient in plan.recipients],
        "left_out": [_describe_recipient(recipient) for recipient in plan.left_out],
    }


def _describe_recipient(recipient: "RecipientPlan") -> dict[str, Any]:
    from agency_client.terminal.partner_pages import describe_age

    return {
        "agency": recipient.agency,
        "allowed": recipient.is_allowed,
        "chosen": recipient.chosen.view.digest if recipient.chosen and recipient.is_allowed else None,
        "because": recipient.explain_choice() if recipient.is_allowed else None,
        "obstacles": [{"code": item.code, "sentence": item.sentence} for item in recipient.obstacles],
        "overridden": recipient.overridden.code if recipient.overridden else None,
        "partner_status": describe_age(recipient.status_age) if recipient.status_age else None,
        "agreements": [
            {
                "id": option.terms.id,
                "digest": option.view.digest,
                "version": option.terms.version,
                "title": option.terms.title,
                "state": option.view.state.value,
                "allowed": option.is_allowed,
                "findings": [{"code": item.code, "sentence": item.sentence} for item in option.findings],
            }
            for option in recipient.options
        ],
    }
