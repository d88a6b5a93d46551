"""A log that has stopped is shown as far as it was signed, and nothing is ever signed of it again."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from broker.audit.errors import LogError
from broker.audit.log import AuditLog, LogDamagedError
from broker.audit.log_store import select_head
from broker.audit.standing import ExchangeStoppedError, Standing, Stop, StopReason, choose_stop
from broker.audit.tables import log_head
from broker.storage.engine import Database
from broker.storage.errors import CommitFailedError
from broker.storage.group_commit import GroupCommitWriter
from broker.storage.transaction import Transaction
from keys.log_keys import sign_checkpoint
from schemas.codec import CodecError
from schemas.log.checkpoint import Checkpoint
from schemas.log.records import RecordType
from tests.broker.ports import ORIGIN, START, CountingSalts, ManualClock, make_log, make_signer, make_store

STOP = Stop(v=1, reason=StopReason.RESTORED, since=START)
LATER = STOP.model_copy(update={"since": START + timedelta(hours=1)})


def sign_nothing(checkpoint: Checkpoint) -> bytes:
    raise AssertionError(f"a head of {checkpoint.size} leaves was signed")


def append(transaction: Transaction) -> None:
    transaction.append(RecordType.TOKENS_ISSUED, concerns=["GB"], agency="GB", count=1)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """A store whose log has grown, its newest note kept."""
    database = make_store(tmp_path)
    log = make_log(database, ManualClock())
    writer = GroupCommitWriter(database, log)
    writer.start()
    for operation in (append, append, log.store_checkpoint):
        writer.commit_and_wait(operation)
    writer.close()
    return database


def open_stopped(database: Database) -> AuditLog:
    log = AuditLog(database, ManualClock(), sign_nothing, CountingSalts(), Standing(STOP))
    log.load()
    return log


def test_a_stopped_log_shows_its_stored_note_and_signs_nothing(database: Database) -> None:
    log = open_stopped(database)
    assert (log.view.size, log.view.checkpoint.origin) == (2, ORIGIN)
    assert len(log.view.prove_inclusion(1)) == 1
    writer = GroupCommitWriter(database, log)
    writer.start()
    with pytest.raises(ExchangeStoppedError):
        writer.commit_and_wait(append)
    assert writer.commit_and_wait(lambda _transaction: "rows that have no leaf are written") is not None
    writer.close()
    assert log.view.size == 2


def test_a_stored_note_that_is_not_of_the_leaves_is_damage(database: Database) -> None:
    other = sign_checkpoint(Checkpoint(ORIGIN, 2, bytes(32)), make_signer())
    for note, error in ((other, LogDamagedError), (None, LogError)):
        with database.writing.begin() as connection:
            connection.execute(update(log_head).values(checkpoint=note))
        with pytest.raises(error):
            open_stopped(database)


def make_note(size: int, epoch: int = 1) -> bytes:
    return sign_checkpoint(Checkpoint(f"exchange.test/{epoch}", size, bytes(32)), make_signer())


BEHIND, FURTHER = (
    Stop(v=1, reason=StopReason.BEHIND, since=START, note=make_note(size).decode(), witness="GB") for size in (5, 9)
)


def test_a_stop_is_made_durable_and_the_furthest_head_is_kept() -> None:
    kept: list[Stop] = []
    standing = Standing(STOP, kept.append)
    for size, epoch in ((5, 1), (3, 1), (9, 1), (2, 2), (99, 1)):
        error = standing.fall_behind(make_note(size, epoch), "GB", START + timedelta(seconds=size))
        assert error.code == "exchange-behind"
    assert [(one.shown.origin, one.shown.size) for one in kept if one.shown] == [
        ("exchange.test/1", 5), ("exchange.test/1", 9), ("exchange.test/2", 2),
    ]  # fmt: skip
    assert standing.stop == kept[-1]
    assert {one.reason for one in kept} == {StopReason.BEHIND}


def test_a_full_disk_does_not_let_the_log_go_on() -> None:
    def fail(_stop: Stop) -> None:
        raise OSError("no space left on device")

    standing = Standing(None, fail)
    with pytest.raises(OSError, match="no space"):
        standing.fall_behind(make_note(5), "GB", START)
    with pytest.raises(ExchangeStoppedError):
        standing.verify_open()


def open_writer(database: Database, standing: Standing) -> tuple[AuditLog, GroupCommitWriter]:
    log = make_log(database, ManualClock(), standing=standing)
    writer = GroupCommitWriter(database, log)
    writer.start()
    return log, writer


def read_stop(database: Database) -> bytes | None:
    with database.read() as connection:
        return select_head(connection).stop


def do_nothing(_transaction: Transaction) -> None:
    """Any batch will do."""


def test_a_broker_that_stops_stops_every_other_on_its_database(database: Database) -> None:
    kept: list[Stop] = []
    first, second = Standing(), Standing(None, kept.append)
    _, writer = open_writer(database, first)
    other_log, other = open_writer(database, second)
    first.fall_behind(make_note(9), "GB", START)
    writer.commit_and_wait(do_nothing)

    with pytest.raises(ExchangeStoppedError):
        other.commit_and_wait(append)
    assert (second.stop, kept) == (first.stop, [first.stop]), "its own folder knows too: databases are put back"
    assert other_log.view.size == 2
    writer.close()
    other.close()


def test_what_a_brokers_own_folder_says_is_pushed_into_the_database_by_its_first_batch(database: Database) -> None:
    _, stopped = open_writer(database, Standing(STOP))
    stopped.commit_and_wait(do_nothing)
    stopped.close()

    standing = Standing()
    make_log(database, ManualClock(), standing=standing)
    assert standing.stop == STOP


def test_of_two_brokers_that_saw_different_heads_both_keep_the_further(database: Database) -> None:
    first, second = Standing(), Standing()
    (_, writer), (_, other) = open_writer(database, first), open_writer(database, second)
    for standing, size in ((first, 9), (second, 5)):
        standing.fall_behind(make_note(size), "GB", START)
    for each in (writer, other, writer, other):
        each.commit_and_wait(do_nothing)
    assert first.stop == second.stop
    assert first.stop is not None
    assert first.stop.shown == Checkpoint(ORIGIN, 9, bytes(32))
    writer.close()
    other.close()


def test_a_restored_stop_that_was_lifted_lets_the_others_go_on_and_being_behind_does_not(database: Database) -> None:
    def lift() -> None:
        _, lifting = open_writer(database, Standing(is_lifting=True))
        lifting.commit_and_wait(do_nothing)
        assert read_stop(database) is not None, "it ends with the leaf that says so"
        lifting.commit_and_wait(append)
        assert read_stop(database) is None
        lifting.close()

    other = Standing()
    log, writer = open_writer(database, other)
    for stop, is_open in ((STOP, True), (BEHIND, False)):
        _, stopping = open_writer(database, Standing(stop))
        stopping.commit_and_wait(do_nothing)
        stopping.close()
        with pytest.raises(ExchangeStoppedError):
            writer.commit_and_wait(append)
        lift()
        if is_open:
            writer.commit_and_wait(append)
            assert log.view.size == 4
        else:
            with pytest.raises(ExchangeStoppedError):
                writer.commit_and_wait(append)
    writer.close()


def test_a_stop_that_cannot_be_read_stops_the_log(database: Database) -> None:
    """Nobody knows what it said."""
    _, writer = open_writer(database, Standing())
    with database.writing.begin() as connection:
        connection.execute(update(log_head).values(stop=b"{}"))
    with pytest.raises(CommitFailedError):
        writer.commit_and_wait(append)
    writer.close()
    with pytest.raises(CodecError):
        make_log(database, ManualClock())


@given(st.lists(st.sampled_from([STOP, LATER, BEHIND, FURTHER]), max_size=6))
def test_which_stop_counts_does_not_depend_on_the_order_in_which_they_came(stops: list[Stop]) -> None:
    counted: Stop | None = None
    for stop in stops:
        counted = choose_stop(counted, stop)
    order = (STOP, LATER, BEHIND, FURTHER)
    assert counted == max(stops, key=order.index, default=None)
