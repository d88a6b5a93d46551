"""`broker migrate`: bring the database of an older version to this one."""

import typer

from broker.cli.options import DEFAULT_DATA, Data
from broker.cli.speaking import speaking


@speaking
def migrate(data: Data = DEFAULT_DATA) -> None:
    """Bring the tables to this version, all in one transaction. Make a backup first; the broker must not serve.

    Example:

        broker migrate --data /var/lib/bilateral
    """
    from broker.database import open_exchange_database
    from broker.exchange import ExchangeFolder, read_sheet
    from broker.storage.migrate import migrate as run_migrations

    folder = ExchangeFolder(data)
    sheet = read_sheet(folder)
    with folder.hold_lock():
        database = open_exchange_database(folder, sheet, is_alone=True)
        try:
            run_migrations(database)
        finally:
            database.close()
    typer.echo("The database has the tables of this version.")
