"""What has come to its end goes: what was announced first, then its bytes, then bytes that nothing speaks of.

The last are what a kill, or somebody at work, has left between the two. They are looked for a page at a time, so that a
sweep costs the same however much is stored.
"""

import asyncio
from collections.abc import Iterable

from broker.attachments.contents import AttachmentContents
from broker.attachments.rules import UploadKey
from broker.attachments.store import delete_attachments, delete_ended, examine_page, find_upload, list_known
from broker.attachments.turns import Turns
from broker.storage.engine import Database
from broker.storage.failpoints import failpoint
from broker.storage.group_commit import GroupCommitWriter
from broker.storage.transaction import Transaction

PAGE_ITEMS = 100
EXAMINED_ITEMS = 2_000
"""So many attachments does one sweep look at for messages that reached nobody, and so many stored for an announcement;
the next one goes on there."""


class AttachmentSweeper:
    """Removes ended attachments. A kill between row and file leaves a file that a later sweep finds."""

    def __init__(
        self, contents: AttachmentContents, writer: GroupCommitWriter, database: Database, turns: Turns
    ) -> None:
        self._contents = contents
        self._turns = turns
        self._writer = writer
        self._database = database
        self._examined: UploadKey | None = None
        self._compared: UploadKey | None = None

    async def sweep(self) -> int:
        """Remove everything that has ended, and some of what nothing speaks of; return how many attachments went."""
        removed = 0
        while ended := await self._writer.commit(_delete_page):
            removed += await self._remove(ended)
        reaching_nobody = await asyncio.to_thread(self._examine)
        if reaching_nobody:
            await self._writer.commit(lambda transaction: delete_attachments(transaction.connection, reaching_nobody))
            removed += await self._remove(reaching_nobody)
        removed += await self._remove(await asyncio.to_thread(self._find_orphans))
        if removed:
            self._writer.metrics.count_purged("attachment", removed)
        return removed

    async def _remove(self, keys: Iterable[UploadKey]) -> int:
        """Remove the bytes that nothing speaks of any more; return of how many."""
        removed = 0
        for key in keys:
            if not self._turns.is_taken(key):  # who works on it now may keep it; a later sweep sees
                async with self._turns.take(key):
                    removed += await asyncio.to_thread(self._remove_orphan, key)
        return removed

    def _examine(self) -> list[UploadKey]:
        with self._database.read() as connection:
            found, self._examined = examine_page(connection, self._examined, EXAMINED_ITEMS)
        return found

    def _find_orphans(self) -> list[UploadKey]:
        # Bytes first: what is made after this has a row already, which is read after it.
        stored = self._contents.list_page(self._compared, EXAMINED_ITEMS)
        self._compared = stored[-1] if len(stored) == EXAMINED_ITEMS else None
        if not stored:
            return []
        with self._database.read() as connection:
            known = list_known(connection, stored)
        return [key for key in stored if key not in known]

    def _remove_orphan(self, key: UploadKey) -> bool:
        """Remove a file unless it was announced again meanwhile: then its bytes are the ones of a message to come."""
        with self._database.read() as connection:
            if find_upload(connection, key) is not None:
                return False
        self._contents.remove(key)
        return True


def _delete_page(transaction: Transaction) -> list[UploadKey]:
    ended = delete_ended(transaction.connection, transaction.now, PAGE_ITEMS)
    if ended:
        failpoint("attachments.page-forgotten")
    return ended
