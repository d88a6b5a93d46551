"""PostgreSQL's own promises: what a COMMIT is worth, who waits for whom, what breaks, and how its tables are kept."""

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import String, insert, select, text
from sqlalchemy.exc import IntegrityError
from structlog.testing import capture_logs

from broker.audit.log_store import select_head
from broker.http.refusal import find_refusal
from broker.inbox.tables import inbox_item
from broker.storage import postgresql
from broker.storage.engine import Database, open_database
from broker.storage.errors import CommitFailedError, CommitUnknownError, DatabaseBusyError, StoreUnreachableError
from broker.storage.group_commit import GroupCommitWriter
from broker.storage.migrate import load_tables
from broker.storage.postgresql import PARTITIONS
from broker.storage.sharing import Sharing
from broker.storage.transaction import Transaction
from schemas.log.records import RecordType
from tests.broker.ports import ManualClock, make_log, make_store, prepare_store
from tests.support.engines import POSTGRESQL, using_engine
from tests.support.postgresql import PostgresqlServer, shared_server

ABSENT_STANDBY = "nobody"


@pytest.fixture(autouse=True)
def on_postgresql(engine: str) -> Iterator[None]:
    with using_engine(POSTGRESQL):
        yield


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return make_store(tmp_path)


@pytest.fixture
def open_again() -> Iterator[Callable[..., Database]]:
    """Open a database, and close it after the test."""
    with ExitStack() as opened:
        yield lambda url, **how: opened.enter_context(closing(open_database(url, **how)))


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresqlServer]:
    """A server of this module's own, which may be stopped and set as it likes."""
    server = PostgresqlServer()
    server.initialise()
    server.start()
    yield server
    server.discard()


@pytest.fixture
def exclusive(server: PostgresqlServer, open_again: Callable[..., Database]) -> Database:
    """A store on the module's own server."""
    database = open_again(server.make_database())
    prepare_store(database)
    return database


def append(transaction: Transaction) -> None:
    transaction.append(RecordType.TOKENS_ISSUED, concerns=["GB"], agency="GB", count=1)


def fail() -> Callable[[Transaction], None]:
    raise KeyError("the operation's own mistake")


async def commit_behind_another(writer: GroupCommitWriter, other: Database) -> list[object]:
    """Let one operation reach the head while another transaction holds it, and two more come meanwhile."""
    is_first_here, may_go_on, was_joined = threading.Event(), threading.Event(), threading.Event()

    def prepare_first() -> Callable[[Transaction], None]:
        is_first_here.set()
        may_go_on.wait(10)
        return append

    def prepare_second() -> Callable[[Transaction], None]:
        was_joined.set()
        return append

    with other.write() as connection:
        select_head(connection, for_update=True)
        tasks = [asyncio.ensure_future(writer.prepare_and_commit(prepare_first))]
        await asyncio.to_thread(is_first_here.wait, 10)
        tasks += [
            asyncio.ensure_future(writer.prepare_and_commit(one)) for one in (prepare_second, fail, prepare_second)
        ]
        await asyncio.sleep(0)
        may_go_on.set()
        assert await asyncio.to_thread(was_joined.wait, 10)
    return await asyncio.gather(*tasks, return_exceptions=True)


def set_up(server: PostgresqlServer, **settings: str) -> None:
    for name, value in settings.items():
        server.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    server.execute("SELECT pg_reload_conf()")


def ask(database: Database, question: str, *, writing: bool = True) -> Any:
    with (database.writing if writing else database.reading).connect() as connection:
        return connection.execute(text(question)).scalar_one()


def test_sessions_are_set_by_the_broker_whatever_the_server_says(database: Database) -> None:
    assert ask(database, "SHOW synchronous_commit") == "on"
    assert ask(database, "SHOW transaction_isolation") == "read committed"
    assert ask(database, "SHOW transaction_isolation", writing=False) == "repeatable read"
    assert ask(database, "SHOW transaction_read_only", writing=False) == "on"
    assert ask(database, "SHOW search_path") == "bilateral_1"
    assert ask(database, "SHOW idle_in_transaction_session_timeout") == "10s"
    assert ask(database, "SHOW lock_timeout") == "20s"


