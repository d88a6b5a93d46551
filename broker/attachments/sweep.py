"""What has come to its end goes: rows first, then files, then files that no row speaks of."""

import asyncio

from broker.attachments.files import AttachmentFiles
from broker.attachments.rules import UploadKey
from broker.attachments.store import delete_ended, list_keys
from broker.storage.engine import Database
from broker.storage.failpoints import failpoint
from broker.storage.group_commit import GroupCommitWriter
from broker.storage.transaction import Transaction

PAGE_ITEMS = 100


class AttachmentSweeper:
    """Removes ended attachments. A kill between row and file leaves a file that the next sweep finds."""

    def __init__(self, files: AttachmentFiles, writer: GroupCommitWriter, database: Database) -> None:
        self._files = files
        self._writer = writer
        self._database = database

    async def sweep(self) -> int:
        """Remove everything that has ended; return how many files went."""
        while await self._writer.commit(_delete_page) == PAGE_ITEMS:
            pass
        removed = await asyncio.to_thread(self._remove_orphans)
        if removed:
            self._writer.metrics.count_purged("attachment", removed)
        return removed

    def _remove_orphans(self) -> int:
        # Files first: one that is made after this has a row already, which is read after it.
        stored = list(self._files.list_keys())
        if not stored:
            return 0
        with self._database.read() as connection:
            known: set[UploadKey] = list_keys(connection)
        orphans = [key for key in stored if key not in known]
        for key in orphans:
            self._files.remove(key)
        return len(orphans)


def _delete_page(transaction: Transaction) -> int:
    ended = delete_ended(transaction.connection, transaction.now, PAGE_ITEMS)
    if ended:
        failpoint("attachments.page-forgotten")
    return len(ended)
