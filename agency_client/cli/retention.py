"""`agency retention`, `agency erase`: what ends when, what the next run erases, and what an officer erases early."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agency_client.cli.invocation import get_invocation
from agency_client.terminal.output import Cell, Tone

if TYPE_CHECKING:
    from agency_client.retention.rules import Ending, Plan

_ID_CHARACTERS = 8


def register(app: typer.Typer) -> None:
    """Add the verbs of this group."""
    group = typer.Typer(help="See what ends when, and erase what has ended.", no_args_is_help=True)
    group.command("list")(_list)
    group.command("run")(_run)
    group.command("log")(_log)
    group.command("repeat")(_repeat)
    app.add_typer(group, name="retention")
    app.command("erase")(_erase)


def _list(
    context: typer.Context,
    within: Annotated[int | None, typer.Option(metavar="DAYS", min=0, help="Only what ends in so many days.")] = None,
    partner: Annotated[str | None, typer.Option(help="Only of this agency.")] = None,
    part: Annotated[str | None, typer.Option(help="Only content, sealed-bytes, evidence, access-log or draft.")] = None,
) -> None:
    """List what is kept and when it ends, what ends first coming first; what a restriction holds stands at the end.

    \b
    Examples:
      agency retention list --within 30
      agency retention list --partner VN --part content --json
    """
    from agency_client.node import Node
    from agency_client.retention.rules import Part, choose_endings
    from agency_client.retention.running import list_endings

    invocation = get_invocation(context)
    wanted = None if part is None else Part(_read_choice(part, [item.value for item in Part]))
    with Node(invocation.open_profile(), invocation.clock) as node:
        now = node.clock.now()
        plan = list_endings(node, until=None if within is None else now + timedelta(days=within))
    endings = choose_endings((*plan.endings, *plan.kept), part=wanted, partner=partner)
    _show(context, endings, now, empty="nothing ends in that time")
    invocation.output.write_json({"endings": [_describe(ending) for ending in endings]})


def _run(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be erased.")] = False,
    clock_is_right: Annotated[
        str | None,
        typer.Option("--clock-is-right", metavar="REASON", help="Erase by this clock though nobody confirms it."),
    ] = None,
) -> None:
    """Erase what has come to its end; `agency sync` does so by itself.

    Where this machine's clock is more than a week ahead of all that others signed, nothing is erased until the
    exchange has answered again, or somebody says how they know that it is right.

    \b
    Examples:
      agency retention run --dry-run
      agency retention run
      agency retention run --clock-is-right "offline since May; compared with the wall clock of the control room"
    """
    from agency_client.node import Node
    from agency_client.retention.running import plan_retention, run_retention

    invocation = get_invocation(context)
    output = invocation.output
    with Node(invocation.open_profile(), invocation.clock) as node:
        report = None if dry_run else run_retention(node, confirmed=clock_is_right)
        plan = report.plan if report is not None else plan_retention(node)
    _show(context, plan.endings, plan.at, empty="nothing is due")
    if plan.doubt:
        output.say(plan.doubt, Tone.BAD)
    if report is not None:
        counts = ", ".join(f"{name} {count}" for name, count in report.erased.items() if count)
        output.say(f"erased: {counts}" if counts else "nothing was erased", Tone.GOOD)
    output.write_json(_describe_plan(plan, dry_run=dry_run) | {"erased": report and dict(report.erased)})


def _log(
    context: typer.Context,
    days: Annotated[int | None, typer.Option(help="Keep each entry for so many days; a year at least.")] = None,
    reason: Annotated[str, typer.Option(help="Why it is changed; it stands in the access log.")] = "",
) -> None:
    """Say, or set, how long the entries of the own access log are kept. Their chain verifies for ever.

    \b
    Examples:
      agency retention log
      agency retention log --days 1095 --reason "records schedule of 2026, item 12"
    """
    from agency_client.node import Node
    from agency_client.retention.running import read_log_days, set_log_days

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        if days is not None:
            set_log_days(node, days, reason=reason)
        with node.store.read() as snapshot:
            kept = read_log_days(snapshot)
    invocation.output.show_line(f"entries of the access log are kept for {kept} days")
    invocation.output.write_json({"access_log_days": kept})


def _repeat(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A list of erasures: NAME.erasures.", show_default=False)],
) -> None:
    """Erase again, on a node restored from a backup, what a list of erasures names.

    \b
    Example:
      agency retention repeat /media/safe/gb.erasures
    """
    from agency_client.node import Node
    from agency_client.retention.ledger import note_erasures, read_ledger, repeat_erasures

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        lines = read_ledger(file)
        repeated = repeat_erasures(node, lines)
        note_erasures(node)
    invocation.output.say(f"{len(lines)} erasures are named, {repeated} were repeated", Tone.GOOD)
    invocation.output.write_json({"named": len(lines), "repeated": repeated})


def _erase(
    context: typer.Context,
    message_id: Annotated[str, typer.Argument(metavar="ID", help="A message; the first characters do.")],
    reason: Annotated[str, typer.Option(help="Why; it stands in the access log.", show_default=False)],
    case: Annotated[str | None, typer.Option(help="The case it belongs to.")] = None,
) -> None:
    """Destroy a message's content before its term. Nobody can bring it back; its sender is told by a signed receipt.

    \b
    Example:
      agency erase 7964f6be --reason "the case was closed; no ground to keep it"
    """
    from agency_client.node import Node
    from agency_client.retention.by_hand import erase_early, list_holders

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        ending = erase_early(node, message_id, reason=reason, case=case)
        holders = list_holders(node, ending.subject)
    told = f"; {ending.partner} is told with the next round" if ending.direction == "in" else ""
    invocation.output.say(f"the content of {ending.message_id} is erased{told}", Tone.GOOD)
    if holders:
        words = "by the originator's leave, and keep it; what you sent there yourself is taken back by: agency withdraw"
        invocation.output.say(f"{' and '.join(holders)} got it from here {words}", Tone.CAUTION)
    invocation.output.write_json({"erased": _describe(ending), "holders": holders})


def _show(context: typer.Context, endings: "tuple[Ending, ...]", now: datetime, *, empty: str) -> None:
    rows: list[list[str | Cell]] = [
        [
            Cell(f"{ending.ends_at:%Y-%m-%d %H:%M}Z", Tone.CAUTION if ending.ends_at <= now else Tone.NORMAL),
            ending.part.value,
            _DIRECTIONS[ending.direction],
            ending.partner,
            ending.message_id[:_ID_CHARACTERS] or ending.subject,
            f"held: restricted by {' and '.join(ending.kept_by)}" if ending.kept_by else "",
        ]
        for ending in endings
    ]
    get_invocation(context).output.show_table(["ends", "what", "", "partner", "id", ""], rows, empty=empty)


_DIRECTIONS = {"in": "received", "out": "sent", "": ""}


def _describe_plan(plan: "Plan", *, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "at": plan.at,
        "counts": plan.count(),
        "oldest": plan.oldest,
        "clock_in_doubt": plan.doubt or None,
        "due": [_describe(ending) for ending in plan.endings],
        "held": [_describe(ending) for ending in plan.kept],
    }


def _describe(ending: "Ending") -> dict[str, Any]:
    return {
        "part": ending.part.value,
        "subject": ending.subject,
        "ends_at": ending.ends_at,
        "direction": ending.direction or None,
        "message": ending.message_id or None,
        "partner": ending.partner or None,
        "held_by": list(ending.kept_by),
    }


def _read_choice(value: str, choices: list[str]) -> str:
    if value not in choices:
        raise typer.BadParameter(f"{value!r} is none of {', '.join(choices)}", param_hint="--part")
    return value
