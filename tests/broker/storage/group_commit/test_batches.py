"""What a batch of the group commit is: one fsync for many operations, and each failure its own."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError

from broker.storage.engine import Database
from broker.storage.transaction import PendingLeaf, Transaction
from tests.broker.storage.group_commit.notes import Store, commit_together, write_note, write_note_and_fail

pytestmark = pytest.mark.both_engines


def test_what_is_answered_is_stored_and_in_the_log(store: Store) -> None:
    leaf = asyncio.run(store.writer.commit(write_note("first")))
    assert store.notes() == ["first"]
    assert store.log.prove(leaf).leaf.record.detail == "first"


def test_many_waiting_operations_become_one_batch(store: Store) -> None:
    leaves = asyncio.run(commit_together(store, *(write_note(str(number)) for number in range(100))))
    assert store.batches() == 2
    assert [leaf.index for leaf in leaves if isinstance(leaf, PendingLeaf)] == list(range(100))


def test_a_batch_takes_no_more_than_its_limit(tmp_path: Path) -> None:
    store = Store(tmp_path, max_batch=10)
    asyncio.run(commit_together(store, *(write_note(str(number)) for number in range(25))))
    assert store.batches() == 1 + 3
    store.close()


def test_a_failing_operation_is_taken_back_alone_with_its_leaves(store: Store) -> None:
    answers = asyncio.run(commit_together(store, write_note("before"), write_note_and_fail, write_note("after")))
    before, failure, after = answers
    assert isinstance(before, PendingLeaf)
    assert isinstance(failure, KeyError)
    assert isinstance(after, PendingLeaf)
    assert (before.index, after.index, store.log.view.size) == (0, 1, 2)
    assert store.notes() == ["before", "after"]


def test_a_statement_the_database_refuses_fails_its_own_operation_only(store: Store) -> None:
    def insert_nothing(transaction: Transaction) -> None:
        transaction.connection.execute(text("INSERT INTO note (body) VALUES (NULL)"))

    answers = asyncio.run(commit_together(store, write_note("before"), insert_nothing, write_note("after")))
    assert isinstance(answers[1], IntegrityError)
    assert store.notes() == ["before", "after"]


def test_an_operation_sees_what_an_earlier_one_of_its_batch_wrote(store: Store) -> None:
    def look_back(transaction: Transaction) -> tuple[str | None, str | None]:
        leaf = transaction.recall(0)
        body = transaction.connection.execute(text("SELECT body FROM note")).scalar()
        return body, leaf.record.detail if leaf else None

    assert asyncio.run(commit_together(store, write_note("first"), look_back))[1] == ("first", "first")


def _count_commits(database: Database) -> list[str]:
    # A COMMIT that wrote something is exactly one fsync of the write-ahead log, in either engine.
    commits: list[str] = []
    event.listen(database.writing, "commit", lambda _connection: commits.append("COMMIT"))
    return commits


def test_thirty_two_clients_share_their_fsyncs(store: Store) -> None:
    commits = _count_commits(store.database)

    async def client(name: int) -> None:
        for number in range(20):
            leaf = await store.writer.commit(write_note(f"{name}-{number}"))
            store.log.prove(leaf)

    async def run() -> None:
        await asyncio.gather(*(client(name) for name in range(32)))

    asyncio.run(run())
    assert len(store.notes()) == 640
    assert len(commits) / 640 < 0.2


def test_a_lone_client_waits_for_no_timer(store: Store) -> None:
    commits = _count_commits(store.database)

    async def run() -> None:
        for number in range(20):
            await store.writer.commit(write_note(str(number)))

    asyncio.run(run())
    assert len(commits) == 20
