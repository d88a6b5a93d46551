"""`agency backup` and `agency restore`: one file for a whole profile, and what a restored node may not do yet."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agency_client.cli.invocation import Invocation, get_invocation

if TYPE_CHECKING:
    from agency_client.local_store.access_log import AccessNote

Reason = Annotated[str, typer.Option("--reason", help="Why; it stands in the access log.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the verbs of this group."""
    app.command("backup")(_backup)
    app.command("restore")(_restore)


def _backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The new file; nothing is overwritten.", show_default=False)],
    reason: Reason,
) -> None:
    """Write the whole profile into one file, sealed under its passphrase.

    \b
    Example:
      agency backup /media/safe/gb-2026-11-21.backup --reason "weekly backup"
    """
    from agency_client.profiles.backup import create_backup

    invocation = get_invocation(context)
    profile = invocation.load_profile()
    passphrase = invocation.read_passphrase(f"Passphrase of {profile.name}")
    with invocation.output.show_progress("writing the backup"):
        manifest = create_backup(profile, file, passphrase, _note(invocation, "backup", reason))
    size = file.stat().st_size
    held = f"{len(manifest.files)} files, the store and {len(manifest.attachments)} attachments"
    invocation.output.say(f"{file}: {held}, {size} bytes")
    invocation.output.write_json(
        {
            "file": file,
            "profile": profile.name,
            "made_at": manifest.made_at,
            "bytes": size,
            "attachments": len(manifest.attachments),
        }
    )


def _restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The backup.", show_default=False)],
    reason: Reason,
) -> None:
    """Make a profile out of a backup, and say what it may not do yet.

    \b
    Example:
      agency restore /media/safe/gb-2026-11-21.backup --profile gb --reason "disk failed"
    """
    from agency_client.local_store.restored import LIMITS
    from agency_client.profiles.backup import restore_backup

    invocation = get_invocation(context)
    name = invocation.choose_name()
    passphrase = invocation.read_passphrase("Passphrase of the backup")
    note = _note(invocation, "restore", reason)
    with invocation.output.show_progress("reading the backup"):
        restored = restore_backup(file, invocation.home, name, passphrase, note)
    invocation.output.say(f"{name} stands as it was on {restored.made_at:%Y-%m-%d %H:%M} UTC. Until it has caught up:")
    for limit in LIMITS:
        invocation.output.say(f"- {limit.sentence}")
    limits = [{"code": limit.code, "sentence": limit.sentence} for limit in LIMITS]
    invocation.output.write_json({"profile": name, "made_at": restored.made_at, "limits": limits})


def _note(invocation: Invocation, verb: str, reason: str) -> "AccessNote":
    from agency_client.local_store.access_log import AccessNote
    from agency_client.profiles.session import find_officer
    from schemas.log.records import Action

    return AccessNote(invocation.clock.now(), find_officer(invocation.environment), Action.OPERATOR, verb, reason)
