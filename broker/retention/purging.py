"""The exchange purges what has ended: a page at a time through the one writer, so that nobody waits for it.

A page is one operation of a group commit: message, inbox, quota and log change together or not at all, and whoever
kills the broker in between finds the rest due again. No leaf is written for it: what is gone shows in the log itself.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from broker.clock import Clock
from broker.retention.records import select_ended_records
from broker.retention.store import (
    Due,
    count_due,
    delete_message,
    delete_receipt,
    erase_records,
    select_ended_messages,
    select_ended_receipts,
)
from broker.routing.store import count_one_less
from broker.storage.engine import Database
from broker.storage.failpoints import failpoint
from broker.storage.group_commit import GroupCommitWriter
from broker.storage.transaction import Transaction

PAGE_ITEMS = 100
WRITE_AHEAD_LOG_KEPT = timedelta(hours=1)
"""How long bytes of what was deleted may stay in the write-ahead log before it is emptied."""


@dataclass(frozen=True, slots=True)
class Purged:
    """How much was purged."""

    messages: int = 0
    receipts: int = 0
    records: int = 0

    @property
    def total(self) -> int:
        """Return how much it was together."""
        return self.messages + self.receipts + self.records

    def __add__(self, other: "Purged") -> "Purged":
        """Return both together."""
        return Purged(self.messages + other.messages, self.receipts + other.receipts, self.records + other.records)


class Purger:
    """Removes what has ended; `purge` is for the event loop of a serving broker, `purge_and_wait` for a command."""

    def __init__(self, writer: GroupCommitWriter, database: Database, clock: Clock) -> None:
        self._writer = writer
        self._database = database
        self._clock = clock
        self._emptied_at: datetime | None = None

    async def purge(self) -> Purged:
        """Remove everything that has ended, then empty the write-ahead log if that is due."""
        purged = Purged()
        while (page := await self._writer.commit(purge_page)).total:
            purged += page
        await asyncio.to_thread(self._end_run, purged)
        return purged

    def purge_and_wait(self) -> Purged:
        """Do what `purge` does, from a thread without an event loop."""
        purged = Purged()
        while (page := self._writer.commit_and_wait(purge_page)).total:
            purged += page
        self._end_run(purged)
        return purged

    def _end_run(self, purged: Purged) -> None:
        now, metrics = self._clock.now(), self._writer.metrics
        metrics.count_purged("message", purged.messages)
        metrics.count_purged("receipt", purged.receipts)
        metrics.count_purged("record", purged.records)
        oldest = read_due(self._database, now).oldest
        metrics.purge_due_since.set(oldest.timestamp() if oldest is not None else 0)
        self._empty_write_ahead_log(now)

    def _empty_write_ahead_log(self, now: datetime) -> None:
        # A reader may hold it back: then it is tried again with the next sweep.
        if self._emptied_at is not None and now < self._emptied_at + WRITE_AHEAD_LOG_KEPT:
            return
        if self._database.empty_write_ahead_log():
            self._emptied_at = now


def read_due(database: Database, now: datetime) -> Due:
    """Return how much is due at a moment: what a run at that moment removes."""
    with database.read() as connection:
        return count_due(connection, now)


def purge_page(transaction: Transaction) -> Purged:
    """Remove one page of what has ended; nothing is left once it removes nothing."""
    connection, now = transaction.connection, transaction.now
    messages = select_ended_messages(connection, now, PAGE_ITEMS)
    for message in messages:
        if message.is_counted:
            day = (message.recipient, message.sender, message.agreement, message.accepted_at.toordinal())
            count_one_less(connection, day)
        delete_message(connection, message)
    receipts = select_ended_receipts(connection, now, PAGE_ITEMS)
    for receipt in receipts:
        delete_receipt(connection, receipt)
    records = select_ended_records(connection, now, PAGE_ITEMS)
    erase_records(connection, records)
    if messages or receipts or records:
        failpoint("purge.page-removed")
    return Purged(len(messages), len(receipts), len(records))
