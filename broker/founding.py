"""Make a new exchange: folder, keys, database, and the first leaf of its log."""

from pathlib import Path

from sqlalchemy import URL, Connection

from broker.audit.log import AuditLog, create_log
from broker.audit.log_store import LogMissingError, select_head
from broker.clock import Clock
from broker.database import open_exchange_database, write_database_url
from broker.exchange import Exchange, ExchangeExistsError, build_folder, make_exchange, open_exchange, write_exchange
from broker.exchange_secrets import DrawBytes
from broker.storage.group_commit import GroupCommitWriter
from broker.storage.migrate import migrate_within
from broker.storage.revision import find_newest_revision, find_revision
from broker.storage.transaction import Transaction
from keys.anchors import format_anchor_hex
from schemas.key_documents import ExchangeSheet, compute_exchange_anchor
from schemas.log.leaf import SALT_BYTES
from schemas.log.records import RecordType


def found_exchange(
    path: Path,
    name: str,
    hosts: tuple[str, ...],
    passphrase: str | None,
    clock: Clock,
    draw: DrawBytes,
    *,
    database: URL | None = None,
) -> ExchangeSheet:
    """Make an exchange in a folder of its own, whole or not at all, and return its public sheet.

    It is kept in a SQLite file in the folder, or in the PostgreSQL database named.

    Raises:
        ExchangeExistsError: something is there already, in the folder or in the database.
        DocumentError: the name or a host is not of the accepted form.
        StoreUnreachableError: the database cannot be reached.
        DatabaseInUseError: brokers serve from it.
    """
    sheet, names, secrets = make_exchange(name, hosts, clock.now(), draw)
    with build_folder(path) as folder:
        write_exchange(folder, sheet, names, secrets, passphrase, draw)
        if database is not None:
            write_database_url(folder, database)
        _open_log(open_exchange(folder, passphrase), clock, draw)
    return sheet


def _open_log(exchange: Exchange, clock: Clock, draw: DrawBytes) -> None:
    database = open_exchange_database(exchange.folder, exchange.sheet, is_alone=True)
    try:
        with database.write() as connection:
            _verify_empty(connection)
            migrate_within(database, connection)
            create_log(connection, exchange.sheet.origin, clock.now())
        log = AuditLog(database, clock, exchange.sign, lambda: draw(SALT_BYTES))
        log.load()
        writer = GroupCommitWriter(database, log)
        writer.start()
        try:
            writer.commit_and_wait(lambda transaction: _append_opening(transaction, exchange.sheet))
            writer.commit_and_wait(log.store_checkpoint)
        finally:
            writer.close()
    finally:
        database.close()


def _verify_empty(connection: Connection) -> None:
    """Verify that the database holds no log, nor tables that another version would bring to its own."""
    found = find_revision(connection)
    if found is None:
        return
    if found != find_newest_revision():
        raise ExchangeExistsError(f"the database has tables of another version ({found}): name an empty one")
    try:
        head = select_head(connection)
    except LogMissingError:
        return
    raise ExchangeExistsError(f"the database holds the log {head.origin} already: name an empty one")


def _append_opening(transaction: Transaction, sheet: ExchangeSheet) -> None:
    anchor = format_anchor_hex(compute_exchange_anchor(sheet))
    transaction.append(RecordType.EXCHANGE_OPENED, concerns=[], detail=f"{sheet.origin} opened; its sheet is {anchor}")
