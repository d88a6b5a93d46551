"""What the verbs that answer a message or follow it up have in common: their options, who writes, what is said after.

`with_writer` gives a verb the options of whoever writes (`--reason --case --unit --officer`) as one value.
"""

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agency_client.cli.invocation import Invocation
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


@dataclass(frozen=True, slots=True)
class Writer:
    """Who answers, as the options said it; what was left out is None."""

    reason: str | None = None
    case: str | None = None
    unit: str | None = None
    officer: str | None = None

    def make_author(
        self, invocation: Invocation, node: "Node", usual_reason: str, *, override: str | None = None
    ) -> "Author":
        """Return the author, with a reason that says the verb where nobody gave one."""
        from agency_client.sending.answering import Author
        from agency_client.sending.pseudonym import make_pseudonym

        unit = self.unit or invocation.environment.get(UNIT_VARIABLE) or node.agency
        pseudonym = self.officer or make_pseudonym(node)
        reason = self.reason or usual_reason
        return Author(reason, unit, pseudonym, self.case, old_status_override=override)


_OPTIONS = {"reason": Reason, "case": Case, "unit": Unit, "officer": Officer}


def with_writer(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb the options of whoever writes; it takes them as its keyword `writer`."""

    @wraps(verb)
    def run(*arguments: Any, **named: Any) -> None:
        verb(*arguments, writer=Writer(**{name: named.pop(name) for name in _OPTIONS}), **named)

    kept = [item for item in inspect.signature(verb).parameters.values() if item.name != "writer"]
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=option)
        for name, option in _OPTIONS.items()
    ]
    parameters = [item.replace(kind=inspect.Parameter.KEYWORD_ONLY) for item in kept] + added
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {item.name: item.annotation for item in parameters}
    return run


def read_details(invocation: Invocation, file: Path | None) -> dict[str, Any]:
    """Return the details that a file, or standard input, holds; none where no file was named."""
    found = _read_file(file)
    inner = found.get("details", found)
    return dict(inner) if isinstance(inner, dict) else found


def read_reply(file: Path | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the details that a file, or standard input, holds, and what a whole alert there tells beside them."""
    from agency_client.sending.questions import TOLD_MEMBERS

    found = _read_file(file)
    if not isinstance(found.get("details"), dict):
        return found, {}
    return dict(found["details"]), {name: found[name] for name in TOLD_MEMBERS if name in found}


def _read_file(file: Path | None) -> dict[str, Any]:
    from agency_client.profiles.public_files import read_foreign_file
    from agency_client.sending.composing import MAX_FILE_BYTES, read_alert_file

    if file is None:
        return {}
    data = sys.stdin.buffer.read(MAX_FILE_BYTES + 1) if str(file) == "-" else read_foreign_file(file)
    return read_alert_file(data, str(file))


def show_report(invocation: Invocation, report: "AnswerReport") -> None:
    """Say what became of an answer, for each agency it goes to."""
    from agency_client.reading.lists import label_kind

    output = invocation.output
    for item in report.items:
        words = "was sent before" if report.is_repeated else "is sent"
        if item.state.value == "cancelled":
            words = "is not needed: the message never left"
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
