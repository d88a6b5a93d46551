"""The inbox keeps its promises though nobody collects: deadlines, suspensions and revocations are seen to in time."""

import asyncio
from functools import partial

import structlog

from broker.attachments.sweep import AttachmentSweeper
from broker.audit.standing import ExchangeStoppedError
from broker.inbox.delivery import PAGE_ITEMS, Inboxes
from broker.inbox.rules import Fate, ItemState, Verdict
from broker.inbox.store import select_agreements, select_overdue
from broker.retention.purging import Purger
from broker.storage.engine import Database
from broker.storage.errors import StoreError
from broker.storage.group_commit import GroupCommitWriter
from broker.storage.transaction import Transaction

SWEEP_SECONDS = 30

_log = structlog.get_logger(__name__)
_Due = list[tuple[str, ItemState]]


class Sweeper:
    """Judges what is under way, every `SWEEP_SECONDS` and whenever asked to; in small steps, so that nobody waits."""

    def __init__(
        self,
        inboxes: Inboxes,
        writer: GroupCommitWriter,
        database: Database,
        purger: Purger,
        attachments: AttachmentSweeper,
    ) -> None:
        self._inboxes = inboxes
        self._purger = purger
        self._attachments = attachments
        self._writer = writer
        self._database = database
        self._is_asked = asyncio.Event()

    def ask(self) -> None:
        """Sweep soon: an agreement has changed. For the event loop's thread."""
        self._is_asked.set()

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            try:
                async with asyncio.timeout(SWEEP_SECONDS):
                    await self._is_asked.wait()
            except TimeoutError:
                pass
            self._is_asked.clear()
            try:
                await self.sweep()
            except (StoreError, ExchangeStoppedError) as error:
                _log.warning("sweep-postponed", reason=str(error))
            except Exception as error:  # noqa: BLE001 - whatever it was, deadlines and suspensions must still be seen to
                _log.error("sweep-failed", exc_info=error)

    async def sweep(self) -> None:
        """Expire what is overdue, hold, release or return what its agreement says so of, and remove what has ended."""
        while await self._writer.commit(self._expire_page) == PAGE_ITEMS:
            pass
        for digest, state in await self._writer.commit(partial(self._find_due, await self._list_agreements())):
            after: int | None = -1
            while after is not None:
                after = await self._writer.commit(partial(self._review_page, digest, state, after))
        await self._attachments.sweep()
        await self._purger.purge()

    async def _list_agreements(self) -> _Due:
        def read() -> _Due:
            with self._database.read() as connection:
                return select_agreements(connection)

        return await asyncio.to_thread(read)

    def _expire_page(self, transaction: Transaction) -> int:
        overdue = select_overdue(transaction.connection, transaction.now, PAGE_ITEMS)
        for item in overdue:
            self._inboxes.apply(transaction, item, Verdict(Fate.EXPIRE))
        return len(overdue)

    def _find_due(self, agreements: _Due, transaction: Transaction) -> _Due:
        standings = self._inboxes.find_standings(transaction)
        return [
            (digest, state)
            for digest, state in agreements
            if (
                not standings.find(digest).is_holding
                if state is ItemState.HELD
                else not standings.find(digest).is_plain
            )
        ]

    def _review_page(self, digest: str, state: ItemState, after: int, transaction: Transaction) -> int | None:
        standings = self._inboxes.find_standings(transaction)
        return self._inboxes.review(transaction, standings, digest, state, after=after)
