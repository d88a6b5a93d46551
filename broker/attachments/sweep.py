"""What has come to its end goes: what was announced first, then its bytes, then bytes that nothing speaks of."""

import asyncio

from broker.attachments.contents import AttachmentContents
from broker.attachments.rules import UploadKey
from broker.attachments.store import delete_attachments, delete_ended, examine_page, find_upload, list_keys
from broker.attachments.turns import Turns
from broker.storage.engine import Database
from broker.storage.failpoints import failpoint
from broker.storage.group_commit import GroupCommitWriter
from broker.storage.transaction import Transaction

PAGE_ITEMS = 100
EXAMINED_ITEMS = 2_000
"""So many attachments does one sweep look at for messages that reached nobody; the next one goes on there."""


class AttachmentSweeper:
    """Removes ended attachments. A kill between row and file leaves a file that the next sweep finds."""

    def __init__(
        self, contents: AttachmentContents, writer: GroupCommitWriter, database: Database, turns: Turns
    ) -> None:
        self._contents = contents
        self._turns = turns
        self._writer = writer
        self._database = database
        self._examined: UploadKey | None = None

    async def sweep(self) -> int:
        """Remove everything that has ended; return how many files went."""
        while await self._writer.commit(_delete_page) == PAGE_ITEMS:
            pass
        reaching_nobody = await asyncio.to_thread(self._examine)
        if reaching_nobody:
            await self._writer.commit(lambda transaction: delete_attachments(transaction.connection, reaching_nobody))
        removed = 0
        for key in await asyncio.to_thread(self._find_orphans):
            if not self._turns.is_taken(key):  # who works on it now may keep it; the next sweep sees
                async with self._turns.take(key):
                    removed += await asyncio.to_thread(self._remove_orphan, key)
        if removed:
            self._writer.metrics.count_purged("attachment", removed)
        return removed

    def _examine(self) -> list[UploadKey]:
        with self._database.read() as connection:
            found, self._examined = examine_page(connection, self._examined, EXAMINED_ITEMS)
        return found

    def _find_orphans(self) -> list[UploadKey]:
        # Bytes first: what is made after this has a row already, which is read after it.
        stored = list(self._contents.list_keys())
        if not stored:
            return []
        with self._database.read() as connection:
            known: set[UploadKey] = list_keys(connection)
        return [key for key in stored if key not in known]

    def _remove_orphan(self, key: UploadKey) -> bool:
        """Remove a file unless it was announced again meanwhile: then its bytes are the ones of a message to come."""
        with self._database.read() as connection:
            if find_upload(connection, key) is not None:
                return False
        self._contents.remove(key)
        return True


def _delete_page(transaction: Transaction) -> int:
    ended = delete_ended(transaction.connection, transaction.now, PAGE_ITEMS)
    if ended:
        failpoint("attachments.page-forgotten")
    return len(ended)
