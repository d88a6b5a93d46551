"""Everything that holds for SQLite only: files, pragmas and how its transactions begin.

A second database engine gets a module like this one; nothing else in the broker names a dialect.
"""

import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, QueuePool, Table, create_engine, event
from sqlalchemy.exc import DBAPIError

from broker.storage.columns import EXPECTED_ROWS

_BUSY_TIMEOUT_MS = 10_000

# 16 MiB of log before it is copied into the database: a busy page is copied once in it, and a copy costs three fsyncs.
_CHECKPOINT = "wal_autocheckpoint = 4096"

# In KiB: one connection writes and sees every page; each of those that read would keep a copy of the same ones.
_WRITING_CACHE = "cache_size = -65536"
_READING_CACHE = "cache_size = -8192"

# FULL: a COMMIT returns after the write-ahead log has been fsynced. With NORMAL a power cut loses acknowledged rows.
_PRAGMAS = (
    f"busy_timeout = {_BUSY_TIMEOUT_MS}",
    "synchronous = FULL",
    "foreign_keys = ON",
    "trusted_schema = OFF",
    "secure_delete = ON",
    "temp_store = MEMORY",
)


def url_of(path: Path) -> URL:
    """Return the URL of the database in the file at `path`."""
    return URL.create("sqlite", database=str(path))


def make_writing_engine(url: URL) -> Engine:
    """Return the engine whose transactions take the write lock when they begin: none fails half-way for want of it."""
    _create_private_file(_path_of(url))
    engine = _make_engine(url, "BEGIN IMMEDIATE", _WRITING_CACHE, pool_size=1)

    @event.listens_for(engine, "connect")
    def use_write_ahead_log(connection: sqlite3.Connection, _record: object) -> None:
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            raise RuntimeError(
                f"SQLite keeps {url.database} in journal mode {mode}; the write-ahead log needs a local disk"
            )
        connection.execute(f"PRAGMA {_CHECKPOINT}")

    return engine


def make_reading_engine(url: URL, connections: int) -> Engine:
    """Return the engine of read-only connections; each transaction sees one snapshot and never waits for the writer."""
    read_only = url.set(database=f"file:{_path_of(url)}").update_query_dict({"mode": "ro", "uri": "true"})
    return _make_engine(read_only, "BEGIN", _READING_CACHE, pool_size=connections)


def is_unreachable(error: Exception, engine: Engine) -> bool:
    """Return False: the database is a file, and what goes wrong with it is told as it is."""
    return False


def is_busy(error: Exception, engine: Engine) -> bool:
    """Return False: there is one writer, and nobody else has it locked."""
    return False


def is_full(error: Exception) -> bool:
    """Return whether an error says that the disk has no room left."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return isinstance(cause, sqlite3.Error) and getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL


def take_turn(connection: Connection, name: str) -> bool:
    """Return True: a transaction that writes is the only one."""
    return True


def find_unsafe(connection: Connection) -> Iterable[str]:
    """Return nothing: each connection sets for itself what keeps its commits."""
    return ()


def begin_operation(connection: Connection) -> None:
    """Begin what can be taken back by itself within the transaction."""
    _run_command(connection, "SAVEPOINT operation")


def keep_operation(connection: Connection) -> None:
    """End the operation; what it did belongs to the transaction."""
    _run_command(connection, "RELEASE operation")


def undo_operation(connection: Connection) -> None:
    """Take back what the operation did."""
    _run_command(connection, "ROLLBACK TO operation")
    _run_command(connection, "RELEASE operation")


def verify_commit(connection: Connection) -> None:
    """Do nothing: a COMMIT that returns is on the disk, and there is nothing else to wait for."""


def create_schema(connection: Connection) -> None:
    """Do nothing: the tables stand in the file itself."""


def drop_schema(connection: Connection) -> None:
    """Do nothing: the file itself is removed."""


def set_schema_aside(connection: Connection) -> None:
    """Do nothing: the file itself is moved."""


def tell_planner(connection: Connection, tables: Iterable[Table]) -> None:
    """Say what to expect of tables: no statistics are gathered here, and without any a wrong index looks as good."""
    connection.exec_driver_sql("ANALYZE sqlite_schema")  # makes the table of statistics, and gathers none
    for table in tables:
        for index, expected in table.info.get(EXPECTED_ROWS, {}).items():
            connection.exec_driver_sql("DELETE FROM sqlite_stat1 WHERE tbl = ? AND idx = ?", (table.name, index))
            connection.exec_driver_sql("INSERT INTO sqlite_stat1 VALUES (?, ?, ?)", (table.name, index, expected))
    connection.exec_driver_sql("ANALYZE sqlite_schema")  # reads them


def empty_write_ahead_log(engine: Engine) -> bool:
    """Copy the write-ahead log into the database and cut it to nothing; return whether no reader kept that from being.

    Between two transactions of the writer: it waits for the one connection, and nobody waits for a reader here.
    """
    connection = engine.raw_connection()
    try:
        driver: Any = connection.driver_connection
        driver.execute("PRAGMA busy_timeout = 0")
        try:
            is_busy = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        finally:
            driver.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
        return not is_busy
    finally:
        connection.close()


def open_channel(reading: Engine, broker: str) -> None:
    """Return nothing: one process alone has the file."""


def _make_engine(url: URL, begin: str, cache: str, *, pool_size: int) -> Engine:
    # hide_parameters: an error's text must never carry what people wrote into a log.
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=pool_size,
        max_overflow=0,
        hide_parameters=True,
        connect_args={"check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
        # Without this the driver begins transactions by itself, before some statements and not before others.
        connection.isolation_level = None
        for pragma in (*_PRAGMAS, cache):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin_transaction(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _run_command(connection: Connection, words: str) -> None:
    """Execute words past SQLAlchemy, which would cost as much as an insert."""
    driver: Any = connection.connection.driver_connection
    driver.execute(words)


def _path_of(url: URL) -> Path:
    if not url.database or url.database == ":memory:":
        raise ValueError("the broker's SQLite database must be a file: what is in memory is not durable")
    return Path(url.database).absolute()


def _create_private_file(path: Path) -> None:
    # SQLite gives the write-ahead log and its index the mode of the database file.
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
