"""What one operation of a group commit is given, and the journal that the group commit writes along.

The journal is a port: the exchange's log implements it (`broker.audit.log`).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection

from broker.storage.announcements import News, Topic
from schemas.api import LoggedRecord
from schemas.codec import b64u_encode
from schemas.log.records import Record, RecordType


@dataclass(frozen=True, slots=True)
class PendingLeaf:
    """A leaf as its operation knows it. It stands at `index` if, and as soon as, the operation's batch is committed."""

    index: int
    record: Record
    salt: bytes

    @property
    def logged(self) -> LoggedRecord:
        """The record with its place in the log, as it travels."""
        return LoggedRecord.model_construct(index=self.index, record=self.record, salt=b64u_encode(self.salt))


class JournalBatch(Protocol):
    """The leaves of one batch, not committed yet."""

    @property
    def now(self) -> datetime:
        """The moment of the whole batch: whole seconds in UTC, never before that of any earlier leaf."""
        ...

    @property
    def size(self) -> int:
        """How many leaves the journal has, those of this batch included."""
        ...

    def append(self, record: Record) -> PendingLeaf:
        """Add a leaf over `record`, whose time is `now`."""
        ...

    def recall(self, index: int) -> PendingLeaf | None:
        """Return a leaf of this batch or of the past; nothing once its record has been erased."""
        ...

    def truncate(self, size: int) -> None:
        """Forget the leaves from index `size` on: their operation failed."""
        ...

    def write(self) -> None:
        """Write the leaves and the new head into the batch's transaction."""
        ...


class Journal(Protocol):
    """An append-only log that is part of every commit."""

    def begin(self, connection: Connection, meanwhile: Callable[[], None]) -> JournalBatch:
        """Start a batch inside the transaction of `connection`; call `meanwhile` first if that means to wait."""
        ...

    def publish(self, batch: Any) -> None:
        """Take over a batch of this journal whose COMMIT has returned; only now may its head be signed."""
        ...


@dataclass(slots=True)
class Transaction:
    """One operation's view of the batch it is part of.

    Read and write through `connection`, never commit it. What must be recorded, a refusal too, is returned; an
    exception takes back everything this operation wrote, its leaves included, and reaches its caller alone.
    """

    connection: Connection
    batch: JournalBatch
    hooks: list[Callable[[], None]] = field(default_factory=list)
    news: News = field(default_factory=News)

    @property
    def now(self) -> datetime:
        """The moment to judge by and the time of every leaf in this batch: whole seconds in UTC, never going back."""
        return self.batch.now

    def append(self, record_type: RecordType, *, concerns: Iterable[str], **members: Any) -> PendingLeaf:
        """Append a record to the log: `members` are those of `Record` for its type; version, time and class are added.

        `concerns` names the agencies whose auditors may read it.

        Raises:
            pydantic.ValidationError: the members are not those of the type.
        """
        return self.batch.append(
            Record(
                v=1,
                type=record_type,
                time=self.now,
                concerns=tuple(sorted(set(concerns))),
                **members,
            )
        )

    def recall(self, index: int) -> PendingLeaf | None:
        """Return the leaf at `index`, also one appended earlier in this batch; nothing once its record has been erased.

        Raises:
            LookupError: there is no such leaf.
        """
        return self.batch.recall(index)

    def after_commit(self, hook: Callable[[], None]) -> None:
        """Call `hook` once the batch is durable, on the event loop that asked for it, before the caller goes on."""
        self.hooks.append(hook)

    def announce_change(self, topic: Topic) -> None:
        """Let every other broker read anew what this operation changed, once the batch is durable."""
        self.news.topics.add(topic)

    def announce_item(self, agency: str) -> None:
        """Let every other broker wake who waits for an agency's inbox, once the batch is durable."""
        self.news.inboxes.add(agency)
