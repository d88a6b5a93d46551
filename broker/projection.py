"""A value in memory that follows the log: read without the database, and exact inside the writer's transaction.

The database is the truth. `current` is what the answered commits made of it, and may lag behind by a batch. `as_of` is
for decisions: it adds what a batch before has committed and what operations of this same batch have written; it forgets
what an operation wrote that failed later. So two steps that cross in one batch see each other.

Values are immutable and replaced as a whole; `as_of` and `replace` are for the writer's thread alone.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import Connection

from broker.storage.engine import Database
from broker.storage.transaction import JournalBatch, PendingLeaf, Transaction

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class _Draft(Generic[Value]):
    leaf: PendingLeaf
    value: Value


class Projection(Generic[Value]):
    """One projected value; `catch_up(connection, value)` returns it with everything added that is stored since."""

    def __init__(self, empty: Value, catch_up: Callable[[Connection, Value], Value]) -> None:
        self._current = empty
        self._catch_up = catch_up
        self._lock = threading.Lock()
        self._newest_published = -1
        self._batch: JournalBatch | None = None
        self._base = empty
        self._drafts: list[_Draft[Value]] = []

    @property
    def current(self) -> Value:
        """Return the value as of the last answered commit; for answers and for refusing early, not for decisions."""
        return self._current

    def load(self, database: Database) -> None:
        """Read everything stored; before the writer starts."""
        with database.read() as connection:
            self.read(connection)

    def read(self, connection: Connection) -> Value:
        """Read everything stored that this connection sees, and return the value; before the writer starts."""
        self._current = self._catch_up(connection, self._current)
        return self._current

    def as_of(self, transaction: Transaction) -> Value:
        """Return the value with everything that stands before this point of this transaction."""
        if self._batch is not transaction.batch:
            self._base = self._catch_up(transaction.connection, self._current)
            self._batch, self._drafts = transaction.batch, []
        while self._drafts and not _is_kept(transaction, self._drafts[-1].leaf):
            self._drafts.pop()
        return self._drafts[-1].value if self._drafts else self._base

    def replace(self, transaction: Transaction, leaf: PendingLeaf, value: Value) -> None:
        """Let `value` stand from `leaf` on, which this operation appended; it becomes `current` once it is durable."""
        self._drafts.append(_Draft(leaf, value))
        transaction.after_commit(lambda: self._publish(leaf.index, value))

    def _publish(self, index: int, value: Value) -> None:
        with self._lock:
            if index > self._newest_published:
                self._newest_published, self._current = index, value


def _is_kept(transaction: Transaction, leaf: PendingLeaf) -> bool:
    try:
        return transaction.recall(leaf.index) == leaf
    except LookupError:
        return False
