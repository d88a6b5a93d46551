"""`broker join`: one more broker for an exchange that is kept in PostgreSQL."""

from pathlib import Path
from typing import Annotated

import typer

from broker.cli.options import DEFAULT_DATA, AsJson, Data
from broker.cli.speaking import put_json, say, speaking


@speaking
def join(
    source: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of a broker of this exchange.")],
    data: Data = DEFAULT_DATA,
    host: Annotated[
        list[str] | None,
        typer.Option("--host", help="A name or address clients connect to here; repeatable; as there by default."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make the folder of one more broker from another one's, which may go on serving or be a copy from its machine.

    Sheet, keys and database.url are copied; nothing in the database is changed. Sealed keys stay sealed: this broker
    needs the same passphrase file. Each folder is served by one process, all of them by the one database.

    Example:

        broker join /media/first-broker --data /var/lib/bilateral --host broker-2.exchange.example
    """
    from broker.exchange import ExchangeFolder
    from broker.joining import join_exchange

    folder = ExchangeFolder(data)
    sheet = join_exchange(ExchangeFolder(source), folder, tuple(host or ()))
    if as_json:
        put_json({"v": 1, "name": sheet.name, "origin": sheet.origin, "folder": str(data)})
        return
    say(f"{data} is a broker of {sheet.name} from now on: broker serve --data {data}")
