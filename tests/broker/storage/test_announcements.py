"""What a batch tells other brokers: what its kept operations did, once, inside its own transaction."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from broker.storage.announcements import (
    MAX_BYTES,
    Announcement,
    News,
    NobodyElse,
    Topic,
    read_announcement,
    write_announcement,
)
from broker.storage.errors import CommitFailedError
from broker.storage.group_commit import GroupCommitWriter, Operation
from broker.storage.transaction import Transaction
from schemas.log.records import RecordType
from tests.broker.ports import ManualClock, make_log, make_store

BROKER = "3f0f6d0a-7c57-4c2c-9d3a-0d2f9a4b1c77"
agencies = st.from_regex(r"[A-Z][A-Z0-9-]{1,31}", fullmatch=True)


@given(st.sets(st.sampled_from(Topic)), st.sets(agencies, max_size=40), st.integers(0, 2**40))
def test_what_is_written_is_read(topics: set[Topic], inboxes: set[str], size: int) -> None:
    read = read_announcement(write_announcement(BROKER, News(topics, inboxes), size))
    assert read is not None
    assert (read.broker, read.size, set(read.topics)) == (BROKER, size, topics)
    assert set(read.inboxes or ()) == inboxes


def test_more_inboxes_than_fit_go_unnamed_and_so_mean_all() -> None:
    many = {f"{'A' * 28}{number:04}" for number in range(1000)}
    text = write_announcement(BROKER, News({Topic.KEYS}, many), 7)
    assert len(text) <= MAX_BYTES
    assert read_announcement(text) == Announcement(v=1, broker=BROKER, size=7, topics=(Topic.KEYS,), inboxes=None)


def test_as_many_inboxes_as_an_exchange_of_two_hundred_agencies_has_are_named() -> None:
    many = {f"{'A' * 28}{number:04}" for number in range(200)}
    read = read_announcement(write_announcement(BROKER, News(set(), many), 7))
    assert read is not None
    assert set(read.inboxes or ()) == many


@given(st.text(max_size=200) | st.just("*") | st.just('{"v":1}') | st.just("[" * 10_000))
def test_what_is_of_another_form_is_not_taken_for_an_announcement(text: str) -> None:
    assert read_announcement(text) is None


class Noticeboard(NobodyElse):
    """Keeps what was announced, and at which size of the log."""

    def __init__(self) -> None:
        self.doubts = 0
        self.posted: list[tuple[News, int]] = []

    def announce(self, connection: Connection, news: News, size: int) -> None:
        assert connection.in_transaction()
        self.posted.append((news, size))

    def doubt(self) -> None:
        self.doubts += 1


def put_item(agency: str, *, fails: bool = False) -> Operation[None]:
    def operation(transaction: Transaction) -> None:
        transaction.append(RecordType.OPERATOR_ACTION, concerns=[], detail=agency)
        transaction.announce_item(agency)
        transaction.announce_change(Topic.KEYS if agency == "GB" else Topic.AGREEMENTS)
        if fails:
            raise ArithmeticError(agency)

    return operation


def test_a_batch_announces_once_what_its_kept_operations_did(tmp_path: Path) -> None:
    database, board = make_store(tmp_path), Noticeboard()
    writer = GroupCommitWriter(database, make_log(database, ManualClock()), announcing=board)
    held, release = threading.Event(), threading.Event()

    def hold(_transaction: Transaction) -> None:
        held.set()
        assert release.wait(10)

    writer.start()
    with ThreadPoolExecutor(5) as threads:
        first = threads.submit(writer.commit_and_wait, hold)
        assert held.wait(10)
        operations = [put_item("GB"), put_item("VN"), put_item("GB"), put_item("BE", fails=True)]
        futures = [threads.submit(writer.commit_and_wait, operation) for operation in operations]
        while len(writer._queue) < len(operations):
            pass
        release.set()
        first.result(10)
        with pytest.raises(ArithmeticError):
            futures[-1].result(10)
    writer.close()

    assert board.posted == [(News({Topic.KEYS, Topic.AGREEMENTS}, {"GB", "VN"}), 3)]


def test_a_log_that_grew_without_news_is_told_of_and_a_batch_without_a_leaf_is_not(tmp_path: Path) -> None:
    database, board = make_store(tmp_path), Noticeboard()
    writer = GroupCommitWriter(database, make_log(database, ManualClock()), announcing=board)
    writer.start()
    writer.commit_and_wait(lambda _transaction: None)
    writer.commit_and_wait(lambda transaction: transaction.append(RecordType.OPERATOR_ACTION, concerns=[], detail="x"))
    writer.close()
    assert board.posted == [(News(), 1)]


def test_a_batch_that_cannot_be_announced_is_not_committed(tmp_path: Path) -> None:
    """Nobody would hear of it: as little as of a batch that was never made."""

    class Broken(Noticeboard):
        def announce(self, connection: Connection, news: News, size: int) -> None:
            raise OSError("the connection is gone")

    database = make_store(tmp_path)
    log = make_log(database, ManualClock())
    board = Broken()
    writer = GroupCommitWriter(database, log, announcing=board)
    writer.start()
    with pytest.raises(CommitFailedError):
        writer.commit_and_wait(put_item("GB"))
    writer.close()
    assert (log.view.size, board.doubts) == (0, 1)
