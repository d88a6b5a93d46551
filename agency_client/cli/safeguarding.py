"""`agency safeguarding`: the compartment for what is confidential, its officers, and what waits in it for them.

With the compartment unlocked the ordinary verbs work on confidential messages too: inbox, read, send, ack, withdraw.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agency_client.cli.invocation import Invocation, get_invocation
from agency_client.terminal.output import Cell, Tone

if TYPE_CHECKING:
    from agency_client.safeguarding.officers import Founding

_PassphraseFile = Annotated[
    Path | None, typer.Option(help="A private file that holds the officer's own passphrase; else it is asked for.")
]
_Reason = Annotated[str, typer.Option(help="Why, for this agency's access log.")]
_ID_CHARACTERS = 8


def register(app: typer.Typer) -> None:
    """Add the verbs of this group."""
    group = typer.Typer(
        help="Victims: a compartment that its own officers open.", no_args_is_help=True, rich_markup_mode=None
    )
    group.command("found")(_found)
    group.command("confirm")(_confirm)
    group.command("officers")(_officers)
    group.command("add")(_add)
    group.command("remove")(_remove)
    group.command("unlock")(_unlock)
    group.command("lock")(_lock)
    group.command("inbox")(_inbox)
    group.command("about")(_about)
    group.command("pseudonym")(_pseudonym)
    app.add_typer(group, name="safeguarding")


def _found(context: typer.Context, reason: _Reason, officer_passphrase_file: _PassphraseFile = None) -> None:
    """Make the compartment, with you as its first officer. It counts once a second officer has confirmed it.

    \b
    Example:
      agency safeguarding found --reason "decree 12 of the ministry: desk for victims"
    """
    from agency_client.node import Node
    from agency_client.safeguarding.officers import found_compartment

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        passphrase = _read_new_passphrase(invocation, officer_passphrase_file)
        _show_founding(invocation, found_compartment(node, passphrase, reason))


def _confirm(context: typer.Context, reason: _Reason) -> None:
    """Confirm, as a second officer, that the compartment was made and who opens it first; its key is published then.

    \b
    Example:
      agency safeguarding confirm --reason "seen the decree and the officer"
    """
    from agency_client.node import Node
    from agency_client.own_keys.publishing import publish_due
    from agency_client.safeguarding.officers import confirm_founding
    from agency_client.witness.walker import walk_log

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        founding = confirm_founding(node, reason)
        _show_founding(invocation, founding)
        if founding.is_confirmed:
            publish_due(node).raise_problem()
            walk_log(node)


def _officers(context: typer.Context) -> None:
    """List who opens the compartment, and for how long it is unlocked for you.

    \b
    Example:
      agency safeguarding officers
    """
    from agency_client.local_store.compartment import list_officers, load_compartment
    from agency_client.node import Node
    from agency_client.profiles.session import count_compartment_seconds

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        with node.store.read() as snapshot:
            record, officers = load_compartment(snapshot), list_officers(snapshot)
        seconds = count_compartment_seconds(node.profile, node.officer, environment=invocation.environment)
    rows = [(item.officer, f"{item.added_at:%Y-%m-%d %H:%M}", item.added_by) for item in officers]
    invocation.output.show_table(("officer", "since", "added by"), rows, empty="there is no compartment")
    is_confirmed = record is not None and record.confirmed_at is not None
    if record is not None and not is_confirmed:
        invocation.output.say("it waits for a second officer: agency safeguarding confirm", Tone.CAUTION)
    if seconds:
        invocation.output.say(f"unlocked for you for {-(-seconds // 60)} min", Tone.GOOD)
    names = [{"officer": item.officer, "added_at": item.added_at, "added_by": item.added_by} for item in officers]
    invocation.output.write_json({"confirmed": is_confirmed, "officers": names, "unlocked_seconds": seconds})


def _add(
    context: typer.Context,
    officer: Annotated[str, typer.Argument(help="The officer's name, as `agency whoami` says it there.")],
    reason: _Reason,
    officer_passphrase_file: _PassphraseFile = None,
) -> None:
    """Let a further officer open the compartment; that person types a passphrase. Yours must be unlocked.

    \b
    Example:
      agency safeguarding add m.dupont --reason "joined the desk today"
    """
    from agency_client.node import Node
    from agency_client.safeguarding.officers import add_officer, demand_compartment

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        demand_compartment(node, "safeguarding-add", reason)
        add_officer(node, officer, _read_new_passphrase(invocation, officer_passphrase_file), reason)
    invocation.output.say(f"{officer} opens the compartment from now on", Tone.GOOD)
    invocation.output.write_json({"officer": officer, "added": True})


def _remove(
    context: typer.Context, officer: Annotated[str, typer.Argument(help="The officer's name.")], reason: _Reason
) -> None:
    """Take the compartment from an officer. Older backups still hold that passphrase's container: destroy them.

    \b
    Example:
      agency safeguarding remove m.dupont --reason "left the desk"
    """
    from agency_client.node import Node
    from agency_client.safeguarding.officers import remove_officer

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        remove_officer(node, officer, reason, environment=invocation.environment)
    invocation.output.say(f"{officer} does not open the compartment any more; destroy older backups", Tone.CAUTION)
    invocation.output.write_json({"officer": officer, "removed": True})


def _unlock(
    context: typer.Context,
    reason: _Reason,
    hours: Annotated[float, typer.Option(min=0.01, max=8, help="For how long; 8 at most.")] = 1,
    officer_passphrase_file: _PassphraseFile = None,
) -> None:
    """Open the compartment for yourself, and take on what has waited in it sealed.

    \b
    Examples:
      agency safeguarding unlock --reason "the morning's round"
      agency safeguarding unlock --hours 0.5 --reason "call of 14:10"
    """
    from agency_client.node import Node
    from agency_client.safeguarding.officers import unlock
    from agency_client.safeguarding.reading import open_waiting

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        passphrase = _read_passphrase(invocation, officer_passphrase_file)
        unlock(node, passphrase, reason, environment=invocation.environment, seconds=hours * 3600)
        findings = open_waiting(node)
    invocation.output.say(f"the compartment is unlocked for you for {hours:g} h", Tone.GOOD)
    refused = [finding for finding in findings if finding.problem is not None]
    for finding in refused:
        invocation.output.say(f"one message was not opened: {finding.problem}", Tone.CAUTION)
    invocation.output.write_json({"unlocked_seconds": int(hours * 3600), "opened": len(findings) - len(refused)})


def _lock(context: typer.Context) -> None:
    """Close the compartment for yourself, in every window at once.

    \b
    Example:
      agency safeguarding lock
    """
    from agency_client.profiles.session import find_officer, lock_compartment

    invocation = get_invocation(context)
    officer = find_officer(invocation.environment)
    was_unlocked = lock_compartment(invocation.load_profile(), officer, environment=invocation.environment)
    invocation.output.say("the compartment is locked" if was_unlocked else "the compartment was locked already")
    invocation.output.write_json({"was_unlocked": was_unlocked})


def _inbox(context: typer.Context) -> None:
    """List what has come for the safeguarding officers, the most urgent first, with what it is about.

    \b
    Example:
      agency safeguarding inbox
    """
    from agency_client.duties.listing import note_listing
    from agency_client.local_store.inbox import InboxFilter
    from agency_client.node import Node
    from agency_client.reading.lists import view_inbox
    from agency_client.safeguarding.officers import demand_compartment
    from agency_client.safeguarding.reading import open_waiting
    from agency_client.terminal.moments import make_due_cell
    from schemas.envelope import CONFIDENTIAL_KIND
    from schemas.markings import Urgency

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        demand_compartment(node, "list-safeguarding", "looked through the list")
        note_listing(node, "safeguarding")
        open_waiting(node)
        view = view_inbox(node, InboxFilter(kind=CONFIDENTIAL_KIND))
    now = invocation.clock.now()
    rows = [
        (
            row.message.message_id[:_ID_CHARACTERS],
            Urgency.from_code(row.message.urgency).label,
            make_due_cell(row.message.reply_due, row.message.answered_at, now),
            row.message.sender,
            Cell(row.subject, Tone.NORMAL if row.message.read_at else Tone.STRONG),
        )
        for row in view.rows
    ]
    invocation.output.show_table(("id", "urgency", "answer due", "from", "subject"), rows, empty="nothing here")
    for row in view.rows:
        found = row.message
        members = {"id": found.message_id, "from": found.sender, "urgency": found.urgency, "subject": row.subject}
        invocation.output.write_json(members | {"reply_due": found.reply_due, "read_at": found.read_at})


def _about(
    context: typer.Context,
    pseudonym: Annotated[str, typer.Argument(help="The pseudonym, like V-7KQ2-M4XD-9TRB-H3CF.")],
    reason: _Reason,
) -> None:
    """List every message in the compartment about one pseudonym, sent and received: what the person may ask for.

    \b
    Example:
      agency safeguarding about V-7KQ2-M4XD-9TRB-H3CF --reason "she asks what was shared"
    """
    from agency_client.local_store.access_log import append_entry
    from agency_client.node import Node
    from agency_client.safeguarding.officers import demand_compartment
    from agency_client.safeguarding.reading import list_about
    from schemas.log.records import Action

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        compartment = demand_compartment(node, "safeguarding-about", reason)
        with node.store.write() as transaction:
            append_entry(transaction, node.note_access(Action.COMBINATION, "safeguarding-about", reason))
            found = list_about(transaction, compartment, pseudonym)
    rows = [(item.message_id[:_ID_CHARACTERS], item.direction, item.partner, item.summary.subject) for item in found]
    invocation.output.show_table(("id", "", "agency", "subject"), rows, empty="nothing about this pseudonym is here")
    for item in found:
        members = {"id": item.message_id, "direction": item.direction, "agency": item.partner}
        invocation.output.write_json(members | {"subject": item.summary.subject, "thread": item.summary.thread})


def _pseudonym(context: typer.Context) -> None:
    """Draw a pseudonym for one person: it is derived from nothing, so keep what it stands for in your own files.

    \b
    Example:
      agency safeguarding pseudonym
    """
    from keys.generation import generate_bytes
    from schemas.identifiers.pseudonyms import PSEUDONYM_RANDOM_BYTES, make_pseudonym

    output = get_invocation(context).output
    drawn = make_pseudonym(generate_bytes(PSEUDONYM_RANDOM_BYTES))
    output.show_line(drawn)
    output.write_json({"pseudonym": drawn})


def _show_founding(invocation: Invocation, founding: "Founding") -> None:
    if founding.is_confirmed:
        invocation.output.say("the compartment counts, and its key is published with the next contact", Tone.GOOD)
    else:
        invocation.output.say("it waits for a second officer: agency safeguarding confirm", Tone.CAUTION)
    officers = [approval.officer for approval in founding.approvals]
    invocation.output.write_json({"confirmed": founding.is_confirmed, "approved_by": officers})


def _read_passphrase(invocation: Invocation, file: Path | None) -> str:
    from agency_client.profiles.passphrases import read_passphrase_file

    if file is not None:
        return read_passphrase_file(file)
    how = "name a private file: --officer-passphrase-file FILE"
    return invocation.output.ask_secret("Your own passphrase of the compartment", instead=how)


def _read_new_passphrase(invocation: Invocation, file: Path | None) -> str:
    from agency_client.errors import UsageError

    new = _read_passphrase(invocation, file)
    if file is None and _read_passphrase(invocation, None) != new:
        raise UsageError("the two are not the same", fix="begin again; nothing was changed")
    if not new:
        raise UsageError("the passphrase is empty", fix="begin again; nothing was changed")
    return new
