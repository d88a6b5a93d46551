"""Statements of the hot path as PostgreSQL's own client library takes them: prepared once a session, then one message
there and one back, values in the few types that our tables have.

In a transaction of the writer, what nobody waits for is kept back until something is asked, and goes along with the
question: BEGIN with the first, what is announced with COMMIT, and within an operation all that it writes. An accepted
message is three messages there and back instead of nine, and what it shares with its batch three more. Whoever executes
anything past this module says so first (`send_waiting`), so that the order stays that of the code; an error is raised
by what was asked.

Through psycopg's cursors each statement would cost the broker about as much again as it costs the server. Sessions,
transactions and errors stay psycopg's: it asks the library in which state a transaction is, and knows no other.
"""

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from sqlalchemy import Connection

from broker.storage.pipeline import Call, send_together

_TEXT, _BINARY = 0, 1
_BAD = 1  # CONNECTION_BAD
_FATAL_ERROR = 7  # PGRES_FATAL_ERROR
_WAITING = "waiting"  # in a session's `info`: what its transaction keeps back; nothing outside of one
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
        self.name = b"bilateral_%d" % next(_numbers)
        self._readers: list[Callable[[bytes], Any]] | None = None

    def run(self, connection: Connection, parameters: Sequence[Any]) -> int:
        """Execute and return how many rows were changed.

        Raises:
            psycopg.Error: as psycopg would.
        """
        return int(self._execute(connection, parameters).command_tuples or 0)

    def command(self, connection: Connection) -> bytes | None:
        """Execute without parameters and return what the server calls what it did.

        Raises:
            psycopg.Error: as psycopg would.
        """
        done: bytes | None = self._execute(connection, ()).command_status
        return done

    def defer(self, connection: Connection, parameters: Sequence[Any]) -> None:
        """Execute before anything else is asked of this connection, or at once where no transaction keeps it back."""
        waiting = connection.info.get(_WAITING)
        if waiting is None:
            self._execute(connection, parameters)
        else:
            waiting.append(self._bind(connection, parameters))

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
        call = self._bind(connection, parameters)
        if connection.info.get(_WAITING):
            return _send_with(connection, call)
        driver: Any = connection.connection.driver_connection
        return _verify(connection, driver.pgconn.exec_prepared(call.name, call.values, call.formats, _BINARY))

    def _bind(self, connection: Connection, parameters: Sequence[Any]) -> Call:
        known = connection.info.setdefault("prepared", set())
        if self.name not in known:
            send_waiting(connection)  # the savepoint above all: what cannot be prepared ends what it stands in
            driver: Any = connection.connection.driver_connection
            _verify(connection, driver.pgconn.prepare(self.name, self._text))
            known.add(self.name)
        # A text as well: the library would end it at its first NUL.
        formats = [_BINARY if isinstance(value, bytes | str) else _TEXT for value in parameters]
        return Call(self.name, [_write(value) for value in parameters], formats)


_BEGIN, _COMMIT = LibpqStatement("BEGIN"), LibpqStatement("COMMIT")
_SAVEPOINT, _RELEASE = LibpqStatement("SAVEPOINT operation"), LibpqStatement("RELEASE operation")


def begin_transaction(connection: Connection) -> None:
    """From now on, keep back what nobody waits for; BEGIN is the first of it."""
    connection.info[_WAITING] = []
    _BEGIN.defer(connection, ())


def commit_transaction(connection: Connection) -> None:
    """Execute what waits still, and commit; a transaction that asked for nothing costs nothing.

    Raises:
        psycopg.Error: what waited could not be executed, or it could not be committed.
        psycopg.errors.InFailedSqlTransaction: it was given up before. PostgreSQL answers with ROLLBACK, and no error.
    """
    if _is_all_that_waits(connection, _BEGIN):
        connection.info[_WAITING] = None
        return
    if _COMMIT.command(connection) != b"COMMIT":
        driver: Any = connection.dialect.loaded_dbapi
        raise driver.errors.InFailedSqlTransaction("the transaction was given up before its COMMIT")
    connection.info[_WAITING] = None


def forget_transaction(connection: Connection) -> None:
    """Forget what waits: it is rolled back."""
    if not connection.invalidated:
        connection.info[_WAITING] = None


def begin_operation(connection: Connection) -> None:
    """Begin what can be undone by itself; its savepoint is kept back until it asks for something."""
    send_waiting(connection)
    _SAVEPOINT.defer(connection, ())


def keep_operation(connection: Connection) -> None:
    """Execute what waits still, and release the savepoint; an operation that asked for nothing costs nothing.

    Raises:
        psycopg.Error: what waited could not be executed; the operation can be undone.
    """
    if not _is_all_that_waits(connection, _SAVEPOINT):
        _RELEASE.run(connection, ())
    connection.info[_WAITING].clear()


def undo_operation(connection: Connection) -> None:
    """Take back what the operation has executed, and forget what waits."""
    was_sent = not _is_unsent(connection, _SAVEPOINT)
    connection.info[_WAITING].clear()
    if was_sent:
        command(connection, b"ROLLBACK TO operation; RELEASE operation")


def send_waiting(connection: Connection) -> None:
    """Execute what waits: something is about to be executed past this module.

    Raises:
        psycopg.Error: as psycopg would.
    """
    if connection.info.get(_WAITING):
        _send_with(connection)


def command(connection: Connection, words: bytes) -> None:
    """Execute words without parameters or an answer: BEGIN, ROLLBACK and their like.

    Raises:
        psycopg.Error: as psycopg would.
    """
    send_waiting(connection)
    driver: Any = connection.connection.driver_connection
    _verify(connection, driver.pgconn.exec_(words))


def _is_unsent(connection: Connection, beginning: LibpqStatement) -> bool:
    """Return whether what a transaction or an operation begins with, and so everything of it, waits still."""
    waiting: list[Call] = connection.info.get(_WAITING) or []
    return bool(waiting) and waiting[0].name == beginning.name


def _is_all_that_waits(connection: Connection, beginning: LibpqStatement) -> bool:
    """Return whether a transaction or an operation has neither asked for anything nor written anything."""
    return _is_unsent(connection, beginning) and len(connection.info[_WAITING]) == 1


def _send_with(connection: Connection, *calls: Call) -> Any:
    """Execute what waits and then `calls`, together; return the answer to the last."""
    waiting: list[Call] = connection.info[_WAITING]
    together = [*waiting, *calls]
    waiting.clear()
    driver: Any = connection.connection.driver_connection
    results = [_verify(connection, result) for result in send_together(driver.pgconn, together)]
    return results[-1]


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
