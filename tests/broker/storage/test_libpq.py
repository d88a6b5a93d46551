"""Statements through libpq give what psycopg gives: values of each type, errors of its classes, one transaction."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from broker.storage.errors import StoreUnreachableError
from broker.storage.libpq import LibpqStatement, begin_operation, command, keep_operation, undo_operation
from tests.broker.ports import make_store
from tests.support.engines import POSTGRESQL, using_engine
from tests.support.postgresql import shared_server

ECHO = LibpqStatement("SELECT $1::bigint, $2::integer, $3::varchar, $4::text, $5::bytea, $6::boolean, $7::smallint")
BIG, INTEGER, SMALL = (st.integers(-(2**bits), 2**bits - 1) for bits in (63, 31, 15))
ADD_DAY = LibpqStatement("INSERT INTO quota_day VALUES ($1::varchar, 'GB-HO', 'agreement', $2::integer, 1)")
COUNT_DAYS = LibpqStatement("SELECT count(*) FROM quota_day")
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    with using_engine(POSTGRESQL):
        database = make_store(tmp_path)
    with database.writing.connect() as opened:
        opened.begin()
        yield opened


@given(st.tuples(*(st.none() | kind for kind in (BIG, INTEGER, TEXT, TEXT, st.binary(), st.booleans(), SMALL))))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_values_of_every_type_come_back_as_they_went(connection: Connection, values: tuple[Any, ...]) -> None:
    assert ECHO.fetch(connection, values) == [values]


def test_it_counts_the_rows_it_changed_in_the_transaction_that_sqlalchemy_sees(connection: Connection) -> None:
    change = LibpqStatement("UPDATE log_head SET size = $1::bigint WHERE size = $2::bigint")
    assert (change.run(connection, [7, 0]), change.run(connection, [8, 0])) == (1, 0)
    assert connection.execute(text("SELECT size FROM log_head")).scalar_one() == 7
    assert change.run(connection, [0, 7]) == 1


def test_an_error_has_psycopgs_class_and_a_savepoint_takes_it_back(connection: Connection) -> None:
    again = LibpqStatement("INSERT INTO log_head SELECT * FROM log_head WHERE size >= $1::bigint")
    command(connection, b"SAVEPOINT here")
    with pytest.raises(psycopg.errors.UniqueViolation, match="log_head_pkey"):
        again.run(connection, [0])
    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        command(connection, b"SAVEPOINT there")
    command(connection, b"ROLLBACK TO here")
    assert ECHO.fetch(connection, [None] * 7) == [(None,) * 7]


@contextmanager
def spying_on_messages(connection: Connection) -> Iterator[list[bytes]]:
    """Have libpq write down what goes to the server and comes back."""
    driver: Any = connection.connection.driver_connection
    seen: list[bytes] = []
    with TemporaryFile() as file:
        driver.pgconn.trace(file.fileno())
        yield seen
        driver.pgconn.untrace()
        file.seek(0)
        seen += file.readlines()


def count_days(connection: Connection) -> int:
    ((count,),) = COUNT_DAYS.fetch(connection, [])
    return int(count)


def test_within_an_operation_what_is_deferred_is_seen_by_whatever_is_asked_next(connection: Connection) -> None:
    begin_operation(connection)
    ADD_DAY.defer(connection, ["VN-IMM", 1])
    assert count_days(connection) == 1
    ADD_DAY.defer(connection, ["VN-IMM", 2])
    assert connection.execute(text("SELECT count(*) FROM quota_day")).scalar_one() == 2
    ADD_DAY.defer(connection, ["VN-IMM", 3])
    keep_operation(connection)
    assert count_days(connection) == 3


def test_an_operation_that_asks_for_nothing_has_written_what_it_deferred_once_it_is_kept(
    connection: Connection,
) -> None:
    begin_operation(connection)
    ADD_DAY.defer(connection, ["VN-IMM", 1])
    keep_operation(connection)
    assert count_days(connection) == 1


def test_what_is_deferred_outside_of_an_operation_stands_before_the_next_one(connection: Connection) -> None:
    """What fails of it is none of the operation's: it could not be taken back with it."""
    begin_operation(connection)
    count_days(connection)
    keep_operation(connection)  # all that must be prepared once is, which sends what waits
    ADD_DAY.defer(connection, ["VN-IMM", 1])
    ADD_DAY.defer(connection, ["VN-IMM", 1])
    with pytest.raises(psycopg.errors.UniqueViolation):
        begin_operation(connection)


