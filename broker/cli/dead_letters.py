"""`broker dead-letters`: what did not arrive and why, and what needs an operator."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broker.cli.options import DEFAULT_DATA, AsJson, Data
from broker.cli.speaking import put_json, speaking

if TYPE_CHECKING:
    from broker.exchange import ExchangeFolder

MAX_LISTED = 10_000


@speaking
def dead_letters(
    data: Data = DEFAULT_DATA,
    days: Annotated[int, typer.Option("--days", min=1, max=3650, help="How far back to look.")] = 7,
    limit: Annotated[int, typer.Option("--limit", min=1, max=MAX_LISTED, help="How many to list at most.")] = 1000,
    as_json: AsJson = False,
) -> None:
    """List messages that expired, were returned or are held, with reasons and age; and what needs an operator.

    No key is needed, nothing is changed, no content is shown, and a broker may go on serving.

    Examples:

        broker dead-letters --data /var/lib/bilateral

        broker dead-letters --data /var/lib/bilateral --days 30 --json
    """
    from broker.exchange import ExchangeFolder

    found = _read(ExchangeFolder(data), timedelta(days=days), limit)
    if as_json:
        put_json(found)
    else:
        _tell(found)


def _read(folder: "ExchangeFolder", reach: timedelta, limit: int) -> dict[str, Any]:
    from broker.attachments.opening import open_contents
    from broker.clock import SystemClock
    from broker.database import open_exchange_database
    from broker.dead_letters.service import read_letters, read_needs
    from broker.dead_letters.views import describe_report
    from broker.directory.live import make_directory
    from broker.exchange import read_sheet
    from broker.storage.revision import verify_migrated

    sheet = read_sheet(folder)
    database = open_exchange_database(folder, sheet)
    try:
        with database.read() as connection:
            verify_migrated(connection)
        directory = make_directory(sheet.name)
        directory.load(database)
        now = SystemClock().now()
        letters = read_letters(database, now - reach, limit)
        with open_contents(folder, sheet) as contents:
            needs = read_needs(database, directory.current, contents, now)
        return describe_report(letters, needs, now)
    finally:
        database.close()


def _tell(found: dict[str, Any]) -> None:
    counts = ", ".join(f"{count} {state}" for state, count in found["counts"].items())
    typer.echo(f"since {found['since']}: {counts}")
    for letter in found["letters"]:
        reasons = ", ".join(letter["reasons"]) or "-"
        typer.echo(
            f"  {letter['state']:<9} {letter['since']}  {letter['sender']} to {letter['recipient']}  "
            f"{letter['kind']}  {letter['message']}  {reasons}"
        )
    for need in found["needs"]:
        typer.echo(f"  NEEDED {need['code']} ({need['at']}): {need['sentence']}")
