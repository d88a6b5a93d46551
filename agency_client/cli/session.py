"""`agency unlock`, `agency lock`, `agency whoami`: who works here, and for how long the profile stays open."""

from typing import Annotated

import typer

from agency_client.cli.invocation import get_invocation
from agency_client.terminal.output import Cell, Tone


def register(app: typer.Typer) -> None:
    """Add the verbs of this group."""
    app.command("unlock")(_unlock)
    app.command("lock")(_lock)
    app.command("whoami")(_whoami)


def _unlock(
    context: typer.Context,
    hours: Annotated[float, typer.Option(min=0.01, max=8, help="For how long; 8 at most.")] = 8,
) -> None:
    """Keep the profile open for this user, in the memory of a process of its own.

    \b
    Examples:
      agency unlock
      agency unlock --hours 1 --passphrase-file /run/credentials/agency
    """
    from agency_client.profiles.session import count_unlocked_seconds, unlock_profile

    invocation = get_invocation(context)
    profile = invocation.load_profile()
    passphrase = invocation.read_passphrase(f"Passphrase of {profile.name}")
    unlock_profile(profile, passphrase, environment=invocation.environment, seconds=hours * 3600)
    seconds = count_unlocked_seconds(profile, environment=invocation.environment)
    invocation.output.say(f"{profile.name} is unlocked for {_spell(seconds)}")
    invocation.output.write_json({"profile": profile.name, "unlocked_seconds": seconds})


def _lock(context: typer.Context) -> None:
    """Wipe the profile's key from memory.

    \b
    Example:
      agency lock
    """
    from agency_client.profiles.session import lock_profile

    invocation = get_invocation(context)
    profile = invocation.load_profile()
    was_unlocked = lock_profile(profile, environment=invocation.environment)
    invocation.output.say(f"{profile.name} is locked" if was_unlocked else f"{profile.name} was locked already")
    invocation.output.write_json({"profile": profile.name, "was_unlocked": was_unlocked})


def _whoami(context: typer.Context) -> None:
    """Say for which agency and node, and under which name, this user acts.

    \b
    Example:
      agency whoami
    """
    from agency_client.profiles.session import count_unlocked_seconds, find_officer

    invocation = get_invocation(context)
    profile = invocation.load_profile()
    officer = find_officer(invocation.environment)
    seconds = count_unlocked_seconds(profile, environment=invocation.environment)
    state = Cell(f"unlocked for {_spell(seconds)}", Tone.GOOD) if seconds else Cell("locked", Tone.CAUTION)
    settings = profile.settings
    details = [("officer", officer), ("agency", settings.agency), ("node", settings.node), ("profile", profile.name)]
    invocation.output.show_details([*details, ("state", state)])
    invocation.output.write_json({**dict(details), "unlocked_seconds": seconds})


def _spell(seconds: int) -> str:
    minutes = -(-seconds // 60)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"
