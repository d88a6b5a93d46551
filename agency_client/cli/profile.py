"""`agency profile`: which nodes this user has, and what one is made of."""

from pathlib import Path
from typing import Annotated

import typer

from agency_client.cli.invocation import Invocation, get_invocation


def register(app: typer.Typer) -> None:
    """Add the verbs of this group."""
    group = typer.Typer(help="Show the profiles (nodes) of this user.", rich_markup_mode=None)
    group.command("show")(_show)
    group.command("list")(_list)
    group.command("passphrase")(_change_passphrase)
    app.add_typer(group, name="profile")


def _show(context: typer.Context) -> None:
    """Show a profile's settings and where it lies.

    \b
    Example:
      agency profile show --profile gb
    """
    invocation = get_invocation(context)
    profile = invocation.load_profile()
    settings = profile.settings
    details = [
        ("profile", profile.name),
        ("agency", settings.agency),
        ("node", settings.node),
        ("broker", settings.broker_url),
        ("exchange", str(profile.exchange_path)),
        ("folder", str(profile.folder)),
    ]
    invocation.output.show_details(details)
    invocation.output.write_json(dict(details))


def _change_passphrase(
    context: typer.Context,
    new_passphrase_file: Annotated[
        Path | None, typer.Option(help="A private file that holds the new passphrase; else it is asked for.")
    ] = None,
) -> None:
    """Put the profile under another passphrase, and lock it. Backups made before still open with the old one.

    \b
    Examples:
      agency profile passphrase
      agency profile passphrase --passphrase-file old.pass --new-passphrase-file new.pass
    """
    from agency_client.profiles.session import change_passphrase, lock_profile

    invocation = get_invocation(context)
    profile = invocation.load_profile()
    old = invocation.read_passphrase(f"Present passphrase of {profile.name}")
    new = _read_new_passphrase(invocation, new_passphrase_file)
    change_passphrase(profile, old, new)
    lock_profile(profile, environment=invocation.environment)
    invocation.output.say(f"{profile.name} is under the new passphrase, and locked. Destroy the backups made before.")
    invocation.output.write_json({"profile": profile.name, "changed": True})


def _read_new_passphrase(invocation: Invocation, file: Path | None) -> str:
    from agency_client.errors import UsageError
    from agency_client.profiles.passphrases import read_passphrase_file

    if file is not None:
        return read_passphrase_file(file)
    how = "name a private file: --new-passphrase-file FILE"
    new = invocation.output.ask_secret("New passphrase", instead=how)
    if invocation.output.ask_secret("The same once more", instead=how) != new or not new:
        raise UsageError("the two are not the same, or empty", fix="begin again; nothing was changed")
    return new


def _list(context: typer.Context) -> None:
    """List the profiles of this user.

    \b
    Example:
      agency profile list
    """
    from agency_client.errors import ClientError
    from agency_client.profiles.profile import list_profile_names, load_profile
    from agency_client.terminal.output import Cell, Tone

    invocation = get_invocation(context)
    rows: list[list[str | Cell]] = []
    answers: list[dict[str, str]] = []
    for name in list_profile_names(invocation.home):
        try:
            settings = load_profile(invocation.home, name).settings
        except ClientError as error:
            rows.append([name, "", "", Cell(error.sentence, Tone.BAD)])
            answers.append({"profile": name, "problem": error.code})
        else:
            rows.append([name, settings.agency, settings.node, ""])
            answers.append({"profile": name, "agency": settings.agency, "node": settings.node})
    titles = ["profile", "agency", "node", "problem"]
    invocation.output.show_table(titles, rows, empty=f"there is no profile in {invocation.home}; run: agency init")
    invocation.output.write_json({"profiles": answers})
