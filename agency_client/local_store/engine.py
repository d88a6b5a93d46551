"""Open the encrypted store and run short transactions on it (SQLCipher 4, WAL, `synchronous=FULL`).

`Store.read` gives a `Snapshot`, `Store.write` a `Transaction`: committed and synced to disk when the block ends, rolled
back when it raises. Several processes of one host share the file. One writes at a time; the others wait a bounded time
and then get `StoreBusyError`. Keep transactions short: never talk to the network inside one.

Times are aware datetimes outside and whole Unix seconds inside; digests are base64url text as in the documents.
"""

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agency_client.errors import ClientError, ConflictError, NotFoundError, VerificationFailedError
from schemas.codec import encode_canonical

if TYPE_CHECKING:
    # sqlcipher3 has sqlite3's interface and no type stubs.
    import sqlite3 as sqlcipher
else:
    from sqlcipher3 import dbapi2 as sqlcipher

STORE_KEY_BYTES = 32
APPLICATION_ID = 0x42494C54
BUSY_SECONDS = 10.0

_SQLITE_BUSY, _SQLITE_CORRUPT, _SQLITE_FULL, _SQLITE_NOTADB = 5, 11, 13, 26

Value = str | bytes | int | datetime | None
Row = sqlcipher.Row
DatabaseError = sqlcipher.DatabaseError
Columns = dict[str, Value]


class StoreError(ClientError):
    """The store cannot do what was asked, for a reason of its own (disk full, broken file)."""

    default_code = "store-failed"


class StoreBusyError(ConflictError):
    """Another process of this node has been writing for longer than a writer waits."""

    default_code = "store-busy"


class StoreKeyError(VerificationFailedError):
    """The file is not a store, or another key sealed it."""

    default_code = "store-key-wrong"


class StoreNewerError(ConflictError):
    """A later version of this program has already changed the store's schema."""

    default_code = "store-newer"


class Snapshot:
    """A consistent view of the store; nothing can be changed through it."""

    def __init__(self, connection: sqlcipher.Connection) -> None:
        self._connection = connection

    def fetch_one(self, sql: str, *values: Value) -> Row | None:
        """Return the first row, or None."""
        row: Row | None = self._execute(sql, values).fetchone()
        return row

    def fetch_all(self, sql: str, *values: Value) -> list[Row]:
        """Return every row."""
        return self._execute(sql, values).fetchall()

    def fetch_value(self, sql: str, *values: Value) -> Any:
        """Return the first column of the first row, or None."""
        row = self.fetch_one(sql, *values)
        return None if row is None else row[0]

    def _execute(self, sql: str, values: tuple[Value, ...]) -> sqlcipher.Cursor:
        return self._connection.execute(sql, [_bind(value) for value in values])


class Transaction(Snapshot):
    """The one writer of the moment; committed as a whole when its block ends."""

    def execute(self, sql: str, *values: Value) -> int:
        """Run one changing statement and return how many rows it changed."""
        return self._execute(sql, values).rowcount

    def insert(self, table: str, row: Columns, *, if_absent: bool = False) -> bool:
        """Add a row, and return True. With `if_absent`, one whose key is taken is left as it is, and False returned.

        `table` and the names in `row` come from code, never from outside: they become SQL.
        """
        columns, marks = ", ".join(row), ", ".join("?" * len(row))
        tail = " ON CONFLICT DO NOTHING" if if_absent else ""
        sql = f"INSERT INTO {table} ({columns}) VALUES ({marks}){tail}"  # noqa: S608 - names from code only
        return self.execute(sql, *row.values()) == 1


