"""`agency pass-on`: send a received message on to a further agency, by the originator's leave and never without."""

from typing import TYPE_CHECKING, Annotated

import typer

from agency_client.cli.answer_options import Case, MessageId
from agency_client.cli.invocation import get_invocation
from agency_client.terminal.output import Output, Tone

if TYPE_CHECKING:
    from agency_client.onward.passing_on import PassedOn


def register(app: typer.Typer) -> None:
    """Add the verbs of this group."""
    app.command("pass-on")(_pass_on)


def _pass_on(
    context: typer.Context,
    message_id: MessageId,
    to: Annotated[list[str], typer.Option("--to", help="An agency it goes to; again for more.")],
    reason: Annotated[str, typer.Option(help="Why; it stands in this agency's access log.")],
    case: Case = None,
    purpose: Annotated[str | None, typer.Option(help="What for; as it was sent for, if left out.")] = None,
    marking: Annotated[str | None, typer.Option(help="A higher marking than the one it came with.")] = None,
    necessity: Annotated[str | None, typer.Option(help="Why they need it, as they read it.")] = None,
    without_attachments: Annotated[
        bool, typer.Option("--without-attachments", help="Leave its attachments out; they stay named.")
    ] = False,
) -> None:
    """Pass a received message on, to the letter. It says by which right; without one it names what to ask for.

    \b
    Examples:
      agency pass-on 5d1c8a52 --to AL-BP --reason "same series in Durres"
      agency pass-on 5d1c8a52 --to AL-BP --to RS-BP --purpose document-integrity --reason "case 74/08"
    """
    from agency_client.node import Node
    from agency_client.onward.passing_on import NECESSITY, PassOn, pass_on
    from agency_client.terminal.exit_codes import ExitCode
    from agency_client.typed_codes import parse_code
    from schemas.markings import Purpose, Tlp

    invocation = get_invocation(context)
    wanted = PassOn(
        message_id,
        tuple(to),
        reason=reason,
        case=case,
        purpose=None if purpose is None else parse_code(Purpose, purpose, "purpose"),
        marking=None if marking is None else parse_code(Tlp, marking, "marking"),
        necessity=necessity or NECESSITY,
        leaves_attachments=without_attachments,
    )
    with Node(invocation.open_profile(), invocation.clock) as node:
        copies = pass_on(node, wanted)
    output = invocation.output
    for copy in copies:
        _tell(output, copy)
    if any(copy.item.state.value == "queued" for copy in copies):
        output.say("it is in the outbox and goes out when the exchange is there: agency outbox")
        raise typer.Exit(ExitCode.OFFLINE_QUEUED)


def _tell(output: Output, copy: "PassedOn") -> None:
    words = "went there before" if copy.is_repeated else copy.item.state.value
    output.say(f"{copy.way}: {copy.sentence}; message {copy.item.message_id}, {words}", Tone.GOOD)
    output.write_json(
        {
            "id": copy.item.message_id,
            "to": copy.recipient,
            "way": copy.way,
            "right": copy.right.value,
            "state": copy.item.state.value,
            "repeated": copy.is_repeated,
        }
    )
