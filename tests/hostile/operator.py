"""What the enemy holds: the opened broker with its log keys and tables, and a clock it may set."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import text

from broker.audit.log import LogBatch, read_leaf
from broker.audit.log_view import LogView
from broker.clock import SystemClock
from broker.composition import Broker
from broker.storage.transaction import PendingLeaf, Transaction
from keys.generation import generate_salt
from keys.log_keys import LogSigner, sign_checkpoint
from schemas.api import LoggedRecord
from schemas.codec import b64u_decode
from schemas.log.checkpoint import Checkpoint
from schemas.log.records import Record, RecordType

T = TypeVar("T")


@dataclass
class HostileClock:
    """The broker's clock, ahead by as much as it is told."""

    ahead: timedelta = field(default_factory=timedelta)

    def now(self) -> datetime:
        """Return the moved time."""
        return SystemClock().now() + self.ahead


@dataclass
class HostileOperator:
    """The broker's owner, who is the enemy."""

    broker: Broker
    clock: HostileClock

    @property
    def view(self) -> LogView:
        """The true log as of its newest signed head."""
        return self.broker.log.view

    @property
    def origin(self) -> str:
        """The origin of the true log."""
        return self.broker.exchange.sheet.origin

    def sign(self, size: int, root: bytes, *, origin: str = "", signer: LogSigner | None = None) -> str:
        """Return the signed note of any tree at all, under the true log keys unless others are given."""
        checkpoint = Checkpoint(origin or self.origin, size, root)
        return sign_checkpoint(checkpoint, signer or self.broker.exchange.log_signer).decode()

    async def commit(self, operation: Callable[[Transaction], T]) -> T:
        """Run an operation inside the true broker's next group commit."""
        return await self.broker.writer.commit(operation)

    async def append(
        self, record_type: RecordType, concerns: Iterable[str], *, time: datetime | None = None, **members: Any
    ) -> LoggedRecord:
        """Write any record into the true log, under any time; nothing else is told of it."""

        def write(transaction: Transaction) -> LoggedRecord:
            batch = transaction.batch
            assert isinstance(batch, LogBatch)
            who = tuple(sorted(set(concerns)))
            record = Record(v=1, type=record_type, time=time or transaction.now, concerns=who, **members)
            leaf = PendingLeaf(batch.size, record, b64u_decode(generate_salt()))
            batch._leaves.append((leaf, record.canonical()))
            return leaf.logged

        logged = await self.commit(write)
        # The broker's own services read the log by type, and would believe or stumble over what is made up.
        await self.execute("UPDATE log_leaf SET record_type = 'made-up' WHERE leaf_index = :index", index=logged.index)
        return logged

    def recall(self, index: int) -> LoggedRecord:
        """Return a leaf of the true log with its record."""
        with self.broker.database.read() as connection:
            leaf = read_leaf(connection, index)
        assert leaf is not None
        return LoggedRecord.from_canonical(leaf.logged.canonical())

    async def execute(self, statement: str, **values: Any) -> None:
        """Change the broker's tables behind its services' back."""
        await self.commit(lambda transaction: transaction.connection.execute(text(statement), values))

    def select(self, statement: str, **values: Any) -> list[Any]:
        """Read the broker's tables."""
        with self.broker.database.read() as connection:
            return list(connection.execute(text(statement), values))
