"""A store of notes for the tests of the group commit: the real log with real keys is the journal."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table, text

from broker.storage.group_commit import GroupCommitWriter
from broker.storage.transaction import PendingLeaf, Transaction
from schemas.log.records import RecordType
from tests.broker.ports import ManualClock, make_log, make_store

_TABLES = MetaData()
Table("note", _TABLES, Column("id", Integer, primary_key=True), Column("body", String, nullable=False))
Table("reply", _TABLES, Column("note", ForeignKey("note.id", deferrable=True, initially="DEFERRED")))


class Store:
    """A database with a log, a writer over both, and a table of notes."""

    occupied: asyncio.Future[None]
    """What `occupy` keeps the writer busy with."""

    def __init__(self, folder: Path, *, max_waiting: int = 4096, max_batch: int = 256) -> None:
        self.database = make_store(folder)
        with self.database.writing.begin() as connection:
            _TABLES.create_all(connection)
        self.log = make_log(self.database, ManualClock())
        self.writer = GroupCommitWriter(self.database, self.log, max_waiting=max_waiting, max_batch=max_batch)
        self.writer.start()

    def notes(self) -> list[str]:
        """Return the notes that are stored."""
        with self.database.read() as connection:
            return list(connection.execute(text("SELECT body FROM note ORDER BY id")).scalars())

    def batches(self) -> int:
        """Say how many batches there were."""
        return int(self.writer.metrics.registry.get_sample_value("bilateral_batch_operations_count") or 0)

    def close(self) -> None:
        """End the writer, then the database."""
        self.writer.close()
        self.database.close()


def write_note(body: str) -> Callable[[Transaction], PendingLeaf]:
    """Return an operation that stores a note and appends a leaf about it."""

    def operation(transaction: Transaction) -> PendingLeaf:
        transaction.connection.execute(text("INSERT INTO note (body) VALUES (:body)"), {"body": body})
        return transaction.append(RecordType.OPERATOR_ACTION, concerns=(), detail=body)

    return operation


def write_note_and_fail(transaction: Transaction) -> None:
    """Fail after having written."""
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

    store.occupied = asyncio.ensure_future(store.writer.commit(wait))
    await asyncio.to_thread(inside.wait, 10)
    return release


async def commit_together(store: Store, *operations: Callable[[Transaction], object]) -> list[object]:
    """Have operations done in one batch, as far as it takes them; return their results and errors."""
    release = await occupy(store)
    tasks = [asyncio.ensure_future(store.writer.commit(operation)) for operation in operations]
    await asyncio.sleep(0)
    release.set()
    return list(await asyncio.gather(*tasks, return_exceptions=True))
