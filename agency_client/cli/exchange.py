"""`agency exchange`: which log of the exchange counts here, and accepting a new one, by two officers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agency_client.cli.ceremony import show_anchor
from agency_client.cli.init import read_exchange_anchor
from agency_client.cli.invocation import Invocation, get_invocation
from agency_client.terminal.output import Cell, Tone

if TYPE_CHECKING:
    from agency_client.epochs.accepting import Acceptance, ProposedLog
    from agency_client.epochs.views import AcceptedLog
    from agency_client.node import Node


def register(app: typer.Typer) -> None:
    """Add the verbs of this group."""
    group = typer.Typer(
        help="Show which log of the exchange counts, and accept a new one.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command("show")(_show)
    group.command("accept")(_accept)
    app.add_typer(group, name="exchange")


def _show(context: typer.Context) -> None:
    """Show the exchange: its logs, which one counts since when, its keys, and how far this node saw it.

    \b
    Example:
      agency exchange show
    """
    from agency_client.epochs.views import list_accepted_logs
    from agency_client.node import Node

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        logs, name, anchor = list_accepted_logs(node), node.exchange, _get_anchor(node)
    rows = [
        (
            log.accepted.origin,
            Cell("ended here", Tone.QUIET) if log.accepted.retired_at else Cell("counts", Tone.GOOD),
            f"{log.accepted.accepted_at:%Y-%m-%d %H:%M} by {log.accepted.accepted_by}",
            "never" if log.seen is None else f"{log.seen} leaves",
            " ".join(kid[:8] for kid in log.kids),
        )
        for log in logs
    ]
    show_anchor(invocation, f"anchor of {name}, the log that counts", anchor)
    invocation.output.show_table(("log", "standing", "accepted", "seen", "keys"), rows)
    invocation.output.write_json({"name": name, "anchor": anchor, "logs": [_describe_log(log) for log in logs]})


def _describe_log(log: "AcceptedLog") -> dict[str, object]:
    return {
        "origin": log.accepted.origin,
        "epoch": log.epoch,
        "anchor": log.accepted.anchor,
        "keys": list(log.kids),
        "accepted_at": log.accepted.accepted_at,
        "accepted_by": log.accepted.accepted_by,
        "ended_at": log.accepted.retired_at,
        "opened_at": log.accepted.opened_at,
        "seen": log.seen,
    }


def _accept(
    context: typer.Context,
    sheet: Annotated[Path, typer.Argument(help="The exchange's new sheet, from its operator.")],
    reason: Annotated[str, typer.Option(help="Why, for the access log; like who handed over the paper.")],
    exchange_anchor: Annotated[
        str | None, typer.Option(help="The anchor from the new paper: its 24 words, or hexadecimal.")
    ] = None,
    exchange_anchor_file: Annotated[Path | None, typer.Option(help="A file with that anchor.")] = None,
    past_skipped: Annotated[
        bool, typer.Option("--past-skipped", help="Accept it although logs between were never accepted here.")
    ] = False,
) -> None:
    """Accept the new log that the exchange had to begin. It takes two officers, each with the paper; it is on record.

    With the second approval the new log counts, and what nobody has receipted is handed in again. An approval counts
    for 24 hours; see agency approvals.

    \b
    Examples:
      agency exchange accept exchange-2.json --reason "paper handed over by the operator's courier"
      BILATERAL_OFFICER=b.jansen agency exchange accept exchange-2.json --reason "paper compared" \\
          --exchange-anchor-file anchor-2.txt
    """
    from agency_client.epochs.accepting import approve_new_log, examine_new_log
    from agency_client.node import Node
    from agency_client.profiles.joining import accept_sheet, read_exchange_sheet

    invocation = get_invocation(context)
    offered = read_exchange_sheet(sheet)
    typed = read_exchange_anchor(invocation, offered.origin, exchange_anchor, exchange_anchor_file)
    accepted = accept_sheet(offered, typed)
    with Node(invocation.open_profile(), invocation.clock) as node:
        proposed = examine_new_log(node, accepted, past_skipped=past_skipped)
        _show_proposed(invocation, node, proposed)
        _demand_agreement(invocation, proposed)
        acceptance = approve_new_log(node, proposed, reason)
    _tell(invocation, proposed, acceptance)


def _get_anchor(node: "Node") -> str:
    from agency_client.trust import get_exchange_anchor

    return get_exchange_anchor(node)


def _show_proposed(invocation: Invocation, node: "Node", proposed: "ProposedLog") -> None:
    from agency_client.epochs.views import list_log_kids

    committed, held = proposed.committed, proposed.held
    invocation.output.show_details(
        [
            ("log that counts here", node.sheet.origin),
            ("its keys", " ".join(kid[:8] for kid in list_log_kids(node.sheet))),
            ("seen of it", "nothing" if held is None else f"{held.size} leaves, root {held.root[:8]}"),
            ("new log", proposed.sheet.origin),
            ("its keys", " ".join(kid[:8] for kid in list_log_kids(proposed.sheet))),
            ("goes on from", f"{committed.origin}, {committed.size} leaves, root {committed.root[:8]}"),
            ("opened", f"{proposed.opening.leaf.record.time:%Y-%m-%d %H:%M:%S} UTC"),
        ]
    )
    for sentence in proposed.judgement.sentences:
        invocation.output.say(f"Note: {sentence}.", Tone.CAUTION)


def _demand_agreement(invocation: Invocation, proposed: "ProposedLog") -> None:
    """Ask a person who sits there; who gave the anchor in the command has said it already."""
    from agency_client.errors import UsageError

    if invocation.output.is_interactive and not invocation.output.confirm(
        f"Approve that {proposed.sheet.origin} takes its place", instead="give the anchor in the command"
    ):
        raise UsageError("not approved", code="not-confirmed")


def _tell(invocation: Invocation, proposed: "ProposedLog", acceptance: "Acceptance") -> None:
    names = [approval.officer for approval in acceptance.approvals]
    if acceptance.is_begun:
        invocation.output.say(
            f"{proposed.sheet.origin} counts from now on, approved by {' and '.join(names)}. Next: agency sync",
            Tone.GOOD,
        )
    else:
        until = acceptance.approvals[0].expires_at
        invocation.output.say(
            f"Approved by {names[0]}. Another officer must approve it too, until {until:%Y-%m-%d %H:%M} UTC; "
            "nothing has changed yet.",
            Tone.CAUTION,
        )
    state = "begun" if acceptance.is_begun else "waiting"
    invocation.output.write_json(
        {
            "origin": proposed.sheet.origin,
            "state": state,
            "approved_by": names,
            "skipped": list(proposed.judgement.skipped),
            "notes": list(proposed.judgement.sentences),
        }
    )