def test_what_is_deferred_to_the_end_is_committed_with_it(tmp_path: Path) -> None:
    with using_engine(POSTGRESQL):
        database = make_store(tmp_path)
    for day in (1, 2):  # the first time, what is prepared sends BEGIN
        with database.write() as connection:
            ADD_DAY.defer(connection, ["VN-IMM", day])
    with database.read() as connection:
        assert count_days(connection) == 2


def test_what_is_deferred_to_the_end_and_fails_there_takes_all_with_it(tmp_path: Path) -> None:
    with using_engine(POSTGRESQL):
        database = make_store(tmp_path)

    def fail_late() -> None:
        with database.write() as connection:
            ADD_DAY.run(connection, ["VN-IMM", 1])
            ADD_DAY.defer(connection, ["VN-IMM", 2])
            ADD_DAY.defer(connection, ["VN-IMM", 1])

    with pytest.raises(psycopg.errors.UniqueViolation):
        fail_late()
    with database.write() as connection:
        assert count_days(connection) == 0


def test_a_transaction_is_one_message_to_begin_and_ask_and_one_to_write_and_commit(tmp_path: Path) -> None:
    with using_engine(POSTGRESQL):
        database = make_store(tmp_path)

    def ask_and_write(connection: Connection, day: int) -> None:
        connection.begin()
        count_days(connection)
        ADD_DAY.defer(connection, ["VN-IMM", day])
        connection.commit()

    with database.writing.connect() as connection:
        ask_and_write(connection, 1)  # all that must be prepared once is
        with spying_on_messages(connection) as sent:
            ask_and_write(connection, 2)
        assert sum(b"\tSync" in line for line in sent) == 2
        with spying_on_messages(connection) as sent:
            connection.begin()
            connection.commit()
        assert sent == []


def test_undoing_takes_back_what_was_executed_and_forgets_what_waits(connection: Connection) -> None:
    ADD_DAY.run(connection, ["VN-IMM", 1])
    begin_operation(connection)
    ADD_DAY.defer(connection, ["VN-IMM", 2])
    assert count_days(connection) == 2
    ADD_DAY.defer(connection, ["VN-IMM", 3])
    undo_operation(connection)
    assert count_days(connection) == 1


def test_what_fails_late_fails_its_own_operation_before_it_is_kept(connection: Connection) -> None:
    """An operation that was kept must not hear afterwards that it was not: its caller is told that it was accepted."""
    begin_operation(connection)
    ADD_DAY.defer(connection, ["VN-IMM", 1])
    keep_operation(connection)
    begin_operation(connection)
    ADD_DAY.defer(connection, ["US-CBP", 1])
    ADD_DAY.defer(connection, ["VN-IMM", 1])
    with pytest.raises(psycopg.errors.UniqueViolation, match="quota_day"):
        keep_operation(connection)
    undo_operation(connection)
    assert count_days(connection) == 1


def test_what_cannot_be_prepared_takes_back_its_own_operation_and_nothing_before_it(tmp_path: Path) -> None:
    with using_engine(POSTGRESQL):
        database = make_store(tmp_path)
    with database.write() as connection:
        ADD_DAY.run(connection, ["VN-IMM", 1])
        begin_operation(connection)
        with pytest.raises(psycopg.errors.UndefinedTable):
            LibpqStatement("SELECT nothing FROM nowhere").fetch(connection, [])
        undo_operation(connection)
    with database.write() as connection:
        assert count_days(connection) == 1


def test_a_transaction_that_the_server_gave_up_is_not_taken_for_committed(tmp_path: Path) -> None:
    with using_engine(POSTGRESQL):
        database = make_store(tmp_path)

    def overlook_an_error() -> None:
        with database.write() as connection:
            ADD_DAY.run(connection, ["VN-IMM", 1])
            with suppress(psycopg.errors.UniqueViolation):
                ADD_DAY.run(connection, ["VN-IMM", 1])

    with pytest.raises(psycopg.errors.InFailedSqlTransaction, match="given up"):
        overlook_an_error()
    with database.write() as connection:
        assert count_days(connection) == 0


