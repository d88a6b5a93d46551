"""`agency init`: make a node on this machine."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agency_client.cli.invocation import Invocation, get_invocation
from agency_client.terminal.output import Output

if TYPE_CHECKING:
    from agency_client.profiles.profile import Profile


def register(app: typer.Typer) -> None:
    """Add the verb of this group."""
    app.command("init")(_init)


def _init(
    context: typer.Context,
    agency: Annotated[str, typer.Option(help="The agency's id at the exchange, like GB.")],
    exchange: Annotated[Path, typer.Option(help="The exchange's sheet, exchange.json, from its operator.")],
    url: Annotated[str, typer.Option(help="The broker's address, like https://broker.example:8443.")],
    node: Annotated[str, typer.Option(help="A name for this node.")] = "n1",
    exchange_anchor: Annotated[
        str | None, typer.Option(help="The exchange's anchor from paper: its 24 words, or hexadecimal.")
    ] = None,
    exchange_anchor_file: Annotated[Path | None, typer.Option(help="A file with that anchor.")] = None,
) -> None:
    """Make a node: its profile, its encrypted store, its TLS keys.

    The exchange's anchor is typed in from paper; a sheet that is not the one on the paper is refused.

    \b
    Examples:
      agency init --agency GB --exchange exchange.json --url https://broker.example:8443
      agency init --agency VN --exchange exchange.json --url https://127.0.0.1:8443 \\
          --exchange-anchor-file anchor.txt --passphrase-file pass.txt --profile vn
    Then:
      agency keys request --roots GB-roots.json --name "Border Force" --state GBR
    """
    from agency_client.profiles.joining import accept_sheet, initialise_node, read_exchange_sheet

    invocation = get_invocation(context)
    sheet = read_exchange_sheet(exchange)
    accepted = accept_sheet(sheet, read_exchange_anchor(invocation, sheet.name, exchange_anchor, exchange_anchor_file))
    profile = initialise_node(
        invocation.home,
        invocation.choose_name(),
        agency=agency,
        node=node,
        broker_url=url,
        accepted=accepted,
        passphrase=_choose_passphrase(invocation),
        clock=invocation.clock,
        environment=invocation.environment,
    )
    _show_made(invocation.output, profile, sheet.name)


def _show_made(output: Output, profile: "Profile", exchange: str) -> None:
    details = [
        ("profile", profile.name),
        ("folder", str(profile.folder)),
        ("agency", profile.settings.agency),
        ("node", profile.settings.node),
        ("exchange", exchange),
        ("broker", profile.settings.broker_url),
    ]
    output.show_details(details)
    output.write_json(dict(details))
    output.say(f"Next: agency keys request --roots {profile.settings.agency}-roots.json --name NAME --state CODE")


def read_exchange_anchor(invocation: Invocation, exchange: str, typed: str | None, file: Path | None) -> str:
    """Return the anchor of an exchange's sheet as it was typed in, in the command, in a file, or now."""
    if typed is not None:
        return typed
    if file is not None:
        from agency_client.profiles.public_files import read_foreign_text

        return read_foreign_text(file)
    return invocation.output.ask_line(
        f"The 24 words of the exchange {exchange}, from its paper",
        instead="add --exchange-anchor or --exchange-anchor-file",
    )


def _choose_passphrase(invocation: Invocation) -> str:
    from agency_client.errors import UsageError

    passphrase = invocation.read_passphrase("A new passphrase for this node")
    if invocation.output.is_interactive and invocation.passphrase_file is None:
        again = invocation.read_passphrase("The same passphrase again")
        if passphrase != again:
            raise UsageError("the two passphrases differ", fix="run it again")
    return passphrase
