"""`broker purge`: what has come to its end and is still kept, and its removal while nothing serves."""

from typing import TYPE_CHECKING, Annotated

import typer

from broker.cli.options import DEFAULT_DATA, AsJson, Config, Data, PassphraseFile
from broker.cli.speaking import put_json, read_passphrase, speaking

if TYPE_CHECKING:
    from pathlib import Path

    from broker.exchange import ExchangeFolder
    from broker.retention.store import Due


@speaking
def purge(
    data: Data = DEFAULT_DATA,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what a run would remove now.")] = False,
    config: Config = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Remove messages and receipts whose evidence term is over, and their records. Hashes stay: past proofs hold.

    A broker that serves does so by itself, twice a minute. With --dry-run no key is needed, nothing is changed, and a
    broker may go on serving.

    Examples:

        broker purge --data /var/lib/bilateral --dry-run --json

        broker purge --data /var/lib/bilateral
    """
    from broker.exchange import ExchangeFolder

    folder = ExchangeFolder(data)
    if dry_run:
        _tell_due(_read_due(folder), as_json)
    else:
        _purge(folder, config, passphrase_file, as_json)


def _read_due(folder: "ExchangeFolder") -> "Due":
    from broker.clock import SystemClock
    from broker.database import open_exchange_database
    from broker.exchange import read_sheet
    from broker.retention.purging import read_due
    from broker.storage.revision import verify_migrated

    database = open_exchange_database(folder, read_sheet(folder))
    try:
        with database.read() as connection:
            verify_migrated(connection)
        return read_due(database, SystemClock().now())
    finally:
        database.close()


def _tell_due(due: "Due", as_json: bool) -> None:
    from schemas.model import format_timestamp

    if as_json:
        oldest = {} if due.oldest is None else {"oldest": format_timestamp(due.oldest)}
        put_json(
            {
                "v": 1,
                "dry_run": True,
                "messages": due.messages,
                "receipts": due.receipts,
                "records": due.records,
                **oldest,
            }
        )
        return
    since = "" if due.oldest is None else f"; the oldest ended on {due.oldest:%Y-%m-%d %H:%M} UTC"
    typer.echo(f"due now: {due.messages} message(s), {due.receipts} receipt(s), {due.records} record(s){since}")


def _purge(folder: "ExchangeFolder", config: "Path | None", passphrase_file: "Path | None", as_json: bool) -> None:
    import os

    from broker.clock import SystemClock
    from broker.composition import open_broker
    from broker.exchange import open_exchange
    from broker.settings import load_settings
    from broker.storage.failpoints import arm_failpoint

    settings = load_settings(config, os.environ, folder=folder.path)
    arm_failpoint(os.environ, allowed=settings.environment == "testing")
    folder.verify_private()
    with folder.hold_lock():
        exchange = open_exchange(folder, read_passphrase(passphrase_file))
        with open_broker(exchange, settings, SystemClock(), is_alone=True) as broker:
            purged = broker.purger.purge_and_wait()
    if as_json:
        put_json(
            {
                "v": 1,
                "dry_run": False,
                "messages": purged.messages,
                "receipts": purged.receipts,
                "records": purged.records,
            }
        )
        return
    typer.echo(f"removed: {purged.messages} message(s), {purged.receipts} receipt(s), {purged.records} record(s)")
