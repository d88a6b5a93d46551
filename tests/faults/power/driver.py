"""SQLite as apsw brings it, under the driver interface that SQLAlchemy and the store know from `sqlite3`.

Only what they use of it is here. Rows are fetched at once; nothing else differs. `redirected` lets engines that are
opened below a folder connect through it; `pragmas` takes the place of what the store would set.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import apsw
from sqlalchemy import Engine, event

_ERRORS: tuple[tuple[type[apsw.Error], type[sqlite3.Error]], ...] = (
    (apsw.ConstraintError, sqlite3.IntegrityError),
    (apsw.BusyError, sqlite3.OperationalError),
    (apsw.LockedError, sqlite3.OperationalError),
    (apsw.IOError, sqlite3.OperationalError),
    (apsw.FullError, sqlite3.OperationalError),
    (apsw.SQLError, sqlite3.OperationalError),
)


class BridgeCursor:
    """A cursor that holds its rows already."""

    arraysize = 1

    def __init__(self, connection: "BridgeConnection") -> None:
        self.connection = connection
        self.description: list[tuple[Any, ...]] | None = None
        self.rowcount = -1
        self._rows: Iterator[tuple[Any, ...]] = iter(())

    @property
    def lastrowid(self) -> int:
        """Return the number of the row inserted last."""
        return self.connection.inner.last_insert_rowid()

    def execute(self, statement: str, parameters: Any = ()) -> "BridgeCursor":
        """Run a statement and take its rows."""
        described: list[tuple[Any, ...]] = []

        def describe(cursor: apsw.Cursor, _statement: str, _bindings: Any) -> bool:
            described.extend((name, *[None] * 6) for name, _ in cursor.get_description())
            return True

        cursor = self.connection.inner.cursor()
        cursor.exec_trace = describe  # only from in here can columns be named before there is a row
        with _translating():
            self._rows = iter(list(cursor.execute(self.connection.substitute(statement), parameters)))
        self.description = described or None
        self.rowcount = -1 if described else self.connection.inner.changes()
        return self

    def executemany(self, statement: str, rows: Sequence[Any]) -> "BridgeCursor":
        """Run a statement for each set of parameters."""
        with _translating():
            self.connection.inner.cursor().executemany(statement, rows)
        return self

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the next row."""
        return next(self._rows, None)

    def fetchmany(self, size: int = 1) -> list[tuple[Any, ...]]:
        """Return the next rows."""
        return list(islice(self._rows, size))

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return all rows that are left."""
        return list(self._rows)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """Yield the rows that are left."""
        return self._rows

    def close(self) -> None:
        """Forget the rows."""
        self._rows = iter(())


class BridgeConnection:
    """A connection; `isolation_level` is None for good, as the store sets it."""

    isolation_level: str | None = None

    def __init__(self, place: str, *, uri: bool, pragmas: Mapping[str, str]) -> None:
        flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | (apsw.SQLITE_OPEN_URI if uri else 0)
        with _translating():
            self.inner = apsw.Connection(place, flags=flags)
        self._pragmas = pragmas

    def substitute(self, statement: str) -> str:
        """Return the statement, or another value for the pragma that it sets."""
        name = statement.removeprefix("PRAGMA ").partition(" = ")[0]
        return f"PRAGMA {name} = {self._pragmas[name]}" if name in self._pragmas else statement

    def cursor(self, *_arguments: Any) -> BridgeCursor:
        """Return a cursor."""
        return BridgeCursor(self)

    def execute(self, statement: str, parameters: Any = ()) -> BridgeCursor:
        """Run a statement on a cursor of its own."""
        return self.cursor().execute(statement, parameters)

    @property
    def in_transaction(self) -> bool:
        """Return whether a transaction is open."""
        return self.inner.in_transaction

    def commit(self) -> None:
        """Commit, if there is something to commit."""
        if self.in_transaction:
            self.execute("COMMIT")

    def rollback(self) -> None:
        """Roll back, if there is something to roll back."""
        if self.in_transaction:
            self.execute("ROLLBACK")

    def create_function(
        self, name: str, arguments: int, function: Callable[..., Any], *, deterministic: bool = False
    ) -> None:
        """Let SQL call a function."""
        self.inner.create_scalar_function(name, function, arguments, deterministic=deterministic)

    def close(self) -> None:
        """Close."""
        self.inner.close()


@contextmanager
def redirected(folder: Path, pragmas: Mapping[str, str] | None = None) -> Iterator[None]:
    """Let every engine that is opened below a folder connect by apsw, as long as the block runs."""

    def connect(_dialect: Any, _record: Any, arguments: Sequence[Any], options: Mapping[str, Any]) -> Any:
        place = str(arguments[0])
        if not Path(place.removeprefix("file:").partition("?")[0]).is_relative_to(folder):
            return None
        return BridgeConnection(place, uri=bool(options.get("uri")), pragmas=pragmas or {})

    event.listen(Engine, "do_connect", connect)
    try:
        yield
    finally:
        event.remove(Engine, "do_connect", connect)


@contextmanager
def _translating() -> Iterator[None]:
    try:
        yield
    except apsw.Error as error:
        for theirs, ours in _ERRORS:
            if isinstance(error, theirs):
                raise ours(str(error)) from error
        raise sqlite3.DatabaseError(str(error)) from error
