"""What an operation of the group commit needs no transaction for is done before the batch's begins."""

import asyncio
import threading
from collections.abc import Callable

import pytest
from sqlalchemy import event

from broker.storage.errors import CommitFailedError
from broker.storage.transaction import PendingLeaf, Transaction
from tests.broker.storage.group_commit.notes import Store, break_the_commit, commit_together, occupy, write_note

pytestmark = pytest.mark.both_engines


def test_what_needs_no_transaction_is_prepared_before_it_begins_on_the_writers_thread(store: Store) -> None:
    seen: list[object] = []

    def prepare() -> Callable[[Transaction], PendingLeaf]:
        seen.append((threading.current_thread().name, store.database.writing.pool.checkedout()))  # type: ignore[attr-defined]
        return write_note("prepared")

    leaf = asyncio.run(store.writer.prepare_and_commit(prepare))
    assert seen == [("group-commit", 0)]
    assert store.log.prove(leaf).leaf.record.detail == "prepared"


def test_what_a_preparation_raises_is_its_callers_alone(store: Store) -> None:
    def fail() -> Callable[[Transaction], PendingLeaf]:
        raise KeyError("the preparation's own mistake")

    async def cross() -> list[object]:
        release = await occupy(store)
        pending = [store.writer.commit(write_note("before")), store.writer.prepare_and_commit(fail)]
        tasks = [asyncio.ensure_future(one) for one in (*pending, store.writer.commit(write_note("after")))]
        await asyncio.sleep(0)
        release.set()
        return list(await asyncio.gather(*tasks, return_exceptions=True))

    assert [type(answer) for answer in asyncio.run(cross())] == [PendingLeaf, KeyError, PendingLeaf]
    assert store.notes() == ["before", "after"]


def test_a_batch_of_which_nothing_was_prepared_begins_no_transaction(store: Store) -> None:
    begun: list[object] = []
    event.listen(store.database.writing, "begin", begun.append)

    def fail() -> Callable[[Transaction], None]:
        raise KeyError("nothing to do")

    with pytest.raises(KeyError):
        asyncio.run(store.writer.prepare_and_commit(fail))
    assert begun == []


def test_where_no_thread_can_be_had_the_batch_is_refused_and_the_writer_goes_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_what: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as starved:
        starved.setattr(store.writer._sharing, "do_each", fail)
        with pytest.raises(CommitFailedError):
            asyncio.run(store.writer.prepare_and_commit(lambda: write_note("lost")))
    leaf = asyncio.run(store.writer.prepare_and_commit(lambda: write_note("kept")))
    assert (leaf.index, store.notes()) == (0, ["kept"])


def test_what_nobody_prepared_is_not_taken_for_done(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store.writer._sharing, "do_each", lambda *_what: None)
    with pytest.raises(RuntimeError, match="not prepared"):
        asyncio.run(store.writer.prepare_and_commit(lambda: write_note("lost")))


def test_a_batch_of_which_nothing_was_prepared_says_nothing_of_the_database(store: Store) -> None:
    """A broker whose last commit failed is not ready again because somebody's message could not be prepared."""

    def fail() -> Callable[[Transaction], None]:
        raise KeyError("nothing to do")

    asyncio.run(commit_together(store, break_the_commit))
    problem = store.writer.problem
    with pytest.raises(KeyError):
        asyncio.run(store.writer.prepare_and_commit(fail))
    assert problem is not None
    assert store.writer.problem == problem
