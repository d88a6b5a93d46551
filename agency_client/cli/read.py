"""`agency read` and `agency verify`: open one message with the reason on record; check one again, offline."""

from pathlib import Path
from typing import Annotated

import typer

from agency_client.cli.invocation import get_invocation
from agency_client.terminal.output import Tone


def register(app: typer.Typer) -> None:
    """Add the verbs of this group."""
    app.command("read")(_read)
    app.command("verify")(_verify)


def _read(
    context: typer.Context,
    message_id: Annotated[str, typer.Argument(help="The message's id, or its beginning.")],
    reason: Annotated[str | None, typer.Option(help="Why; it stands in this agency's access log.")] = None,
    case: Annotated[str | None, typer.Option(help="Your case reference.")] = None,
    use: Annotated[
        str | None, typer.Option("--for", help="What a restricted message is read for, like legal-claim.")
    ] = None,
) -> None:
    """Read a message. The reason is on record before anything is decrypted; the sender gets a receipt.

    What was corrected stands beside what the message said. A restricted one is shown only for what it is kept for.

    \b
    Examples:
      agency read 5d1c8a52 --reason "traveller at gate B14" --case 74/08
      agency read 5d1c8a52 --reason "the court asks" --for legal-claim
      agency read 5d1c8a52 --reason "answer the request" --json
      agency --lang fr read 5d1c8a52 --reason "traveller at gate B14"
    """
    from agency_client.node import Node
    from agency_client.reading.messages import ReadOwnMessage, read_message
    from agency_client.statuses.standing import list_ages, load_whom_of_marked
    from agency_client.terminal.message_pages import show_own, show_received
    from agency_client.terminal.partner_pages import warn_of_ages
    from agency_client.typed_codes import parse_code
    from schemas.alerts.coded import RestrictedUse

    invocation = get_invocation(context)
    output = invocation.output
    why = reason or output.ask_line("Reason for reading", instead='give it with --reason "…"')
    with Node(invocation.open_profile(), invocation.clock) as node:
        wanted = None if use is None else parse_code(RestrictedUse, use, "for")
        found = read_message(node, message_id, reason=why, case=case, use=wanted)
        partners = found.recipients if isinstance(found, ReadOwnMessage) else (found.stored.sender,)
        ages = list_ages(node, partners)
        whom = load_whom_of_marked(node, ages.values())
        facts = None
        if invocation.words.language.code != "en":
            from agency_client.interchange.report.exporting import gather_facts

            facts = gather_facts(node, found)
    if isinstance(found, ReadOwnMessage):
        show_own(output, found, ages, invocation.words)
    else:
        show_received(output, found, ages, invocation.words, facts)
    warn_of_ages(output, ages.values(), whom)


def _verify(
    context: typer.Context,
    subject: Annotated[
        str, typer.Argument(metavar="ID|FILE", help="A message's id, or its beginning; or what was exported.")
    ],
    reason: Annotated[str, typer.Option(help="Why; the content is decrypted to be checked.")] = "verification",
) -> None:
    """Check a received message again, offline: log, sender, signatures, agreement, content. Nothing of it is shown.

    A file is what `agency export` or `agency audit export` wrote; of the first no profile is needed.

    \b
    Examples:
      agency verify 5d1c8a52
      agency verify alert.json
      agency verify 2026.jsonl
    """
    from agency_client.cli.audit import verify_file
    from agency_client.cli.export import is_message_bundle, verify_bundle_file
    from agency_client.node import Node
    from agency_client.reading.messages import list_check_lines, verify_again

    invocation = get_invocation(context)
    if Path(subject).is_file():
        check = verify_bundle_file if is_message_bundle(Path(subject)) else verify_file
        check(invocation, Path(subject))
        return
    output = invocation.output
    with Node(invocation.open_profile(), invocation.clock) as node:
        found, checks = verify_again(node, subject, reason=reason)
    for line in list_check_lines(checks):
        output.show_line(line, Tone.GOOD)
    output.say(f"message {found.message_id} of {found.sender}: every step holds", Tone.GOOD)
    steps = [{"name": check.name, "sentence": check.sentence} for check in checks]
    output.write_json({"id": found.message_id, "digest": found.digest, "from": found.sender, "checks": steps})