def test_each_epoch_has_a_schema_of_its_own(database: Database, open_again: Callable[..., Database]) -> None:
    with open_again(database.writing.url, epoch=2).read() as connection:
        assert connection.execute(text("SELECT current_schema()")).scalar_one() is None


def test_texts_sort_by_their_bytes_and_rows_lie_in_their_recipients_part(database: Database) -> None:
    recipients = [f"{letter}-{number}" for number in range(20) for letter in "Aab_Z"]
    row: dict[str, Any] = dict.fromkeys(column.name for column in inbox_item.c)
    row |= {"number": 1, "type": "message", "state": "waiting", "is_open": True, "haste": 0, "size": 1}
    with database.write() as connection:
        connection.execute(insert(inbox_item), [row | {"recipient": one} for one in recipients])
        found = connection.execute(select(inbox_item.c.recipient).order_by(inbox_item.c.recipient)).scalars().all()
        parts = connection.execute(text("SELECT count(DISTINCT tableoid) FROM inbox_item")).scalar_one()
        plan = connection.execute(text("EXPLAIN SELECT * FROM inbox_item WHERE recipient = 'GB-HO'")).scalars().all()
    assert found == sorted(recipients)
    assert parts > PARTITIONS / 2
    assert len(set(re.findall(r"inbox_item_(\d+)", " ".join(plan)))) == 1


def test_every_text_is_compared_by_its_bytes(database: Database) -> None:
    texts = {
        (table.name, column.name)
        for table in load_tables().tables.values()
        for column in table.columns
        if isinstance(getattr(column.type, "impl", column.type), String)
    }
    question = "SELECT attrelid::regclass::text, attname FROM pg_attribute WHERE attcollation = '\"C\"'::regcollation"
    with database.read() as connection:
        by_bytes = {tuple(row) for row in connection.execute(text(question))}
    assert len(texts) > 50
    assert texts <= by_bytes


def test_a_server_that_may_lose_commits_is_named(database: Database) -> None:
    assert [reason.split(":")[0] for reason in database.find_unsafe()] == [
        "PostgreSQL runs with fsync = off",
        "PostgreSQL runs with full_page_writes = off",
    ]


def test_a_commit_that_no_standby_acknowledged_is_answered_to_nobody(
    server: PostgresqlServer, exclusive: Database
) -> None:
    """PostgreSQL answers such a COMMIT with success and a warning, once somebody cancels the wait for the standby."""
    log = make_log(exclusive, ManualClock())
    writer = GroupCommitWriter(exclusive, log)
    writer.start()
    writer.commit_and_wait(append)
    set_up(server, synchronous_standby_names=ABSENT_STANDBY)
    found: list[Exception] = []

    def commit() -> None:
        try:
            writer.commit_and_wait(append)
        except CommitUnknownError as error:
            found.append(error)

    waiting = threading.Thread(target=commit)
    waiting.start()
    cancel_waits(server)
    waiting.join()
    assert len(found) == 1
    assert "canceling wait for synchronous replication" in str(found[0].__cause__)
    assert log.view.size == 1, "nothing was signed over what the standby lacks"

    set_up(server, synchronous_standby_names="")
    writer.commit_and_wait(lambda _: None)
    assert log.view.size == 2, "it had been written, and is signed with the next commit that counts"
    writer.close()


def test_where_a_standby_is_required_nothing_counts_without_one(
    database: Database, open_again: Callable[..., Database]
) -> None:
    demanding = open_again(database.writing.url, requires_standby=True)
    with pytest.raises(CommitUnknownError, match="no synchronous standby"):
        make_log(demanding, ManualClock())


