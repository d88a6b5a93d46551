"""What the duties of Directive (EU) 2016/680 add to pages: doubts before sending, what was answered, what is open."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from agency_client.terminal.moments import spell_moment
from agency_client.terminal.output import Cell, Output, Tone

if TYPE_CHECKING:
    from agency_client.duties.quality import QualityReport
    from schemas.alerts.base import Alert
    from schemas.alerts.quality import Doubt
    from schemas.alerts.registry import FieldProblem


def show_doubts(output: Output, report: "QualityReport") -> None:
    """Show what the check before sending found, and what was answered; nothing where nothing was found."""
    if not report.doubts:
        return
    open_doubts = set(report.unanswered)
    rows = [
        (
            doubt.code.value,
            doubt.field or "",
            doubt.sentence,
            Cell("to be answered", Tone.BAD) if doubt in open_doubts else Cell(report.answers[doubt.code], Tone.GOOD),
        )
        for doubt in report.doubts
    ]
    output.show_table(("doubt", "field", "why", "your words"), rows)
    if open_doubts:
        output.say('correct it, or say why it is right: --quality CODE="…"', Tone.CAUTION)


def describe_doubts(report: "QualityReport") -> list[dict[str, Any]]:
    """Return the doubts for a program, each with the officer's words or null."""
    return [
        {
            "code": doubt.code.value,
            "field": doubt.field,
            "sentence": doubt.sentence,
            "answer": report.answers.get(doubt.code),
        }
        for doubt in report.doubts
    ]


def show_checked(output: Output, alert: "Alert", open_doubts: Iterable["Doubt"]) -> None:
    """Show the reader what the sender says of the quality, and what this node finds doubtful by itself."""
    if alert.quality is not None:
        output.show_line(f"checked by its sender on {spell_moment(alert.quality.checked_at)}")
        for item in alert.quality.answered:
            where = f" ({item.field})" if item.field else ""
            output.show_line(f"the sender on “{item.code.label}”{where}: {item.words}", Tone.CAUTION)
    for doubt in open_doubts:
        words = f"DOUBTFUL, and its sender says nothing to it: {doubt.field or 'the message'}: {doubt.sentence}"
        output.show_line(words, Tone.BAD)


def describe_open(open_doubts: Iterable["Doubt"]) -> list[dict[str, Any]]:
    """Return the doubts of one's own computation for a program."""
    return [{"code": doubt.code.value, "field": doubt.field, "sentence": doubt.sentence} for doubt in open_doubts]


def show_undeclared(output: Output, undeclared: Iterable["FieldProblem"]) -> None:
    """Show the special categories of data that are there and that the sender did not declare (article 10)."""
    for problem in undeclared:
        output.show_line(f"NOT DECLARED BY ITS SENDER: {problem.problem}", Tone.BAD)
