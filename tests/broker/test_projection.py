"""A projection shows nothing that did not become durable, and hides nothing from who decides later in a batch."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from broker.audit.tables import log_leaf
from broker.projection import Projection
from broker.storage.engine import Database
from broker.storage.group_commit import GroupCommitWriter
from broker.storage.transaction import Transaction
from schemas.log.records import RecordType
from tests.broker.ports import ManualClock, make_log, make_store


class Seen(tuple[int, ...]):
    """The leaves of all operator's actions."""

    __slots__ = ()

    @property
    def last_index(self) -> int:
        return self[-1] if self else -1


def catch_up(connection: Connection, value: Seen) -> Seen:
    rows = connection.execute(
        select(log_leaf.c.leaf_index)
        .where(log_leaf.c.leaf_index > value.last_index, log_leaf.c.record_type == RecordType.OPERATOR_ACTION.value)
        .order_by(log_leaf.c.leaf_index)
    )
    return Seen((*value, *rows.scalars()))


class Bench:
    """A writer over a real store, and a projection of its operator's actions."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.writer = GroupCommitWriter(database, make_log(database, ManualClock()))
        self.writer.start()
        self.projection: Projection[Seen] = Projection(Seen(), catch_up)
        self.projection.load(database)

    def add(self, transaction: Transaction) -> Seen:
        before = self.projection.as_of(transaction)
        leaf = transaction.append(RecordType.OPERATOR_ACTION, concerns=[], detail="a test")
        self.projection.replace(transaction, leaf, Seen((*before, leaf.index)))
        return before

    def look(self, transaction: Transaction) -> Seen:
        return self.projection.as_of(transaction)

    def add_then_fail(self, transaction: Transaction) -> None:
        self.add(transaction)
        raise ArithmeticError("the operation changed its mind")

    def run_as_one_batch(self, *operations: Callable[[Transaction], Any]) -> list[Future[Any]]:
        """Let operations queue up behind one that waits, so that the writer takes them together."""
        started, release = threading.Event(), threading.Event()

        def hold(_transaction: Transaction) -> None:
            started.set()
            assert release.wait(10)

        with ThreadPoolExecutor(len(operations) + 1) as threads:
            held = threads.submit(self.writer.commit_and_wait, hold)
            assert started.wait(10)
            futures = []
            for waiting, operation in enumerate(operations, start=1):
                futures.append(threads.submit(self.writer.commit_and_wait, operation))
                while len(self.writer._queue) < waiting:
                    pass
            release.set()
            held.result(10)
        return futures


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    database = make_store(tmp_path)
    bench = Bench(database)
    yield bench
    bench.writer.close()
    database.close()


def test_what_is_answered_is_shown(bench: Bench) -> None:
    bench.writer.commit_and_wait(bench.add)

    assert [*bench.projection.current] == [0]
    assert [*bench.writer.commit_and_wait(bench.look)] == [0]


def test_operations_of_one_batch_see_each_other_in_order(bench: Bench) -> None:
    first, second, third = bench.run_as_one_batch(bench.add, bench.add, bench.look)

    assert (first.result(), second.result(), third.result()) == ((), (0,), (0, 1))
    assert [*bench.projection.current] == [0, 1]


def test_an_operation_that_fails_after_it_changed_the_value_is_forgotten_by_the_next_one(bench: Bench) -> None:
    failed, second, third = bench.run_as_one_batch(bench.add_then_fail, bench.add, bench.look)

    with pytest.raises(ArithmeticError):
        failed.result()
    assert (second.result(), third.result()) == ((), (0,))
    assert [*bench.projection.current] == [0]


def test_a_batch_that_could_not_be_committed_leaves_nothing_behind(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.writer.commit_and_wait(bench.add)
    journal = bench.writer._journal
    begin = journal.begin

    def begin_badly(connection: Connection, meanwhile: Callable[[], None]) -> Any:
        batch: Any = begin(connection, meanwhile)
        monkeypatch.setattr(batch, "write", lambda: 1 / 0)
        return batch

    monkeypatch.setattr(journal, "begin", begin_badly)
    with pytest.raises(Exception, match="could not commit"):
        bench.writer.commit_and_wait(bench.add)
    monkeypatch.setattr(journal, "begin", begin)

    assert [*bench.projection.current] == [0]
    assert [*bench.writer.commit_and_wait(bench.look)] == [0]


def append_only(transaction: Transaction) -> None:
    transaction.append(RecordType.OPERATOR_ACTION, concerns=[], detail="not told to the projection")


def test_what_another_writer_stored_is_seen_by_the_next_decision(bench: Bench) -> None:
    """Another broker, or an operator's command: the database is the truth."""
    bench.writer.commit_and_wait(append_only)

    assert [*bench.projection.current] == []
    assert [*bench.writer.commit_and_wait(bench.look)] == [0]
    assert [*bench.projection.current] == [0]


def test_what_another_writer_stored_is_shown_once_it_is_looked_for(bench: Bench) -> None:
    bench.writer.commit_and_wait(bench.add)
    bench.writer.commit_and_wait(append_only)
    assert [*bench.projection.current] == [0]

    assert [*bench.projection.load(bench.database)] == [0, 1]
    assert [*bench.projection.current] == [0, 1]


def test_an_operation_that_fails_shows_nothing_of_its_own_and_still_what_others_stored(bench: Bench) -> None:
    bench.writer.commit_and_wait(append_only)
    with pytest.raises(ArithmeticError):
        bench.writer.commit_and_wait(bench.add_then_fail)

    assert [*bench.projection.current] == [0]


def test_what_comes_late_never_turns_the_value_back(bench: Bench) -> None:
    bench.projection._publish(Seen((0, 5)))
    bench.projection._publish(Seen((0,)))

    assert [*bench.projection.current] == [0, 5]


def test_a_reader_that_looks_while_others_write_never_sees_the_value_go_back(bench: Bench) -> None:
    """The threads of a broker that follows another: one reads what is stored, the writer decides and publishes."""
    is_over = threading.Event()
    seen: list[int] = []

    def look_all_the_time() -> None:
        while not is_over.is_set():
            bench.projection.load(bench.database)
            seen.append(len(bench.projection.current))

    with ThreadPoolExecutor(1) as threads:
        looking = threads.submit(look_all_the_time)
        for _ in range(30):
            bench.writer.commit_and_wait(bench.add)
            bench.writer.commit_and_wait(append_only)
        is_over.set()
        looking.result(10)

    assert seen == sorted(seen)
    assert bench.projection.load(bench.database) == tuple(range(60))
