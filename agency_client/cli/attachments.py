"""`agency attachments`: what is attached to a message, and its way into a folder of one's own."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agency_client.cli.answer_options import Case, MessageId
from agency_client.cli.invocation import Invocation, get_invocation
from agency_client.terminal.output import Tone

if TYPE_CHECKING:
    from schemas.alerts.coded import RestrictedUse

Reason = Annotated[str | None, typer.Option(help="Why; it stands in this agency's access log.", show_default=False)]
Use = Annotated[str | None, typer.Option("--for", help="What a restricted message is opened for, like legal-claim.")]
Chosen = Annotated[
    list[str] | None, typer.Argument(metavar="[ATTACHMENT]...", help="Ids of attachments, or their beginnings.")
]


def register(app: typer.Typer) -> None:
    """Add the verbs of this group."""
    group = typer.Typer(help="Files attached to messages.", no_args_is_help=True, rich_markup_mode=None)
    group.command("list")(_list)
    group.command("fetch")(_fetch)
    group.command("save")(_save)
    app.add_typer(group, name="attachments")


def _list(
    context: typer.Context, message_id: MessageId, reason: Reason = None, case: Case = None, use: Use = None
) -> None:
    """List what is attached to a message, and where its bytes are. Nothing is fetched.

    \b
    Examples:
      agency attachments list 5d1c8a52 --reason "case 74/08"
    """
    from agency_client.attachments.listing import list_attachments
    from agency_client.node import Node
    from agency_client.terminal.attachment_pages import describe_line, show_places

    invocation = get_invocation(context)
    why = _ask_reason(invocation, reason)
    with Node(invocation.open_profile(), invocation.clock) as node:
        found, lines = list_attachments(node, message_id, reason=why, case=case, use=_parse_use(use))
    show_places(invocation.output, lines)
    invocation.output.write_json(
        {"id": found.stored.message_id, "attachments": [describe_line(line) for line in lines]}
    )


def _fetch(
    context: typer.Context,
    message_id: MessageId,
    attachments: Chosen = None,
    reason: Reason = None,
    case: Case = None,
) -> None:
    """Fetch attachments, all if none is named, and keep them encrypted: they can be saved later, offline too.

    The exchange keeps them until the message's delivery ends. What was cut off goes on where it stood.

    \b
    Examples:
      agency attachments fetch 5d1c8a52 --reason "case 74/08"
    """
    from agency_client.attachments.listing import fetch_attachments
    from agency_client.node import Node

    invocation = get_invocation(context)
    output, why = invocation.output, _ask_reason(invocation, reason)
    with Node(invocation.open_profile(), invocation.clock) as node:
        fetched = fetch_attachments(
            node, message_id, attachments or [], reason=why, case=case, watching=output.show_progress
        )
    output.say(f"{len(fetched)} here now, encrypted: agency attachments save {message_id}", Tone.GOOD)
    output.write_json({"fetched": list(fetched)})


def _save(
    context: typer.Context,
    message_id: MessageId,
    attachments: Chosen = None,
    all_of_them: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    to: Annotated[Path, typer.Option(help="The folder to save into.")] = Path(),
    reason: Reason = None,
    case: Case = None,
    use: Use = None,
) -> None:
    """Save attachments into a folder: verified to the last byte, under safe names, over nothing, never opened.

    Who saved what and why stands in the access log. What a file seems to be is its sender's word: look before you open.

    \b
    Examples:
      agency attachments save 5d1c8a52 --all --to evidence --reason "case 74/08"
      agency attachments save 5d1c8a52 3f0f6d0a --reason "compare the page"
    """
    from agency_client.attachments.saving import Saving, save_attachments
    from agency_client.errors import UsageError
    from agency_client.node import Node

    if bool(attachments) == all_of_them:
        raise UsageError("say which: ids of attachments, or --all", fix="run: agency attachments list ID")
    invocation = get_invocation(context)
    output, why = invocation.output, _ask_reason(invocation, reason)
    wanted = Saving(message_id, to, why, tuple(attachments or ()), case, _parse_use(use))
    with Node(invocation.open_profile(), invocation.clock) as node:
        saved = save_attachments(node, wanted, output.show_progress)
    for item in saved:
        output.show_line(str(item.path))
    output.say(f"{len(saved)} saved, each verified to the last byte", Tone.GOOD)
    output.write_json(
        {"saved": [{"id": one.id, "path": str(one.path), "size": one.size, "sha256": one.sha256} for one in saved]}
    )


def _ask_reason(invocation: Invocation, reason: str | None) -> str:
    return reason or invocation.output.ask_line("Reason", instead='give it with --reason "…"')


def _parse_use(use: str | None) -> "RestrictedUse | None":
    from agency_client.typed_codes import parse_code
    from schemas.alerts.coded import RestrictedUse

    return None if use is None else parse_code(RestrictedUse, use, "for")
