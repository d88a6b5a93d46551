"""A log that has stopped is shown as far as it was signed, and nothing is ever signed of it again."""

from datetime import timedelta
from pathlib import Path

import pytest

from broker.audit.log import AuditLog, LogDamagedError, LogError
from broker.audit.standing import ExchangeStoppedError, Standing, Stop, StopReason
from broker.storage.engine import Database
from broker.storage.group_commit import GroupCommitWriter
from broker.storage.transaction import Transaction
from keys.log_keys import sign_checkpoint
from schemas.log.checkpoint import Checkpoint
from schemas.log.records import RecordType
from tests.broker.ports import ORIGIN, START, CountingSalts, ManualClock, make_log, make_signer, make_store

STOP = Stop(v=1, reason=StopReason.RESTORED, since=START)


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
            connection.exec_driver_sql("UPDATE log_head SET checkpoint = ?", (note,))
        with pytest.raises(error):
            open_stopped(database)


def make_note(size: int, epoch: int = 1) -> bytes:
    return sign_checkpoint(Checkpoint(f"exchange.test/{epoch}", size, bytes(32)), make_signer())


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
