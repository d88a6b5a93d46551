"""Make the folder of one more broker of an exchange, from the folder of a broker that it has.

What every broker needs is copied: the sheet, the keys, and where the database is. What is one broker's own stays
behind: its lock, its socket, its address, and why it stopped, which the database says to all of them.
"""

from broker.audit.belonging import verify_own_log
from broker.audit.log_store import select_head
from broker.audit.standing import Stop, StopReason
from broker.database import open_exchange_database
from broker.durable_files import write_private_file
from broker.exchange import ExchangeError, ExchangeFolder, ServerNames, build_folder, read_sheet
from broker.storage.revision import verify_migrated
from schemas.key_documents import ExchangeSheet


class NotSharedError(ExchangeError):
    """The exchange's database is a file that one broker has to itself."""


class StaleFolderError(ExchangeError):
    """The folder is of an epoch that is over."""


def join_exchange(source: ExchangeFolder, folder: ExchangeFolder, hosts: tuple[str, ...] = ()) -> ExchangeSheet:
    """Make a folder from another broker's, whole or not at all, and return the exchange's sheet.

    `hosts` are the names and addresses by which clients reach this broker; without any, those of the other one. No
    key is opened: sealed ones are copied as they are.

    Raises:
        ExchangeMissingError, ExchangeError: the other folder cannot be used.
        NotSharedError: its exchange is kept in SQLite.
        StaleFolderError: it is of an epoch that is over.
        ExchangeExistsError: something is there already.
        DocumentError: a host is not of the accepted form.
        StoreUnreachableError, SchemaOutdatedError, ForeignLogError: the database does not take this broker.
    """
    sheet = read_sheet(source)
    if not source.database_url.exists():
        raise NotSharedError(
            f"{source.path} keeps its exchange in SQLite, for one broker alone: several need `broker init --database`"
        )
    secrets = source.sealed_secrets if source.sealed_secrets.exists() else source.open_secrets
    names = ServerNames.from_wire({"v": 1, "hosts": list(hosts)}).canonical() if hosts else source.names.read_bytes()
    with build_folder(folder.path) as building:
        for path in (source.database_url, secrets, source.sheet):
            write_private_file(building.path / path.name, path.read_bytes())
        write_private_file(building.names, names)
        _verify_database(building, sheet)
    return sheet


def _verify_database(folder: ExchangeFolder, sheet: ExchangeSheet) -> None:
    database = open_exchange_database(folder, sheet)
    try:
        with database.read() as connection:
            verify_migrated(connection)
            verify_own_log(connection, sheet)
            stop = select_head(connection).stop
    finally:
        database.close()
    if stop is not None and Stop.from_canonical(stop).reason is StopReason.REBASED:
        raise StaleFolderError(
            f"another log goes on after {sheet.origin}: name the folder of a broker that serves that one"
        )
