"""`broker restore`: an exchange's folder from a backup, stopped until the operator has decided."""

from pathlib import Path
from typing import Annotated

import typer

from broker.cli.options import DEFAULT_DATA, AsJson, Data
from broker.cli.speaking import put_json, say, show_progress, speaking


@speaking
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `broker backup` wrote.")],
    data: Data = DEFAULT_DATA,
    database: Annotated[
        Path | None,
        typer.Option(
            "--database",
            metavar="URL-FILE",
            help="For a new folder: a private file with the URL of an empty PostgreSQL database to put it into.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make the exchange's folder from a backup, or put the backup's database into the folder of the same exchange.

    Until `broker resume` or `broker rebase` the broker then only shows its log and takes cosignatures: it signs
    nothing, because its members may have seen more than the backup holds. The database that was there stays beside it.

    A backup goes into either engine: with --database it is also the way of an exchange from SQLite to PostgreSQL.

    Example:

        broker restore --data /var/lib/bilateral /media/backup/exchange-2026-11-22.tar
    """
    import os

    from broker.clock import SystemClock
    from broker.database import read_database_url
    from broker.epochs.backup import restore as restore_folder
    from broker.settings import load_settings
    from broker.storage.failpoints import arm_failpoint

    settings = load_settings(None, os.environ, folder=data)
    arm_failpoint(os.environ, allowed=settings.environment == "testing")
    url = read_database_url(database) if database else None
    with show_progress("rows") as progress:
        done = restore_folder(file, data, SystemClock().now(), progress, database=url)
    if as_json:
        put_json({"v": 1, "origin": done.sheet.origin, "size": done.size, "keys": done.keys or ""})
        return
    typer.echo(f"{data}: {done.sheet.origin} as of {done.size} leaves. Its log is stopped.")
    if done.keys is None:
        say(f"Its keys were not in the backup: bring secrets.json back into {data} if it is not there.")
    say("Serve it, let the members sync, and then: broker resume --nothing-was-lost, or broker rebase.")
