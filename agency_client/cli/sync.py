"""`agency sync`: everything a node does with the exchange, once; or with `--follow` for as long as it runs."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from agency_client.cli.invocation import Invocation, get_invocation
from agency_client.terminal.exit_codes import ExitCode
from agency_client.terminal.output import Tone

if TYPE_CHECKING:
    from agency_client.sync import RoundReport, StageReport

_PATIENCE_SECONDS = 5.0


def register(app: typer.Typer) -> None:
    """Add the verb of this group."""
    app.command("sync")(_sync)


def _sync(
    context: typer.Context,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until TERM or INT; one process a profile.")] = False,
    wait: Annotated[int, typer.Option(min=1, max=60, help="With --follow: seconds of a long poll.")] = 20,
) -> None:
    """Bring this node up to date: read the log, exchange agreements, statuses, messages and receipts.

    A failure in one part is told, and the others go on. With --json, one object a round (JSON Lines with --follow).

    \b
    Examples:
      agency sync
      agency sync --follow          the always-on process; ends in order on TERM
    Exit codes: 0 all went well, 6 something did not verify, 7 the exchange was not reached, 8 another one runs.
    """
    invocation = get_invocation(context)
    if follow:
        _follow(invocation, wait)
        return
    from agency_client.node import Node
    from agency_client.profile import hold_lock
    from agency_client.sync import run_round

    with (
        Node(invocation.open_profile(), invocation.clock) as node,
        hold_lock(node.profile, "sync", wait_seconds=_PATIENCE_SECONDS),
    ):
        report = run_round(node)
    _tell(invocation, report, told_when_quiet=True)
    if report.exit_code is not ExitCode.OK:
        raise typer.Exit(report.exit_code)


def _follow(invocation: Invocation, wait_seconds: int) -> None:
    from agency_client.following import StopSwitch, follow

    stop = StopSwitch()
    with stop.listening(), invocation.open_profile() as opened:
        invocation.output.say(f"following {opened.profile.settings.broker_url}; TERM or INT ends it")
        follow(opened, invocation.clock, lambda report: _tell(invocation, report), stop, wait_seconds=wait_seconds)
    invocation.output.say("ended in order")


def _tell(invocation: Invocation, report: "RoundReport", *, told_when_quiet: bool = False) -> None:
    if report.is_quiet and not told_when_quiet:
        return
    output, now = invocation.output, invocation.clock.now()
    for stage in report.stages:
        counts = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in stage.counts.items() if count)
        if counts:
            output.show_line(f"{now:%H:%M:%S} {stage.stage}: {counts}")
        for alarm in stage.alarms:
            output.say(f"{stage.stage}: ALARM {alarm.code}: {alarm.sentence}", Tone.BAD)
        for problem in stage.problems:
            output.say(f"{stage.stage}: {problem.code}: {problem.sentence}", Tone.CAUTION)
        if stage.failure is not None:
            output.say(f"{stage.stage}: failed: {stage.failure.sentence}", Tone.BAD)
    if report.is_quiet:
        output.say("up to date", Tone.GOOD)
    output.write_json({"at": now, "stages": [_describe(stage) for stage in report.stages]})


def _describe(stage: "StageReport") -> dict[str, Any]:
    def spell(problems: Any) -> list[dict[str, str]]:
        return [{"code": problem.code, "sentence": problem.sentence} for problem in problems]

    return {
        "stage": stage.stage,
        "counts": dict(stage.counts),
        "problems": spell(stage.problems),
        "alarms": spell(stage.alarms),
        "failure": spell([stage.failure])[0] if stage.failure else None,
    }
