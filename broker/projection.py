"""A value in memory that follows the log: read without the database, and exact inside the writer's transaction.

The database is the truth. `current` is what commits have made of it, here and as far as was looked elsewhere, and may
lag behind. `as_of` is for decisions: it adds what any broker has committed before and what operations of this same
batch have written; it forgets what an operation wrote that failed later. So two steps that cross see each other, in
one batch as at two brokers.

Values are immutable, replaced as a whole, and `current` never goes back: each says up to which leaf it was read.
`as_of` and `replace` are for the writer's thread alone, the others for any.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from sqlalchemy import Connection

from broker.storage.engine import Database
from broker.storage.transaction import JournalBatch, PendingLeaf, Transaction


class Projected(Protocol):
    """A value that says how far it was read."""

    @property
    def last_index(self) -> int:
        """Return the leaf of the newest thing in here, -1 when there is none."""
        ...


Value = TypeVar("Value", bound=Projected)


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
        self._batch: JournalBatch | None = None
        self._base = empty
        self._drafts: list[_Draft[Value]] = []

    @property
    def current(self) -> Value:
        """Return the value as of the newest commit known here; for answers and for refusing early, not to decide."""
        return self._current

    def load(self, database: Database) -> Value:
        """Read what is stored since, by whichever broker, and return the value."""
        with database.read() as connection:
            return self.read(connection)

    def read(self, connection: Connection) -> Value:
        """Read what is stored since, as far as this connection sees, and return the value."""
        self._publish(self._catch_up(connection, self._current))
        return self._current

    def as_of(self, transaction: Transaction) -> Value:
        """Return the value with everything that stands before this point of this transaction."""
        if self._batch is not transaction.batch:
            # Nobody changes this value without asking for it first, so what is read here was committed before.
            self._base = self._catch_up(transaction.connection, self._current)
            self._batch, self._drafts = transaction.batch, []
            self._publish(self._base)
        while self._drafts and not _is_kept(transaction, self._drafts[-1].leaf):
            self._drafts.pop()
        return self._drafts[-1].value if self._drafts else self._base

    def replace(self, transaction: Transaction, leaf: PendingLeaf, value: Value) -> None:
        """Let `value` stand from `leaf` on, which this operation appended; it becomes `current` once it is durable."""
        self._drafts.append(_Draft(leaf, value))
        transaction.after_commit(lambda: self._publish(value))

    def _publish(self, value: Value) -> None:
        with self._lock:
            if value.last_index > self._current.last_index:
                self._current = value


def _is_kept(transaction: Transaction, leaf: PendingLeaf) -> bool:
    try:
        return transaction.recall(leaf.index) == leaf
    except LookupError:
        return False
