"""`agency profile`: which nodes this user has, and what one is made of."""

import typer

from agency_client.cli.invocation import get_invocation


def register(app: typer.Typer) -> None:
    """Add the verbs of this group."""
    group = typer.Typer(help="Show the profiles (nodes) of this user.", rich_markup_mode=None)
    group.command("show")(_show)
    group.command("list")(_list)
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
