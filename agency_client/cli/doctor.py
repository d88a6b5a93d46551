"""`agency doctor`: look this node over and say what to do."""

from typing import TYPE_CHECKING

import typer

from agency_client.cli.invocation import Invocation, get_invocation
from agency_client.terminal.output import Cell, Tone

if TYPE_CHECKING:
    from agency_client.doctor import Finding

_TONES = {"ok": Tone.GOOD, "warn": Tone.CAUTION, "fail": Tone.BAD}


def register(app: typer.Typer) -> None:
    """Add the verb of this group."""
    app.command("doctor")(_doctor)


def _doctor(context: typer.Context) -> None:
    """Check clock, certificate, keys, pins, exchange, broker, outbox, store and terminal. Ends with 1 if one fails.

    \b
    Examples:
      agency doctor
      agency doctor --json
    """
    import sys
    from importlib.metadata import version

    from agency_client.doctor import Finding, Level, check_terminal
    from agency_client.errors import LockedError
    from agency_client.terminal.exit_codes import ExitCode

    invocation = get_invocation(context)
    findings = [Finding("version", Level.OK, version("bilateral")), check_terminal(sys.stdout.encoding)]
    try:
        findings += _examine(invocation)
    except LockedError as error:
        findings.append(Finding("profile", Level.FAIL, error.sentence, error.fix))
    rows = [
        (item.check, Cell(item.level.value, _TONES[item.level.value]), item.sentence, item.fix) for item in findings
    ]
    invocation.output.show_table(("check", "state", "found", "fix"), rows)
    invocation.output.write_json(
        {
            "findings": [
                {
                    "check": item.check,
                    "level": item.level.value,
                    "sentence": item.sentence,
                    "fix": item.fix,
                    "ends_at": item.ends_at,
                    "days_left": item.days_left,
                }
                for item in findings
            ]
        }
    )
    if any(item.level is Level.FAIL for item in findings):
        raise typer.Exit(ExitCode.FAILED)


def _examine(invocation: Invocation) -> "list[Finding]":
    from agency_client.doctor import Finding, Level, examine_node
    from agency_client.node import Node

    profile = invocation.load_profile()
    with Node(invocation.open_profile(), invocation.clock) as node:
        return [Finding("profile", Level.OK, f"{profile.name} in {profile.folder}"), *examine_node(node)]