@pytest.mark.parametrize("end", [keep_operation, undo_operation])
def test_an_operation_that_asks_for_nothing_sends_nothing(
    connection: Connection, end: Callable[[Connection], None]
) -> None:
    begin_operation(connection)
    count_days(connection)
    end(connection)  # all that must be prepared once is
    with spying_on_messages(connection) as sent:
        begin_operation(connection)
        end(connection)
    assert sent == []
    with spying_on_messages(connection) as sent:
        count_days(connection)
    assert sent


def test_a_transaction_begins_with_nothing_waiting(tmp_path: Path) -> None:
    with using_engine(POSTGRESQL):
        database = make_store(tmp_path)

    def break_off() -> None:
        with database.write() as connection:
            begin_operation(connection)
            ADD_DAY.defer(connection, ["VN-IMM", 1])
            raise KeyError("the transaction's own mistake")

    with pytest.raises(KeyError):
        break_off()
    with database.write() as connection:
        ADD_DAY.defer(connection, ["VN-IMM", 2])
        assert count_days(connection) == 1


def test_what_was_rolled_back_is_forgotten_at_once(tmp_path: Path) -> None:
    with using_engine(POSTGRESQL):
        database = make_store(tmp_path)
    with database.writing.connect() as connection:
        connection.begin()
        ADD_DAY.defer(connection, ["VN-IMM", 1])
        connection.rollback()
        assert count_days(connection) == 0
    with database.read() as connection:
        assert count_days(connection) == 0


def test_a_text_is_never_cut_off_at_its_first_nul(connection: Connection) -> None:
    with pytest.raises(psycopg.errors.CharacterNotInRepertoire):
        ECHO.fetch(connection, [None, None, "cut\0off", *[None] * 4])


def test_a_value_of_another_type_is_refused_before_it_is_sent(connection: Connection) -> None:
    with pytest.raises(TypeError, match="float is no type of our tables"):
        ECHO.fetch(connection, [1.5, *[None] * 6])


def test_what_is_prepared_outlives_a_rollback_whatever_else_the_session_did(tmp_path: Path) -> None:
    """psycopg, once it prepares statements of its own, takes back every prepared one with the transaction."""
    with using_engine(POSTGRESQL):
        database = make_store(tmp_path)

    def fail(connection: Connection) -> None:
        for _ in range(20):
            connection.execute(text("SELECT 1"))
            ECHO.fetch(connection, [None] * 7)
        raise KeyError("the transaction's own mistake")

    for _ in range(2):
        with pytest.raises(KeyError), database.write() as connection:
            fail(connection)
    with database.write() as connection:
        assert len(ECHO.fetch(connection, [None] * 7)) == 1


def test_a_session_that_the_server_ended_is_unreachable(tmp_path: Path) -> None:
    with using_engine(POSTGRESQL):
        database = make_store(tmp_path)

    def lose_the_server() -> None:
        with database.write() as connection:
            process = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            shared_server().execute(f"SELECT pg_terminate_backend({process}, 5000)")
            ECHO.fetch(connection, [None] * 7)

    with pytest.raises(StoreUnreachableError):
        lose_the_server()
    with database.read() as connection:
        assert len(ECHO.fetch(connection, [None] * 7)) == 1


def test_a_session_that_ends_while_something_waits_is_unreachable_too(tmp_path: Path) -> None:
    with using_engine(POSTGRESQL):
        database = make_store(tmp_path)

    def lose_the_server() -> None:
        with database.write() as connection:
            process = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            begin_operation(connection)
            ADD_DAY.defer(connection, ["VN-IMM", 1])
            shared_server().execute(f"SELECT pg_terminate_backend({process}, 5000)")
            keep_operation(connection)

    with pytest.raises(StoreUnreachableError):
        lose_the_server()
    with database.write() as connection:
        assert count_days(connection) == 0
