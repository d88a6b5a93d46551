"""The one writer: gathers concurrent operations into one transaction and answers each after its fsync.

One thread owns the writing connection. While it commits, the next operations queue up and become the next batch; there
is no timer, so a lone operation never waits. What an answer says is true after a crash, because nothing is answered
before COMMIT has returned. The log is written along in the same transaction through the `Journal` port.

What an operation needs no transaction for is prepared here too, before the batch's begins, on all processors at once
(`broker.storage.sharing`). To prepare each as it comes, ahead of the writer, would hand each over twice more, which
cost a sixth of an acceptance, and would split the batches that share an fsync.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection

from broker.observability.metrics import Metrics
from broker.storage.announcements import Announcing, News, NobodyElse
from broker.storage.engine import Database, Dialect
from broker.storage.errors import (
    CommitFailedError,
    CommitUnansweredError,
    CommitUnknownError,
    StoreBusyError,
    StoreClosedError,
    StoreError,
    StoreUnreachableError,
)
from broker.storage.failpoints import failpoint
from broker.storage.fair_queue import MAX_WAITING, MAX_WAITING_OF_MEMBER, OWN_TURN, FairQueue, Turn
from broker.storage.sharing import Sharing
from broker.storage.transaction import Journal, JournalBatch, Transaction

T = TypeVar("T")
Operation = Callable[[Transaction], T]
Preparation = Callable[[], Operation[T]]
Hook = Callable[[], None]

STUCK_SECONDS = 25.0
"""Longer than a batch waits for another broker's lock."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Job:
    operation: Operation[Any]
    future: "asyncio.Future[Any] | Future[Any]"
    loop: asyncio.AbstractEventLoop | None
    prepare: Preparation[Any] | None = None
    result: Any = None
    error: BaseException | None = None
    hooks: list[Hook] = field(default_factory=list)
    news: News = field(default_factory=News)


