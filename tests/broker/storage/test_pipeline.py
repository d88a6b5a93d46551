"""Statements sent together: each has its answer, and the message is whole however large and however it ends."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from broker.storage.libpq import LibpqStatement
from broker.storage.pipeline import Call, send_together
from tests.broker.ports import make_store
from tests.support.engines import POSTGRESQL, using_engine

_BINARY = 1
_TUPLES, _FAILED, _VOID = 2, 7, 11  # PGRES_TUPLES_OK, PGRES_FATAL_ERROR, PGRES_PIPELINE_ABORTED
ECHO = LibpqStatement("SELECT $1::bytea")
DIVIDE = LibpqStatement("SELECT 1 / $1::integer")


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    with using_engine(POSTGRESQL):
        database = make_store(tmp_path)
    with database.write() as opened:
        ECHO.fetch(opened, [b""])
        DIVIDE.fetch(opened, [1])
        yield opened


def session_of(connection: Connection) -> Any:
    driver: Any = connection.connection.driver_connection
    return driver.pgconn


def echo(data: bytes) -> Call:
    return Call(ECHO.name, [data], [_BINARY])


def divide_by(number: int) -> Call:
    return Call(DIVIDE.name, [b"%d" % number], [0])


def test_each_gets_its_own_answer_in_order(connection: Connection) -> None:
    sent = [bytes([number]) * number for number in range(64)]
    results = send_together(session_of(connection), [echo(data) for data in sent])
    assert [result.get_value(0, 0) for result in results] == sent


def test_more_than_both_sides_can_hold_goes_through(connection: Connection) -> None:
    """Neither side may wait for the other to read before it reads itself: 32 MiB there, and as much back."""
    sent = [bytes([number]) * (1 << 20) for number in range(32)]
    results = send_together(session_of(connection), [echo(data) for data in sent])
    assert [result.get_value(0, 0) == data for result, data in zip(results, sent, strict=True)] == [True] * 32


def test_what_fails_voids_what_is_behind_it_and_leaves_the_session_usable(connection: Connection) -> None:
    connection.execute(text("SAVEPOINT here"))
    results = send_together(session_of(connection), [divide_by(1), divide_by(0), divide_by(1), echo(b"x")])
    assert [result.status for result in results] == [_TUPLES, _FAILED, _VOID, _VOID]
    connection.execute(text("ROLLBACK TO here"))
    assert send_together(session_of(connection), [echo(b"again")])[0].get_value(0, 0) == b"again"
