"""Statements of the hot path as PostgreSQL's own client library takes them: prepared once a session, then one message
there and one back, values in the few types that our tables have.

Through psycopg's cursors each would cost the broker about as much again as it costs the server. Sessions, transactions
and errors stay psycopg's: it asks the library in which state a transaction is, and knows no other.
"""

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from sqlalchemy import Connection

_TEXT, _BINARY = 0, 1
_BAD = 1  # CONNECTION_BAD
_FATAL_ERROR = 7  # PGRES_FATAL_ERROR
_numbers = count(1)


def _read_integer(data: bytes) -> int:
    return int.from_bytes(data, "big", signed=True)


# By the numbers of PostgreSQL's types: bool, bytea, bigint, smallint, integer, text, varchar.
_READERS: dict[int, Callable[[bytes], Any]] = {
    16: lambda data: data == b"\x01",
    17: lambda data: data,
    20: _read_integer,
    21: _read_integer,
    23: _read_integer,
    25: bytes.decode,
    1043: bytes.decode,
}


class LibpqStatement:
    """One statement with `$1`, `$2`, … for its parameters."""

    def __init__(self, text: str) -> None:
        self._text = text.encode()
        self._name = b"bilateral_%d" % next(_numbers)
        self._readers: list[Callable[[bytes], Any]] | None = None

    def run(self, connection: Connection, parameters: Sequence[Any]) -> int:
        """Execute and return how many rows were changed.

        Raises:
            psycopg.Error: as psycopg would.
        """
        return int(self._execute(connection, parameters).command_tuples or 0)

    def fetch(self, connection: Connection, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Execute and return all rows.

        Raises:
            psycopg.Error: as psycopg would.
        """
        result = self._execute(connection, parameters)
        if self._readers is None:
            self._readers = [_READERS[result.ftype(column)] for column in range(result.nfields)]
        get = result.get_value
        return [
            tuple(
                None if (data := get(row, column)) is None else reader(data)
                for column, reader in enumerate(self._readers)
            )
            for row in range(result.ntuples)
        ]

    def _execute(self, connection: Connection, parameters: Sequence[Any]) -> Any:
        driver: Any = connection.connection.driver_connection
        known = connection.info.setdefault("prepared", set())
        if self._name not in known:
            _verify(connection, driver.pgconn.prepare(self._name, self._text))
            known.add(self._name)
        formats = [_BINARY if isinstance(value, bytes) else _TEXT for value in parameters]
        values = [_write(value) for value in parameters]
        return _verify(connection, driver.pgconn.exec_prepared(self._name, values, formats, _BINARY))


def command(connection: Connection, words: bytes) -> None:
    """Execute words without parameters or an answer: BEGIN, SAVEPOINT and their like.

    Raises:
        psycopg.Error: as psycopg would.
    """
    driver: Any = connection.connection.driver_connection
    _verify(connection, driver.pgconn.exec_(words))


def _write(value: Any) -> bytes | None:
    match value:
        case None | bytes():
            return value
        case str():
            return value.encode()
        case bool():
            return b"t" if value else b"f"
        case int():
            return b"%d" % value
        case _:
            raise TypeError(f"{type(value).__name__} is no type of our tables")


def _verify(connection: Connection, result: Any) -> Any:
    if result.status != _FATAL_ERROR:
        return result
    driver: Any = connection.dialect.loaded_dbapi
    session: Any = connection.connection.driver_connection
    if session.pgconn.status == _BAD:
        raise driver.OperationalError(result.get_error_message())
    raise driver.errors.error_from_result(result)