class GroupCommitWriter:
    """Runs operations in batches on its own thread; `commit` is for an event loop, `commit_and_wait` for elsewhere."""

    def __init__(
        self,
        database: Database,
        journal: Journal,
        *,
        announcing: Announcing | None = None,
        metrics: Metrics | None = None,
        max_waiting: int = MAX_WAITING,
        max_waiting_of_member: int = MAX_WAITING_OF_MEMBER,
        max_batch: int = 256,
    ) -> None:
        self._database = database
        self._journal = journal
        self._announcing = announcing or NobodyElse()
        self.metrics = metrics or Metrics()
        self._max_batch = max_batch
        self._queue: FairQueue[_Job] = FairQueue(max_waiting, max_waiting_of_member)
        self._failure: str | None = None
        self._is_cut_off = False
        self._attempt: Future[None] = Future()
        self._attempt.set_result(None)
        self._sharing = Sharing()
        self._in_hand: list[_Job] = []
        self._began_at: float | None = None
        self._thread = threading.Thread(target=self._run, name="group-commit", daemon=True)

    def start(self) -> None:
        """Start the writer's thread."""
        self._thread.start()

    @property
    def problem(self) -> str | None:
        """Why writes cannot be expected to succeed right now, or None.

        Whoever is not ready is asked to write nothing, and would never learn that its database is back: while that
        cannot be reached, asking lets an empty batch try.
        """
        if self._queue.is_closed or not self._thread.is_alive():
            return "the writer is not running"
        began_at = self._began_at
        if began_at is not None and (seconds := time.monotonic() - began_at) > STUCK_SECONDS:
            return f"the last batch has had no answer for {seconds:.0f} seconds: look at the disk, and at the standby"
        if self._is_cut_off and self._attempt.done():
            self._look_again()
        return self._failure

    def _look_again(self) -> None:
        attempt: Future[None] = Future()
        try:
            self._submit(_Job(_do_nothing, attempt, None), OWN_TURN)
        except StoreError:
            return  # what waits already will find out
        self._attempt = attempt

    async def commit(self, operation: Operation[T], turn: Turn = OWN_TURN) -> T:
        """Run `operation` in the next batch with room for its `turn`; return its result once the batch is durable.

        Being cancelled while waiting does not undo what was queued.

        Raises:
            StoreBusyError: too many operations are waiting, in all or of this member.
            StoreClosedError: the writer is closed.
            CommitFailedError: the whole batch failed; nothing of it was kept.
            CommitUnknownError: whether the batch was kept cannot be told.
            CommitUnansweredError: it was kept, but could not be signed.
            Exception: whatever `operation` raised; nothing of it was kept.
        """
        answer: T = await self._answer(operation, None, turn)
        return answer

    async def prepare_and_commit(self, prepare: Preparation[T], turn: Turn = OWN_TURN) -> T:
        """Do what `commit` does with the operation that `prepare` returns.

        `prepare` is called on a thread of the writer's, while others are called on others: before the batch's
        transaction begins, or while that waits for another broker's. What it raises is raised here.
        """
        answer: T = await self._answer(_fail_unprepared, prepare, turn)
        return answer

    def commit_and_wait(self, operation: Operation[T]) -> T:
        """Do what `commit` does, from a thread without an event loop; hooks then run on the writer's thread."""
        future: Future[T] = Future()
        self._submit(_Job(operation, future, None), OWN_TURN)
        return future.result()

    def close(self) -> None:
        """Commit and answer what is queued, take no more, and end the thread."""
        self._queue.close()
        if self._thread.is_alive():
            self._thread.join()

    async def _answer(self, operation: Operation[Any], prepare: Preparation[Any] | None, turn: Turn) -> Any:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._submit(_Job(operation, future, loop, prepare), turn)
        return await future

    def _submit(self, job: _Job, turn: Turn) -> None:
        try:
            self._queue.put(job, turn)
        except StoreBusyError:
            self.metrics.writes_refused_busy.inc()
            raise

    def _run(self) -> None:
        try:
            while batch := self._queue.take(self._max_batch):
                self._serve(batch)
        finally:
            self._sharing.close()
            self._refuse_rest()

    def _refuse_rest(self) -> None:
        """Leave nobody waiting when the thread ends for whatever reason; in an orderly end nobody is."""
        waiting = [*self._in_hand, *self._queue.close()]
        for job in waiting:
            job.error = StoreClosedError()
            job.hooks.clear()
        _deliver(waiting)

    def _serve(self, batch: list[_Job]) -> None:
        started = time.perf_counter()
        self._in_hand, self._began_at = batch, time.monotonic()
        prepared = self._prepare(batch)
        failure = self._commit_and_publish(prepared) if prepared else None
        self.metrics.observe_batch(len(batch), time.perf_counter() - started)
        if prepared:
            self._note_outcome(failure)
        failpoint("commit.before-answer")
        self._in_hand, self._began_at = [], None
        _deliver(batch)
        if failure is not None:
            _report("batch-failed", failure, len(batch))

    def _prepare(self, batch: list[_Job]) -> list[_Job]:
        """Make a batch ready for the transaction; return what is: what a preparation raised is its caller's alone."""
        try:
            self._sharing.do_each(_prepare_job, [job for job in batch if job.prepare is not None])
        except Exception as error:  # noqa: BLE001 - no thread could be had; who was not prepared must not hear "accepted"
            _fail_all(batch, CommitFailedError, error)
            _report("batch-not-prepared", error, len(batch))
        return [job for job in batch if job.error is None]

    def _commit_and_publish(self, batch: list[_Job]) -> Exception | None:
        """Make the batch durable and its head signed, or mark every job of it as failed and return why."""
        try:
            leaves = self._commit_batch(batch)
        except Exception as error:  # noqa: BLE001 - whatever it was, the callers must hear that nothing was kept
            self._announcing.doubt()
            for job in batch:
                job.hooks.clear()
            _fail_all(batch, CommitUnknownError if isinstance(error, CommitUnknownError) else CommitFailedError, error)
            return error
        try:
            self._journal.publish(leaves)
        except Exception as error:  # noqa: BLE001 - stored but unsigned: nobody is told "accepted" without a checkpoint
            _fail_all(batch, CommitUnansweredError, error)
            return error
        return None

    def _commit_batch(self, batch: list[_Job]) -> JournalBatch:
        failpoint("commit.before-transaction")
        with self._database.write() as connection:
            leaves = self._journal.begin(connection, lambda: self._gather_more(batch))
            size_before = leaves.size
            for job in batch:
                _run_job(job, self._database.dialect, connection, leaves)
            failpoint("commit.before-head")
            leaves.write()
            self._announce(connection, batch, leaves.size, has_grown=leaves.size > size_before)
            failpoint("commit.before-commit")
        failpoint("commit.after-commit")
        return leaves

    def _gather_more(self, batch: list[_Job]) -> None:
        """Let what has come since share the commit of a batch that must wait for another broker's."""
        more = self._queue.take_waiting(self._max_batch - len(batch))
        self._in_hand += more
        batch += self._prepare(more)

    def _announce(self, connection: Connection, batch: list[_Job], size: int, *, has_grown: bool) -> None:
        """Tell other brokers what the whole batch did, with its own COMMIT: a log that grew without a word is news."""
        news = News()
        for job in batch:
            news.add(job.news)
        if news or has_grown:
            self._announcing.announce(connection, news, size)

    def _note_outcome(self, failure: Exception | None) -> None:
        self._is_cut_off = isinstance(failure, StoreUnreachableError | CommitUnknownError)
        if failure is None:
            self._failure = None
        else:
            self._failure = f"the last batch failed: {type(failure).__name__}"
            self.metrics.batches_failed.inc()


