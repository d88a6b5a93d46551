"""`broker init`: make a new exchange."""

from pathlib import Path
from typing import Annotated

import typer

from broker.cli.options import DEFAULT_DATA, AsJson, Data, PassphraseFile
from broker.cli.speaking import put_json, read_passphrase, say, speaking


@speaking
def init(
    name: Annotated[str, typer.Option("--name", help="The exchange's name, repeated in every document.")],
    host: Annotated[list[str], typer.Option("--host", help="A name or address clients connect to; repeatable.")],
    data: Data = DEFAULT_DATA,
    passphrase_file: PassphraseFile = None,
    database: Annotated[
        Path | None,
        typer.Option(
            "--database",
            metavar="URL-FILE",
            help="A private file with the URL of an empty PostgreSQL database; else a SQLite file in the folder.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a new exchange: its keys, its database, and exchange.json to hand out.

    Without a passphrase the keys lie in a file that only its owner reads, and the broker starts by itself. With one
    they are sealed, and every start needs the passphrase file.

    With --database everything but the keys is kept on a PostgreSQL server, for as many brokers as are wanted.

    Example:

        broker init --data /var/lib/bilateral --name exchange.example --host broker.exchange.example
    """
    from broker.clock import SystemClock
    from broker.database import read_database_url
    from broker.exchange import ExchangeFolder
    from broker.founding import found_exchange
    from broker.status import describe_anchor
    from keys.generation import generate_bytes
    from schemas.key_documents import compute_exchange_anchor

    passphrase = read_passphrase(passphrase_file)
    url = read_database_url(database) if database else None
    sheet = found_exchange(data, name, tuple(host), passphrase, SystemClock(), generate_bytes, database=url)
    anchor = describe_anchor(compute_exchange_anchor(sheet))
    path = ExchangeFolder(data).sheet
    if as_json:
        put_json({"v": 1, "name": sheet.name, "origin": sheet.origin, "anchor": anchor, "sheet": str(path)})
        return
    say(f"The exchange {sheet.name} stands in {data}.")
    say(f"Hand out {path}, and this anchor in person, on paper:\n")
    typer.echo(f"{anchor['words']}\n\n{anchor['hex']}")
    if passphrase is None:
        say("\nIts keys are not under a passphrase: whoever reads this disk, or a backup of it, has them.")
