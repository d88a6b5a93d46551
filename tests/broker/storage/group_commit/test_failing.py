"""When a batch of the group commit fails, nobody is told yes, and the log goes on where the store stands."""

import asyncio
import resource
import threading
from pathlib import Path

import pytest

from broker.audit.log import AuditLog
from broker.storage.errors import CommitFailedError, CommitUnansweredError, StoreClosedError
from broker.storage.group_commit import GroupCommitWriter
from broker.storage.transaction import PendingLeaf, Transaction
from keys.log_keys import sign_checkpoint
from schemas.log.checkpoint import Checkpoint
from tests.broker.ports import CountingSalts, ManualClock, make_signer
from tests.broker.storage.group_commit.notes import Store, break_the_commit, commit_together, occupy, write_note

pytestmark = pytest.mark.both_engines


def test_a_batch_that_is_not_answered_is_a_problem_for_as_long(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A COMMIT waits for ever for a synchronous standby that is gone: whoever watches must be told."""

    async def occupied() -> str | None:
        release = await occupy(store)
        assert store.writer.problem is None
        monkeypatch.setattr("broker.storage.group_commit.STUCK_SECONDS", -1.0)
        problem = store.writer.problem
        release.set()
        await store.occupied
        return problem

    assert "no answer for 0 seconds" in str(asyncio.run(occupied()))
    assert store.writer.problem is None


def test_when_the_commit_fails_nobody_is_told_yes_and_nothing_is_kept(store: Store) -> None:
    called: list[str] = []

    def write_and_hook(transaction: Transaction) -> None:
        write_note("lost")(transaction)
        transaction.after_commit(lambda: called.append("hook"))

    answers = asyncio.run(commit_together(store, write_note("lost"), break_the_commit, write_and_hook))
    assert [type(answer) for answer in answers] == [CommitFailedError] * 3
    assert (store.notes(), store.log.view.size, called) == ([], 0, [])
    assert store.writer.problem is not None


def test_after_a_failed_commit_the_log_goes_on_where_the_store_stands(store: Store) -> None:
    asyncio.run(commit_together(store, write_note("lost"), break_the_commit))
    leaf = asyncio.run(store.writer.commit(write_note("kept")))
    assert (leaf.index, store.notes(), store.log.view.size) == (0, ["kept"], 1)
    assert store.writer.problem is None


def test_a_stored_batch_that_cannot_be_signed_is_not_answered_yes_and_is_signed_with_the_next(tmp_path: Path) -> None:
    store = Store(tmp_path)
    is_broken = threading.Event()

    def sign(checkpoint: Checkpoint) -> bytes:
        if is_broken.is_set():
            raise OSError("the key store is gone")
        return sign_checkpoint(checkpoint, make_signer())

    log = AuditLog(store.database, ManualClock(), sign, CountingSalts())
    log.load()
    writer = GroupCommitWriter(store.database, log)
    writer.start()
    is_broken.set()
    with pytest.raises(CommitUnansweredError):
        asyncio.run(writer.commit(write_note("unsigned")))
    assert (store.notes(), log.view.size) == (["unsigned"], 0)
    is_broken.clear()
    leaf = asyncio.run(writer.commit(lambda transaction: transaction.recall(0)))
    assert leaf is not None
    assert log.prove(leaf).leaf.record.detail == "unsigned"
    writer.close()
    store.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_writer_that_dies_leaves_nobody_waiting(store: Store) -> None:
    def die(_transaction: Transaction) -> None:
        raise SystemExit

    answers = asyncio.run(commit_together(store, write_note("lost"), die, write_note("lost")))
    assert [type(answer) for answer in answers] == [StoreClosedError] * 3
    assert (store.notes(), store.writer.problem) == ([], "the writer is not running")
    with pytest.raises(StoreClosedError):
        store.writer.commit_and_wait(write_note("late"))


@pytest.mark.sqlite_only
def test_a_full_disk_refuses_everything_and_recovers(store: Store) -> None:
    asyncio.run(store.writer.commit(write_note("before")))
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        answer = asyncio.run(commit_together(store, write_note("x" * 100_000)))[0]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert isinstance(answer, CommitFailedError)
    assert store.notes() == ["before"]
    assert asyncio.run(store.writer.commit(write_note("after"))).index == 1


@pytest.mark.sqlite_only
def test_a_database_that_is_full_in_the_middle_of_a_batch_keeps_exactly_what_it_answered(store: Store) -> None:
    def allow_no_more_pages(transaction: Transaction) -> None:
        pages = transaction.connection.exec_driver_sql("PRAGMA page_count").scalar()
        transaction.connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    asyncio.run(commit_together(store, write_note("before"), allow_no_more_pages))
    answers = asyncio.run(commit_together(store, write_note("small"), write_note("x" * 1_000_000), write_note("end")))
    kept = ["before"] + [str(one.record.detail) for one in answers if isinstance(one, PendingLeaf)]
    assert len(kept) < 4
    assert store.notes() == kept
    assert store.log.view.size == len(kept)
