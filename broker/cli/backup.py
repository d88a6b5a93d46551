"""`broker backup`: a consistent copy of an exchange in one file."""

from pathlib import Path
from typing import Annotated

import typer

from broker.cli.options import DEFAULT_DATA, AsJson, Data
from broker.cli.speaking import put_json, say, show_progress, speaking


@speaking
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it; nothing may be there.")],
    data: Data = DEFAULT_DATA,
    with_open_keys: Annotated[
        bool, typer.Option("--with-open-keys", help="Put the exchange's keys in though no passphrase seals them.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write a backup: sheet, names and a consistent copy of the database, while the broker may go on serving.

    Keys that are under a passphrase are in it, sealed. Keys that are not, only with --with-open-keys: whoever reads
    such a backup is the exchange.

    Example:

        broker backup --data /var/lib/bilateral /media/backup/exchange-2026-11-22.tar
    """
    from broker.epochs.backup import back_up
    from broker.exchange import ExchangeFolder

    with show_progress("copied") as progress:
        done = back_up(ExchangeFolder(data), file, progress, with_open_keys=with_open_keys)
    if as_json:
        put_json({"v": 1, "file": str(file), "origin": done.sheet.origin, "size": done.size, "keys": done.keys or ""})
        return
    typer.echo(f"{file}: {done.sheet.origin}, {done.size} leaves, {done.keys or 'without its keys'}")
    if done.keys is None:
        say("The exchange's keys are not in it: keep secrets.json somewhere else, or nothing can be restored.")