def _do_nothing(_transaction: Transaction) -> None:
    """Let a batch see whether the database is there."""


def _fail_unprepared(_transaction: Transaction) -> None:
    """Stand where a preparation leaves its operation: one that nobody prepared must not be taken for done."""
    raise RuntimeError("the operation was not prepared")


def _report(what: str, error: Exception, operations: int) -> None:
    try:
        _log.error(what, operations=operations, exc_info=error)
    except OSError:  # a full disk takes the log file too; the writer must outlive it
        pass


def _fail_all(batch: list[_Job], refusal: Callable[[], StoreError], cause: Exception) -> None:
    for job in batch:
        job.error = refusal()
        job.error.__cause__ = cause


def _prepare_job(job: _Job) -> None:
    if job.prepare is None:
        return
    try:
        job.operation = job.prepare()
    except Exception as error:  # noqa: BLE001 - it belongs to the caller of this operation alone
        job.error = error


def _run_job(job: _Job, dialect: Dialect, connection: Connection, leaves: JournalBatch) -> None:
    size_before = leaves.size
    transaction = Transaction(connection, leaves)
    dialect.begin_operation(connection)
    try:
        job.result = job.operation(transaction)
        dialect.keep_operation(connection)
    except Exception as error:  # noqa: BLE001 - it belongs to the caller of this operation alone
        dialect.undo_operation(connection)
        leaves.truncate(size_before)
        job.error = error
    else:
        job.hooks, job.news = transaction.hooks, transaction.news


def _deliver(batch: list[_Job]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
    for job in batch:
        if job.loop is None:
            _settle([job])
        else:
            by_loop.setdefault(job.loop, []).append(job)
    for loop, jobs in by_loop.items():
        try:
            loop.call_soon_threadsafe(_settle, jobs)
        except RuntimeError as error:
            _report("event-loop-gone", error, len(jobs))


def _settle(jobs: Iterable[_Job]) -> None:
    for job in jobs:
        _run_hooks(job.hooks)
        if job.future.cancelled():
            continue
        if job.error is None:
            job.future.set_result(job.result)
        elif isinstance(job.error, StopIteration):  # a future cannot carry it
            job.future.set_exception(RuntimeError("an operation raised StopIteration"))
        else:
            job.future.set_exception(job.error)


def _run_hooks(hooks: Iterable[Hook]) -> None:
    for hook in hooks:
        try:
            hook()
        except Exception as error:  # noqa: BLE001 - the data is safe and the answer true, whatever a wake-up does
            _report("after-commit-hook-failed", error, 1)
