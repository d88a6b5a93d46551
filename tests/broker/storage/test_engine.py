"""The database as it is opened: durable, private to its owner, and read-only where it must be."""

import stat
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, QueuePool, text
from sqlalchemy.exc import DBAPIError, OperationalError

from broker.audit.log_store import select_head
from broker.storage import libpq, postgresql
from broker.storage.announcements import HearingLostError
from broker.storage.engine import open_database
from broker.storage.errors import CommitUnknownError, StoreBusyError
from broker.storage.libpq import LibpqStatement
from broker.storage.pipeline import send_together
from tests.broker.ports import make_store
from tests.support.engines import POSTGRESQL, using_engine


def test_every_commit_is_synced_to_disk_through_the_write_ahead_log(tmp_path: Path) -> None:
    database = open_database(tmp_path / "broker.db")
    with database.writing.begin() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 10_000
        assert connection.exec_driver_sql("PRAGMA wal_autocheckpoint").scalar() == 4096
    database.close()


def test_only_the_owner_can_read_the_files(tmp_path: Path) -> None:
    database = open_database(tmp_path / "broker.db")
    with database.writing.begin() as connection:
        connection.execute(text("CREATE TABLE thing (id INTEGER)"))
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"broker.db": 0o600, "broker.db-wal": 0o600, "broker.db-shm": 0o600}
    database.close()


def test_a_reading_connection_cannot_write(tmp_path: Path) -> None:
    database = open_database(tmp_path / "broker.db")
    with database.writing.begin() as connection:
        connection.execute(text("CREATE TABLE thing (id INTEGER)"))
    with database.read() as connection, pytest.raises(OperationalError, match="readonly"):
        connection.execute(text("INSERT INTO thing VALUES (1)"))
    database.close()


def test_a_reader_keeps_its_snapshot_while_the_writer_goes_on(tmp_path: Path) -> None:
    database = open_database(tmp_path / "broker.db")
    count = text("SELECT count(*) FROM thing")
    with database.writing.begin() as connection:
        connection.execute(text("CREATE TABLE thing (id INTEGER)"))
    with database.read() as reader:
        assert reader.execute(count).scalar() == 0
        with database.writing.begin() as writer:
            writer.execute(text("INSERT INTO thing VALUES (1)"))
        assert reader.execute(count).scalar() == 0
    with database.read() as reader:
        assert reader.execute(count).scalar() == 1
    database.close()


def test_an_error_never_carries_the_values_that_were_written(tmp_path: Path) -> None:
    database = open_database(tmp_path / "broker.db")
    with database.writing.connect() as connection, pytest.raises(DBAPIError) as caught:
        connection.execute(text("INSERT INTO missing VALUES (:name)"), {"name": "ERIKSSON"})
    assert "ERIKSSON" not in str(caught.value)
    database.close()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="not durable"):
        open_database(url)


def test_an_engine_the_broker_does_not_run_on_is_named() -> None:
    with pytest.raises(ValueError, match="begins with mysql"):
        open_database("mysql://localhost/broker")


@pytest.mark.both_engines
def test_who_finds_all_connections_taken_for_too_long_is_asked_to_come_again(tmp_path: Path) -> None:
    database = make_store(tmp_path)
    pool = database.reading.pool
    assert isinstance(pool, QueuePool)
    pool._timeout = 0.01  # what it is made with is longer than a test
    with ExitStack() as held:
        for _ in range(pool.size()):
            held.enter_context(database.read())
        with pytest.raises(StoreBusyError), database.read():
            pytest.fail("there was one more")
        channel = database.open_channel("a broker")
        if channel is not None:
            with pytest.raises(HearingLostError), channel.listen():
                pytest.fail("there was one more")
    with database.read() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1


def test_a_session_that_ends_before_it_says_what_a_commit_is_worth_leaves_it_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with using_engine(POSTGRESQL):
        url = make_store(tmp_path).writing.url
    verify_commit = postgresql.verify_commit

    def lose_the_server_first(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        driver.pgconn.finish()
        verify_commit(connection)

    monkeypatch.setattr(postgresql, "verify_commit", lose_the_server_first)
    with (
        closing(open_database(url, requires_standby=True)) as database,
        pytest.raises(CommitUnknownError),
        database.write() as connection,
    ):
        connection.execute(text("UPDATE log_head SET last_time = last_time"))


def test_what_fails_here_after_a_commit_was_sent_leaves_it_open_whether_it_was_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with using_engine(POSTGRESQL):
        database = make_store(tmp_path)
    change = LibpqStatement("UPDATE log_head SET stop = $1::bytea")

    def find_no_memory(*what: Any) -> None:
        send_together(*what)
        raise MemoryError

    def write(stop: bytes | None, send: Callable[..., Any]) -> None:
        with database.write() as connection:
            change.defer(connection, [stop])
            monkeypatch.setattr(libpq, "send_together", send)

    write(None, send_together)  # all that must be prepared once is
    with pytest.raises(CommitUnknownError):
        write(b"kept", find_no_memory)
    monkeypatch.undo()
    with database.read() as connection:
        assert select_head(connection).stop == b"kept"
