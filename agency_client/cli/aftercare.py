"""`agency aftercare`: who has acted on this agency's notices and who has not, and which of others' to answer here."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from agency_client.cli.invocation import get_invocation
from agency_client.terminal.output import Cell

if TYPE_CHECKING:
    from agency_client.aftercare.overview import Overview


def register(app: typer.Typer) -> None:
    """Add the verbs of this group."""
    app.command("aftercare")(_aftercare)


def _aftercare(
    context: typer.Context,
    message_id: Annotated[
        str | None, typer.Argument(metavar="ID", help="Only about this message; the first characters do.")
    ] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only what is late.")] = False,
) -> None:
    """Show every correction, withdrawal, misused identity, restriction and breach notice, and who has acted on it.

    Challenges of reports about documents, which nobody has answered yet, stand below.

    What an agency signed is proven. Of agencies further on it is their partner's word, who is named.

    \b
    Examples:
      agency aftercare
      agency aftercare 5d1c8a52
      agency aftercare --overdue --json
    """
    from agency_client.aftercare.overview import view_aftercare
    from agency_client.challenges.overview import view_challenges
    from agency_client.duties.listing import note_listing
    from agency_client.node import Node
    from agency_client.terminal.aftercare_pages import ACTING_TITLES, list_acting_rows, list_due_rows, warn_of_late
    from agency_client.terminal.challenge_pages import TITLES as CHALLENGE_TITLES
    from agency_client.terminal.challenge_pages import describe_view, list_open_rows

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        view, challenges = view_aftercare(node, message_id), view_challenges(node)
        note_listing(node, "aftercare")
    output = invocation.output
    output.show_table(ACTING_TITLES, list_acting_rows(view, only_overdue=overdue), empty="nothing waits for others")
    rows: list[tuple[str | Cell, ...]] = list_due_rows(view, only_overdue=overdue)
    if rows:
        output.show_line("")
        output.show_table(("answer here", "kind", "of", "done by itself", "answer due"), rows)
    open_challenges = list_open_rows(challenges, only_overdue=overdue)
    if open_challenges and message_id is None:
        output.show_line("")
        output.show_table(CHALLENGE_TITLES, open_challenges)
    warn_of_late(output, view)
    output.write_json(describe_overview(view) | {"challenges": describe_view(challenges)})


def describe_overview(view: "Overview") -> dict[str, Any]:
    """Return an overview as `--json` shows it."""
    return {
        "notices": [
            {
                "id": line.message_id,
                "digest": line.notice.digest,
                "kind": line.notice.kind,
                "about": {"id": line.target_id, "digest": line.notice.target},
                "required_action": line.notice.action,
                "said_at": line.notice.said_at,
                "acknowledge_by": line.notice.acknowledge_by,
                "agencies": [
                    {
                        "agency": acting.agency,
                        "effect": None if acting.effect is None else acting.effect.value,
                        "at": acting.at,
                        "late": acting.is_late,
                        "answered_at": acting.answered_at,
                        "ended": acting.ended or None,
                        "reported_by": acting.reported_by or None,
                        "path": acting.path,
                        "overdue": acting in line.list_overdue(view.now),
                        "call": view.whom_to_call.get(acting.reported_by or acting.agency),
                    }
                    for acting in line.agencies
                ],
            }
            for line in view.lines
        ],
        "due": [
            {
                "id": item.message.message_id,
                "kind": item.notice.kind,
                "from": item.message.sender,
                "author": item.notice.author,
                "about": item.notice.target,
                "effect": item.notice.effect,
                "acknowledge_by": item.notice.acknowledge_by,
            }
            for item in view.due
        ],
    }
