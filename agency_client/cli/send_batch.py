"""`agency send --batch`: many drafts in one go, and of each in a line what became of it."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from agency_client.cli.invocation import Invocation
from agency_client.cli.send_options import SendOptions
from agency_client.terminal.exit_codes import ExitCode
from agency_client.terminal.output import Output, Tone

if TYPE_CHECKING:
    from pathlib import Path

    from agency_client.node import Node
    from agency_client.sending.batch import DraftLine, LineReport
    from agency_client.sending.draft_files import WrittenLine
    from agency_client.sending.written import Wishes

_ID_CHARACTERS = 8
_TONES = {
    "sent": Tone.GOOD,
    "would-be-sent": Tone.GOOD,
    "queued": Tone.CAUTION,
    "not-sealed": Tone.BAD,
    "refused": Tone.BAD,
}
_OF_ONE_MESSAGE = {"mrz": "--mrz", "attach": "--attach", "quality": "--quality", "subject": "--subject"}


def send_batch(invocation: Invocation, node: "Node", path: "Path", options: SendOptions) -> None:
    """Send what a file or folder holds, or show what would become of it; end with the worst of all lines."""
    from agency_client.sending.batch import judge_lines, send_lines
    from agency_client.sending.draft_files import measure_drafts

    _demand_options_of_many(options)
    counts: Counter[str] = Counter()
    output = invocation.output
    with output.show_progress(f"sending {path.name}", measure_drafts(path)) as advance:

        def tell(report: "LineReport") -> None:
            advance(report.line.size)
            counts[report.state.value] += 1
            counts["wrong"] += report.is_wrong
            _show_line(output, report)

        go = judge_lines if options.dry_run else send_lines
        go(node, _read_lines(node, path, options), tell)
    _show_count(output, counts)


def _demand_options_of_many(options: SendOptions) -> None:
    from agency_client.errors import UsageError

    given = [spelt for name, spelt in _OF_ONE_MESSAGE.items() if getattr(options, name)]
    if given:
        raise UsageError(
            f"{given[0]} is about one message and cannot be given with --batch",
            fix='write it into the line: {"alert": {…}, "quality": ["CODE=WORDS"]}; what has files is sent by itself',
        )


def _read_lines(node: "Node", path: "Path", options: SendOptions) -> Iterator["DraftLine"]:
    from agency_client.sending.draft_files import read_drafts

    wishes = options.make_wishes()
    return (_make_line(node, written, wishes, options) for written in read_drafts(path))


def _make_line(node: "Node", written: "WrittenLine", usual: "Wishes", options: SendOptions) -> "DraftLine":
    from agency_client.errors import UsageError
    from agency_client.sending.batch import DraftLine
    from agency_client.sending.composing import set_fields
    from agency_client.sending.once import identify_draft
    from agency_client.sending.written import make_draft, read_written

    place = (written.number, written.name, written.size)
    if written.members is None:
        return DraftLine(*place, problem=written.problem)
    try:
        alert, wishes = read_written(written.members, usual)
        alert = set_fields({**options.members, **alert}, options.assignments or [])
        identity = identify_draft(alert, wishes.recipients)
        common = options.make_usual(node, wishes.marking, node.clock.now())
        return DraftLine(*place, draft=make_draft(alert, wishes, common, identity=identity))
    except UsageError as error:
        return DraftLine(*place, problem=error)


def _show_line(output: Output, report: "LineReport") -> None:
    state = report.state.value
    whom = ", ".join(f"{item.recipient} {item.message_id[:_ID_CHARACTERS]} {item.state}" for item in report.messages)
    problem = report.problem.sentence if report.problem else ""
    told = "; ".join(part for part in (whom, problem, report.fix and f"fix: {report.fix}") if part)
    output.show_line(f"{report.line.name}: {state}{': ' if told else ''}{told}", _TONES.get(state, Tone.NORMAL))
    output.write_json(
        {
            "line": report.line.number,
            "name": report.line.name,
            "state": state,
            "messages": [
                {
                    "id": item.message_id,
                    "recipient": item.recipient,
                    "state": item.state.value,
                    "problem": {"code": item.problem.code, "sentence": item.problem.sentence} if item.problem else None,
                }
                for item in report.messages
            ],
            "problem": {"code": report.problem.code, "sentence": problem} if report.problem else None,
            "fix": report.fix or None,
        }
    )


def _show_count(output: Output, counts: Counter[str]) -> None:
    """Say how many lines ended how, and end the process by the worst of them."""
    states = {state: number for state, number in counts.items() if state != "wrong" and number}
    output.write_json({"count": sum(states.values()), "states": states})
    words = ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
    unsent = states.keys() & {"not-sealed", "refused"}
    output.say(words or "nothing was handed over", Tone.BAD if unsent else Tone.GOOD)
    if unsent:
        is_all_wrong = counts["wrong"] == sum(states.get(state, 0) for state in unsent)
        raise typer.Exit(ExitCode.USAGE if is_all_wrong else ExitCode.DENIED)
    if states.get("queued"):
        output.say(
            "what is queued leaves by itself while agency sync --follow runs, or with: agency sync", Tone.CAUTION
        )
        raise typer.Exit(ExitCode.OFFLINE_QUEUED)
