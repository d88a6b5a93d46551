"""`agency approvals` and `agency approval refuse`: what one officer has approved and another must approve as well."""

from typing import Annotated

import typer

from agency_client.cli.invocation import get_invocation
from agency_client.terminal.output import Tone


def register(app: typer.Typer) -> None:
    """Add the verbs of this group."""
    app.command("approvals")(_list)
    group = typer.Typer(help="Refuse what waits for a second officer.", no_args_is_help=True, rich_markup_mode=None)
    group.command("refuse")(_refuse)
    app.add_typer(group, name="approval")


def _list(context: typer.Context) -> None:
    """List what one officer has approved and waits for a second one. An approval counts for 24 hours.

    \b
    Example:
      agency approvals
    """
    from agency_client.approvals import list_waiting
    from agency_client.node import Node

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        waiting = list_waiting(node)
    rows = [
        (str(item.id), item.what, item.officer, f"{item.given_at:%Y-%m-%d %H:%M}", f"{item.expires_at:%Y-%m-%d %H:%M}")
        for item in waiting
    ]
    invocation.output.show_table(("number", "what", "approved by", "on", "counts until"), rows, empty="nothing waits")
    invocation.output.write_json(
        {
            "approvals": [
                {
                    "id": item.id,
                    "kind": item.kind.value,
                    "subject": item.subject,
                    "what": item.what,
                    "officer": item.officer,
                    "reason": item.reason,
                    "given_at": item.given_at,
                    "expires_at": item.expires_at,
                }
                for item in waiting
            ]
        }
    )


def _refuse(
    context: typer.Context,
    number: Annotated[int, typer.Argument(help="The number that `agency approvals` shows.")],
    reason: Annotated[str, typer.Option(help="Why, for the access log.")],
) -> None:
    """Refuse what another officer has approved, or take back one's own approval. It is on record.

    \b
    Example:
      agency approval refuse 3 --reason "the paper came by post, not in person"
    """
    from agency_client.approvals import refuse_approval
    from agency_client.node import Node

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        refused = refuse_approval(node, number, reason)
    invocation.output.say(f"Refused: {refused.what}. Whoever wants it begins anew.", Tone.CAUTION)
    invocation.output.write_json({"id": refused.id, "what": refused.what, "state": "refused"})
