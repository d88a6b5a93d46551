"""`agency sync`: everything a node does with the exchange, once; or with `--follow` for as long as it runs."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from agency_client.cli.invocation import Invocation, get_invocation
from agency_client.terminal.exit_codes import ExitCode
from agency_client.terminal.output import Tone

if TYPE_CHECKING:
    from agency_client.local_store.problems import Problem
    from agency_client.syncing.rounds import RoundReport, StageReport
    from agency_client.witness.quorum import Quorum

_TONES = {False: Tone.CAUTION, True: Tone.BAD}


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
    from agency_client.syncing.rounds import sync_once
    from agency_client.witness.standing import load_quorum

    with Node(invocation.open_profile(), invocation.clock) as node:
        report = sync_once(node)
        quorum = load_quorum(node)
    teller = _Teller(invocation)
    teller.tell(report, quorum)
    if report.is_quiet:
        invocation.output.say("up to date", Tone.GOOD)
    if report.exit_code is not ExitCode.OK:
        raise typer.Exit(report.exit_code)


def _follow(invocation: Invocation, wait_seconds: int) -> None:
    from agency_client.syncing.following import StopSwitch, follow

    stop, teller = StopSwitch(), _Teller(invocation)

    def tell_news(report: "RoundReport") -> None:
        if teller.has_news(report):
            teller.tell(report)

    with stop.listening(), invocation.open_profile() as opened:
        invocation.output.say(f"following {opened.profile.settings.broker_url}; TERM or INT ends it")
        follow(opened, invocation.clock, tell_news, stop, wait_seconds=wait_seconds)
    invocation.output.say("ended in order")


class _Teller:
    """Tells rounds as they end; what stands in the way is told once, until it changes."""

    def __init__(self, invocation: Invocation) -> None:
        self._invocation = invocation
        self._told: dict[str, list[Problem]] = {}

    def has_news(self, report: "RoundReport") -> bool:
        """Return whether a round did something, or something else stands in the way than was told before."""
        return any(any(stage.counts.values()) or stage.notes or self._list_new(stage) for stage in report.stages)

    def tell(self, report: "RoundReport", quorum: "Quorum | None" = None) -> None:
        """Tell one round: what was done on standard output, what went wrong and who has seen how much on the other."""
        from agency_client.syncing.rounds import CAUGHT_UP

        output, now = self._invocation.output, self._invocation.clock.now()
        for stage in report.stages:
            counts = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in stage.counts.items() if count)
            if counts:
                output.show_line(f"{now:%H:%M:%S} {stage.stage}: {counts}")
            if stage.stage == CAUGHT_UP:
                output.say("this node has caught up since its backup: nothing is held back any more", Tone.GOOD)
            for note in stage.notes:
                output.say(f"{stage.stage}: {note}", Tone.GOOD)
            for problem in self._list_new(stage):
                is_alarm = problem in stage.alarms
                word = "ALARM " if is_alarm else ""
                output.say(f"{stage.stage}: {word}{problem.code}: {problem.sentence}", _TONES[is_alarm])
            self._told[stage.stage] = _list_problems(stage)
        if quorum is not None:
            self._tell_witnesses(quorum)
        stages = [_describe(stage) for stage in report.stages]
        output.write_json({"at": now, "stages": stages, "witnesses": quorum and _describe_quorum(quorum)})

    def _tell_witnesses(self, quorum: "Quorum") -> None:
        from agency_client.witness.quorum import describe_quorum

        is_short = quorum.is_short(self._invocation.clock.now())
        self._invocation.output.say(describe_quorum(quorum), Tone.CAUTION if is_short else Tone.NORMAL)

    def _list_new(self, stage: "StageReport") -> "list[Problem]":
        told = self._told.get(stage.stage, [])
        return [problem for problem in _list_problems(stage) if problem not in told]


def _list_problems(stage: "StageReport") -> "list[Problem]":
    return [*stage.alarms, *stage.problems, *([stage.failure] if stage.failure else [])]


def _describe_quorum(quorum: "Quorum") -> dict[str, Any]:
    return {
        "own_size": quorum.own_size,
        "witnessed_size": quorum.witnessed_size,
        "needed": quorum.needed,
        "partners": [
            {"agency": witness.agency, "size": witness.size, "cosigned_at": witness.cosigned_at}
            for witness in quorum.witnesses
        ],
    }


def _describe(stage: "StageReport") -> dict[str, Any]:
    def spell(problems: Any) -> list[dict[str, str]]:
        return [{"code": problem.code, "sentence": problem.sentence} for problem in problems]

    return {
        "stage": stage.stage,
        "counts": dict(stage.counts),
        "problems": spell(stage.problems),
        "alarms": spell(stage.alarms),
        "notes": stage.notes,
        "failure": spell([stage.failure])[0] if stage.failure else None,
    }