def test_a_broker_that_stops_in_a_transaction_holds_up_nobody_for_long_and_wakes_to_nothing(
    database: Database, open_again: Callable[..., Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after SIGSTOP, or when its machine is cut off: the server ends the session, and with it the head's lock."""
    monkeypatch.setitem(postgresql._WRITING, "idle_in_transaction_session_timeout", "300ms")
    frozen = open_again(database.writing.url)

    def freeze_and_wake() -> None:
        with frozen.write() as connection:
            select_head(connection, for_update=True)
            log = make_log(database, ManualClock())  # waits for the lock, and gets it
            assert log.view.size == 0
            connection.execute(text("UPDATE log_head SET size = 1"))

    with pytest.raises(StoreUnreachableError):
        freeze_and_wake()
    with frozen.write() as connection:
        assert select_head(connection).size == 0, "the next transaction has a session of its own again"


def test_a_broker_that_stops_in_the_middle_of_what_it_sends_loses_the_head_too(
    database: Database, open_again: Callable[..., Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server waits for the rest of a message, or of a pipeline, and does not call that idle."""
    ask(database, "SELECT 1")  # its own session is there, and has the usual time
    monkeypatch.setattr(postgresql, "_TRANSACTION_SECONDS", 1)
    session = open_again(database.writing.url).writing.raw_connection()
    driver: Any = session.driver_connection
    session.detach()
    with closing(driver):
        with suppress(psycopg.OperationalError):  # on a busy machine the second may be over before all is sent
            driver.execute("SELECT size FROM log_head FOR UPDATE")
            driver.pgconn.enter_pipeline_mode()
            driver.pgconn.send_query_params(b"SELECT 1", None)
            driver.pgconn.send_flush_request()
            driver.pgconn.flush()
        assert make_log(database, ManualClock()).view.size == 0, "it waits for the lock, and gets it"


@pytest.mark.parametrize(
    ("sqlstate", "means"),
    [
        ("08006", StoreUnreachableError), ("25P03", StoreUnreachableError), ("25P04", StoreUnreachableError),
        ("57P01", StoreUnreachableError), ("57P03", StoreUnreachableError), ("40P01", DatabaseBusyError),
        ("53100", DatabaseBusyError), ("53200", DatabaseBusyError), ("55P03", DatabaseBusyError),
        ("57014", DatabaseBusyError), ("58030", DatabaseBusyError), ("23505", IntegrityError),
    ],
)  # fmt: skip
def test_a_server_that_is_there_and_could_not_do_it_is_not_called_unreachable(
    database: Database, sqlstate: str, means: type[Exception]
) -> None:
    for lend in (database.read, database.write):
        with pytest.raises(Exception, match=r".") as told, lend() as connection:
            connection.exec_driver_sql(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{sqlstate}'; END $$")
        assert type(told.value) is means


def test_who_waits_too_long_for_the_head_is_told_to_come_again_and_not_that_nobody_is_there(
    database: Database, open_again: Callable[..., Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(postgresql._WRITING, "lock_timeout", "50ms")
    late = open_again(database.writing.url)
    with database.write() as holding:
        select_head(holding, for_update=True)
        with pytest.raises(DatabaseBusyError) as told, late.write() as connection:
            select_head(connection, for_update=True)
    refusal = find_refusal(told.value)
    assert refusal is not None
    assert (refusal.slug, refusal.come_back_seconds) == ("busy", 5)


def test_who_waits_for_anothers_commit_takes_along_what_comes_meanwhile_up_to_a_full_batch(
    database: Database, open_again: Callable[..., Database]
) -> None:
    log = make_log(database, ManualClock())
    writer = GroupCommitWriter(database, log, max_batch=3)
    writer.start()
    outcomes = asyncio.run(commit_behind_another(writer, open_again(database.writing.url)))
    writer.close()
    assert [type(outcome) for outcome in outcomes] == [type(None), type(None), KeyError, type(None)]
    samples = writer.metrics.registry.get_sample_value
    assert (samples("bilateral_batch_operations_count"), samples("bilateral_batch_operations_sum")) == (2, 4)
    assert log.view.size == 3


def test_who_could_not_be_prepared_while_it_joined_a_batch_is_told_so_and_the_batch_goes_on(
    database: Database, open_again: Callable[..., Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = make_log(database, ManualClock())
    writer = GroupCommitWriter(database, log)
    writer._sharing = Sharing(threads=2)

    def find_no_thread(do_rest: Callable[..., None], *work: object) -> None:
        do_rest(*work)
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(writer._sharing._pool, "submit", find_no_thread)
    writer.start()
    outcomes = asyncio.run(commit_behind_another(writer, open_again(database.writing.url)))
    writer.close()
    assert [type(outcome) for outcome in outcomes] == [type(None), *[CommitFailedError] * 3]
    assert log.view.size == 1


def test_a_server_that_goes_away_and_comes_back_costs_the_batches_in_between(
    server: PostgresqlServer, exclusive: Database
) -> None:
    log = make_log(exclusive, ManualClock())
    writer = GroupCommitWriter(exclusive, log)
    writer.start()
    writer.commit_and_wait(append)
    for end in (server.stop, server.kill):
        end()
        with capture_logs() as logs, pytest.raises(CommitFailedError):
            writer.commit_and_wait(append)
        assert logs[0]["event"] == "batch-failed"
        with pytest.raises(StoreUnreachableError), exclusive.read():
            pass
        server.start()
        with exclusive.read() as connection:
            size = select_head(connection).size
        writer.commit_and_wait(append)
        assert log.view.size == size + 1
    writer.close()


def test_whoever_asks_after_a_writer_that_was_cut_off_lets_it_look_again(
    server: PostgresqlServer, exclusive: Database
) -> None:
    """A broker that is not ready gets no writes; by them alone it would never learn that its database is back."""
    writer = GroupCommitWriter(exclusive, make_log(exclusive, ManualClock()))
    writer.start()

    def is_cut_off() -> bool:
        return writer.problem is not None

    server.stop()
    with capture_logs():
        with pytest.raises(CommitFailedError):
            writer.commit_and_wait(append)
        assert writer.problem == "the last batch failed: StoreUnreachableError"
        server.start()
        while is_cut_off():
            writer._attempt.exception()  # waits for it
    writer.close()


def test_a_connection_that_breaks_at_the_commit_leaves_it_open_whether_it_was_kept(database: Database) -> None:
    def lose_the_server() -> None:
        with database.write() as connection:
            process = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            shared_server().execute(f"SELECT pg_terminate_backend({process}, 5000)")

    with pytest.raises(CommitUnknownError, match="broke while it was committed"):
        lose_the_server()


def test_a_session_that_ends_in_an_operation_of_sqlalchemys_is_known_for_it_and_looked_for_again(
    database: Database,
) -> None:
    """To take the operation back, SQLAlchemy is asked for a session that it has thrown away by then."""
    writer = GroupCommitWriter(database, make_log(database, ManualClock()))
    writer.start()

    def lose_the_server(transaction: Transaction) -> None:
        process = transaction.connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        shared_server().execute(f"SELECT pg_terminate_backend({process}, 5000)")
        transaction.connection.execute(text("SELECT 1"))

    with capture_logs(), pytest.raises(CommitFailedError) as told:
        writer.commit_and_wait(lose_the_server)
    assert isinstance(told.value.__cause__, StoreUnreachableError)
    while writer.problem is not None:
        writer._attempt.exception()  # waits for it
    writer.close()


def cancel_waits(server: PostgresqlServer) -> None:
    """Cancel whoever waits for the standby, once somebody does."""
    while not server.execute("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"):
        pass
