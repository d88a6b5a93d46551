"""How the group commit answers: after the disk has it, each caller on its own loop, its hooks first."""

import asyncio
import threading
from pathlib import Path

import pytest

from broker.storage.errors import StoreBusyError, StoreClosedError
from broker.storage.transaction import PendingLeaf, Transaction
from tests.broker.storage.group_commit.notes import Store, commit_together, occupy, write_note, write_note_and_fail

pytestmark = pytest.mark.both_engines


def test_hooks_run_on_the_callers_loop_after_the_commit_and_before_the_caller_goes_on(store: Store) -> None:
    seen: list[tuple[str, object, list[str]]] = []

    def operation(transaction: Transaction) -> None:
        write_note("stored")(transaction)
        transaction.after_commit(lambda: seen.append(("hook", threading.current_thread(), store.notes())))

    async def run() -> None:
        await store.writer.commit(operation)
        seen.append(("caller", threading.current_thread(), store.notes()))

    asyncio.run(run())
    here = threading.current_thread()
    assert seen == [("hook", here, ["stored"]), ("caller", here, ["stored"])]


def test_a_failing_hook_changes_no_answer(store: Store) -> None:
    def fail() -> None:
        raise KeyError("the hook's own mistake")

    def operation(transaction: Transaction) -> str:
        transaction.after_commit(fail)
        transaction.after_commit(lambda: seen.append("second"))
        return "answer"

    seen: list[str] = []
    assert asyncio.run(store.writer.commit(operation)) == "answer"
    assert seen == ["second"]


def test_a_failed_operations_hooks_never_run(store: Store) -> None:
    seen: list[str] = []

    def operation(transaction: Transaction) -> None:
        transaction.after_commit(lambda: seen.append("hook"))
        raise KeyError("no")

    with pytest.raises(KeyError):
        asyncio.run(store.writer.commit(operation))
    assert seen == []


def test_a_caller_that_gives_up_does_not_undo_what_it_queued(store: Store) -> None:
    async def give_up() -> None:
        release = await occupy(store)
        task = asyncio.ensure_future(store.writer.commit(write_note("kept")))
        await asyncio.sleep(0)
        task.cancel()
        release.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        await store.writer.commit(write_note("next"))

    asyncio.run(give_up())
    assert store.notes() == ["kept", "next"]


def test_an_event_loop_that_is_gone_stops_nobody_else(store: Store) -> None:
    inside, release = threading.Event(), threading.Event()

    def wait(_transaction: Transaction) -> None:
        inside.set()
        release.wait(10)

    async def leave() -> None:
        task = asyncio.ensure_future(store.writer.commit(wait))
        await asyncio.to_thread(inside.wait, 10)
        task.cancel()

    asyncio.run(leave())
    release.set()
    assert store.writer.commit_and_wait(write_note("still here")).index == 0


def test_every_event_loop_gets_its_own_answers(store: Store) -> None:
    found: dict[str, int] = {}

    def run(name: str) -> None:
        async def commit() -> None:
            for _ in range(20):
                leaf = await store.writer.commit(write_note(name))
                found[name] = leaf.index

        asyncio.run(commit())

    threads = [threading.Thread(target=run, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(found.values()) == 59
    assert len(store.notes()) == 60


def test_an_operation_may_raise_even_what_a_future_cannot_carry(store: Store) -> None:
    def stop(_transaction: Transaction) -> None:
        raise StopIteration

    with pytest.raises(RuntimeError, match="StopIteration"):
        asyncio.run(store.writer.commit(stop))


def test_a_thread_without_an_event_loop_gets_results_and_failures_too(store: Store) -> None:
    assert store.writer.commit_and_wait(write_note("first")).index == 0
    with pytest.raises(KeyError):
        store.writer.commit_and_wait(write_note_and_fail)


def test_too_many_waiting_operations_are_refused_with_a_time_to_come_back(tmp_path: Path) -> None:
    store = Store(tmp_path, max_waiting=3)
    answers = asyncio.run(commit_together(store, *(write_note(str(number)) for number in range(5))))
    refusals = [answer for answer in answers if isinstance(answer, StoreBusyError)]
    assert (len(refusals), len(store.notes())) == (2, 3)
    assert refusals[0].retry_after_seconds == 1
    store.close()


def test_closing_answers_what_is_queued_and_takes_no_more(store: Store) -> None:
    async def close_while_busy() -> list[object]:
        release = await occupy(store)
        tasks = [asyncio.ensure_future(store.writer.commit(write_note(str(number)))) for number in range(10)]
        await asyncio.sleep(0)
        closing = asyncio.ensure_future(asyncio.to_thread(store.writer.close))
        await asyncio.sleep(0.05)
        release.set()
        answers: list[object] = list(await asyncio.gather(*tasks, return_exceptions=True))
        await closing
        return answers

    answers = asyncio.run(close_while_busy())
    assert all(isinstance(answer, PendingLeaf) for answer in answers)
    assert len(store.notes()) == 10
    with pytest.raises(StoreClosedError):
        asyncio.run(store.writer.commit(write_note("late")))
    assert store.writer.problem == "the writer is not running"
