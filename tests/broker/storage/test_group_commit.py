"""The group commit: one fsync for many, each failure its own, and no answer before the disk has it.

The real log with real keys is the journal here; notes are a table of the test's own.
"""

import asyncio
import resource
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table, event, text
from sqlalchemy.exc import IntegrityError

from broker.audit.log import AuditLog
from broker.storage.engine import Database
from broker.storage.errors import CommitFailedError, CommitUnansweredError, StoreBusyError, StoreClosedError
from broker.storage.group_commit import GroupCommitWriter
from broker.storage.transaction import PendingLeaf, Transaction
from keys.log_keys import sign_checkpoint
from schemas.log.checkpoint import Checkpoint
from schemas.log.records import RecordType
from tests.broker.ports import CountingSalts, ManualClock, make_log, make_signer, make_store

pytestmark = pytest.mark.both_engines

_TABLES = MetaData()
Table("note", _TABLES, Column("id", Integer, primary_key=True), Column("body", String, nullable=False))
Table("reply", _TABLES, Column("note", ForeignKey("note.id", deferrable=True, initially="DEFERRED")))


class Store:
    """A database with a log, a writer over both, and a table of notes."""

    def __init__(self, folder: Path, *, max_waiting: int = 4096, max_batch: int = 256) -> None:
        self.database = make_store(folder)
        with self.database.writing.begin() as connection:
            _TABLES.create_all(connection)
        self.log = make_log(self.database, ManualClock())
        self.writer = GroupCommitWriter(self.database, self.log, max_waiting=max_waiting, max_batch=max_batch)
        self.writer.start()

    def notes(self) -> list[str]:
        with self.database.read() as connection:
            return list(connection.execute(text("SELECT body FROM note ORDER BY id")).scalars())

    def batches(self) -> int:
        return int(self.writer.metrics.registry.get_sample_value("bilateral_batch_operations_count") or 0)

    def close(self) -> None:
        self.writer.close()
        self.database.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path)
    yield opened
    opened.close()


def write_note(body: str) -> Callable[[Transaction], PendingLeaf]:
    def operation(transaction: Transaction) -> PendingLeaf:
        transaction.connection.execute(text("INSERT INTO note (body) VALUES (:body)"), {"body": body})
        return transaction.append(RecordType.OPERATOR_ACTION, concerns=(), detail=body)

    return operation


def write_note_and_fail(transaction: Transaction) -> None:
    write_note("never")(transaction)
    raise KeyError("the operation's own mistake")


def break_the_commit(transaction: Transaction) -> None:
    """Leave behind what a database finds out only when it commits: a COMMIT that truly fails."""
    transaction.connection.execute(text("INSERT INTO reply VALUES (404)"))


async def occupy(store: Store) -> threading.Event:
    """Keep the writer inside a batch until the event is set, so that what comes next is one batch."""
    inside, release = threading.Event(), threading.Event()

    def wait(_transaction: Transaction) -> None:
        inside.set()
        release.wait(10)

    store.occupied = asyncio.ensure_future(store.writer.commit(wait))  # type: ignore[attr-defined]
    await asyncio.to_thread(inside.wait, 10)
    return release


async def commit_together(store: Store, *operations: Callable[[Transaction], object]) -> list[object]:
    release = await occupy(store)
    tasks = [asyncio.ensure_future(store.writer.commit(operation)) for operation in operations]
    await asyncio.sleep(0)
    release.set()
    return list(await asyncio.gather(*tasks, return_exceptions=True))


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


def test_a_batch_that_is_not_answered_is_a_problem_for_as_long(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A COMMIT waits for ever for a synchronous standby that is gone: whoever watches must be told."""

    async def occupied() -> str | None:
        release = await occupy(store)
        assert store.writer.problem is None
        monkeypatch.setattr("broker.storage.group_commit.STUCK_SECONDS", -1.0)
        problem = store.writer.problem
        release.set()
        await store.occupied  # type: ignore[attr-defined]
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


def test_a_thread_without_an_event_loop_gets_results_and_failures_too(store: Store) -> None:
    assert store.writer.commit_and_wait(write_note("first")).index == 0
    with pytest.raises(KeyError):
        store.writer.commit_and_wait(write_note_and_fail)


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


_CRASHING_PROGRAM = """
import asyncio, os, sys
from broker.storage.engine import open_database
from broker.storage.failpoints import arm_failpoint
from broker.storage.group_commit import GroupCommitWriter
from schemas.log.records import RecordType
from tests.broker.ports import ManualClock, make_log

database = open_database(sys.argv[1])
log = make_log(database, ManualClock())
writer = GroupCommitWriter(database, log)
writer.start()

async def run():
    for number in range(3):
        leaf = await writer.commit(
            lambda tx: tx.append(RecordType.OPERATOR_ACTION, concerns=(), detail=f"note {number}")
        )
        print(leaf.index, log.prove(leaf).checkpoint.splitlines()[1], flush=True)
        if number == 0:
            arm_failpoint(os.environ, allowed=True)

asyncio.run(run())
"""


@pytest.mark.both_engines(False)  # fourteen processes
@pytest.mark.parametrize(
    ("step", "stored"),
    [
        ("commit.before-transaction", 1),
        ("commit.before-head", 1),
        ("commit.before-commit", 1),
        ("commit.after-commit", 2),
        ("log.before-sign", 2),
        ("log.after-sign", 2),
        ("commit.before-answer", 2),
    ],
)
def test_killed_between_any_two_steps_it_keeps_all_it_answered_and_the_log_goes_on(
    tmp_path: Path, step: str, stored: int
) -> None:
    database = make_store(tmp_path)
    database.close()
    program = [sys.executable, "-c", _CRASHING_PROGRAM, database.writing.url.render_as_string(hide_password=False)]
    crashed = subprocess.run(program, env={"BILATERAL_FAILPOINT": step}, capture_output=True, text=True, check=False)
    assert (crashed.returncode, crashed.stdout) == (-9, "0 1\n"), crashed.stderr
    again = subprocess.run(program, env={}, capture_output=True, text=True, check=False)
    expected = "".join(f"{index} {index + 1}\n" for index in range(stored, stored + 3))
    assert (again.returncode, again.stdout) == (0, expected), again.stderr
