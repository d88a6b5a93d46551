"""Where an exchange keeps the bytes of attachments: in its folder, or in the database that it shares."""

from collections.abc import Iterator
from contextlib import contextmanager

from broker.attachments.contents import AttachmentContents
from broker.attachments.files import AttachmentFiles
from broker.attachments.pieces import AttachmentPieces
from broker.database import open_exchange_database
from broker.exchange import ExchangeFolder
from schemas.key_documents import ExchangeSheet

_SESSIONS = 4
"""Of each kind: requests that write or read at the same time wait for one."""


@contextmanager
def open_contents(
    folder: ExchangeFolder, sheet: ExchangeSheet, *, max_bytes: int = 0, requires_standby: bool = False
) -> Iterator[AttachmentContents]:
    """Lend the bytes of an exchange's attachments; a shared database keeps at most `max_bytes` (0: who only reads).

    Raises:
        DatabaseUrlError: the file that says where the database is cannot be used.
    """
    if not folder.database_url.exists():
        yield AttachmentFiles(folder.attachments)
        return
    database = open_exchange_database(folder, sheet, requires_standby=requires_standby, beside=_SESSIONS)
    try:
        yield AttachmentPieces(database, max_bytes)
    finally:
        database.close()