class Store:
    """One node's store. Safe to share between threads: each gets a connection of its own."""

    def __init__(self, path: Path, key: bytes, *, busy_seconds: float = BUSY_SECONDS) -> None:
        self.path = path
        self._key = key
        self._busy_seconds = busy_seconds
        self._local = threading.local()
        self._connections: list[sqlcipher.Connection] = []
        self._connections_lock = threading.Lock()

    @contextmanager
    def read(self) -> Iterator[Snapshot]:
        """Give one consistent view, however many statements are run on it."""
        with self._begin("BEGIN DEFERRED") as connection:
            yield Snapshot(connection)

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Give a transaction that is on disk when the block ends, or never was.

        Raises:
            StoreBusyError: another process wrote for longer than a writer waits.
            StoreError: the disk is full or the file is broken.
        """
        with self._begin("BEGIN IMMEDIATE") as connection:
            yield Transaction(connection)

    def truncate_wal(self) -> None:
        """Empty the write-ahead log, so that what was erased does not stay in it. Waits for no reader."""
        with _naming_failures():
            self._connect().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def copy_to(self, path: Path) -> None:
        """Write a consistent, compact copy to a new file, encrypted under the same key; writers are not held up."""
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with _naming_failures():
            self._connect().execute("VACUUM INTO ?", [str(path)])

    def close(self) -> None:
        """Close every connection of every thread."""
        with self._connections_lock:
            for connection in self._connections:
                connection.close()
            self._connections.clear()
        self._local = threading.local()

    @contextmanager
    def _begin(self, statement: str) -> Iterator[sqlcipher.Connection]:
        connection = self._connect()
        _demand_idle(connection)
        with _naming_failures():
            connection.execute(statement)
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def _connect(self) -> sqlcipher.Connection:
        connection: sqlcipher.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = connect(self.path, self._key, busy_seconds=self._busy_seconds)
            self._local.connection = connection
            with self._connections_lock:
                self._connections.append(connection)
        return connection


def connect(path: Path, key: bytes, *, busy_seconds: float = BUSY_SECONDS) -> sqlcipher.Connection:
    """Return a keyed connection in autocommit mode, with every safety setting on.

    Raises:
        StoreKeyError: the key is not this file's, or the file is no store.
    """
    if len(key) != STORE_KEY_BYTES:
        raise ValueError(f"a store's key is {STORE_KEY_BYTES} bytes, {len(key)} were given")
    connection = sqlcipher.connect(path, isolation_level=None, timeout=busy_seconds, check_same_thread=False)
    try:
        with _naming_failures():
            _prepare(connection, key)
    except BaseException:
        connection.close()
        raise
    connection.row_factory = sqlcipher.Row
    return connection


def demand_store_file(path: Path) -> None:
    """Raise NotFoundError unless a store lies there: SQLite would make an empty one without a word."""
    if not path.is_file():
        raise NotFoundError(f"there is no store at {path}", fix="run: agency init", code="store-missing")


def read_moment(seconds: int) -> datetime:
    """Return the moment that a column of Unix seconds stands for."""
    return datetime.fromtimestamp(seconds, UTC)


def read_optional_moment(seconds: int | None) -> datetime | None:
    """Return the moment a column stands for, or None where it is empty."""
    return None if seconds is None else read_moment(seconds)


def spell_list(values: Iterable[str]) -> str:
    """Return values as the JSON text that `json_each(?)` takes: one parameter for `IN`, however many there are."""
    return encode_canonical([str(value) for value in values]).decode()


def _demand_idle(connection: sqlcipher.Connection) -> None:
    if connection.in_transaction:
        raise RuntimeError("a transaction is already open in this thread; pass it on instead of opening another")


def _prepare(connection: sqlcipher.Connection, key: bytes) -> None:
    # A raw key: SQLCipher derives nothing from a passphrase here, the container around the key did that.
    connection.execute("PRAGMA cipher_log_level = NONE")
    connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
    connection.execute("PRAGMA cipher_compatibility = 4")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA trusted_schema = OFF")


@contextmanager
def _naming_failures() -> Iterator[None]:
    try:
        yield
    except sqlcipher.DatabaseError as error:
        named = _name_failure(getattr(error, "sqlite_errorcode", 0) & 0xFF)
        if named is None:
            raise
        raise named from error


def _name_failure(code: int) -> ClientError | None:
    if code == _SQLITE_BUSY:
        return StoreBusyError("another process of this node is writing to the store", fix="try again in a moment")
    if code == _SQLITE_NOTADB:
        return StoreKeyError("the store does not open: another key sealed it, or the file is damaged")
    if code == _SQLITE_CORRUPT:
        return StoreError(
            "the store is damaged", fix="restore the last backup: agency restore FILE", code="store-damaged"
        )
    if code == _SQLITE_FULL:
        return StoreError("the disk is full; nothing was changed", fix="free some space", code="disk-full")
    return None


def _bind(value: Value) -> str | bytes | int | None:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be stored")
        return int(value.timestamp())
    return value
