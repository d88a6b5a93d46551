"""`broker status`: how the exchange stands."""

from typing import Any

import typer

from broker.cli.options import DEFAULT_DATA, AsJson, Data
from broker.cli.speaking import put_json, speaking


@speaking
def status(data: Data = DEFAULT_DATA, as_json: AsJson = False) -> None:
    """Say how the exchange stands: whether it serves and where, its log's head, its members.

    No key is needed, and nothing is changed.

    Example:

        broker status --data /var/lib/bilateral --json
    """
    from broker.control import NotServingError, StatusCommand, ask_control
    from broker.exchange import ExchangeFolder, read_sheet

    folder = ExchangeFolder(data)
    sheet = read_sheet(folder)
    try:
        found = ask_control(folder.control_socket, StatusCommand(v=1, command="status"))
    except NotServingError:
        found = _read_status(folder, sheet)
    if as_json:
        put_json(found)
    else:
        _tell(found)


def _read_status(folder: Any, sheet: Any) -> dict[str, Any]:
    from broker.attachments.opening import open_contents
    from broker.audit.log_store import select_head
    from broker.audit.standing import Stop, choose_stop
    from broker.clock import SystemClock
    from broker.database import open_exchange_database
    from broker.dead_letters.service import read_care
    from broker.directory.live import make_directory
    from broker.exchange import read_stop
    from broker.status import describe_status
    from broker.storage.revision import verify_migrated
    from schemas.log.checkpoint import Checkpoint

    database = open_exchange_database(folder, sheet)
    try:
        with database.read() as connection:
            verify_migrated(connection)
            head = select_head(connection)
        directory = make_directory(sheet.name)
        directory.load(database)
        checkpoint = Checkpoint(head.origin, head.size, head.root)
        stored = None if head.stop is None else Stop.from_canonical(head.stop)
        status = describe_status(sheet, checkpoint, directory.current, choose_stop(read_stop(folder), stored))
        with open_contents(folder, sheet) as contents:
            return status | read_care(database, directory.current, contents, SystemClock().now())
    finally:
        database.close()


def _tell(found: dict[str, Any]) -> None:
    serving = found.get("serving")
    typer.echo(f"{found['name']}: {'serving at ' + serving['url'] if serving else 'not serving'}")
    typer.echo(f"  log {found['origin']}: {found['log']['size']} leaves, root {found['log']['root']}")
    if "stopped" in found:
        typer.echo(f"  STOPPED since {found['stopped']['since']}: {found['stopped']['sentence']}")
    typer.echo(f"  anchor {found['anchor']['hex']}")
    for member in found["members"]:
        typer.echo(
            f"  {member['agency']:<24} {member['class']:<10} key set {member['key_set']}, until {member['expires_at']}"
        )
    letters = ", ".join(f"{count} {state}" for state, count in found["dead_letters"].items())
    typer.echo(f"  dead letters within a day: {letters} (broker dead-letters lists them)")
    for need in found["needs"]:
        typer.echo(f"  NEEDED {need['code']} ({need['at']}): {need['sentence']}")
