"""Whether a database holds the log of the exchange whose folder names it: asked before anything is signed over it.

A folder copied from another exchange, a URL mistyped, a database of another epoch: any of them would let this broker's
keys sign a log that is not theirs, and two logs of one origin are two histories.
"""

from sqlalchemy import Connection

from broker.audit.errors import LogError
from broker.audit.log_store import select_head
from keys.errors import KeysError
from keys.log_keys import LogPublicKeys, verify_checkpoint
from schemas.codec import CodecError
from schemas.key_documents import ExchangeSheet


class ForeignLogError(LogError):
    """The database holds another log than the one that the sheet speaks of."""


def verify_own_log(connection: Connection, sheet: ExchangeSheet) -> None:
    """Verify that the stored log bears the sheet's origin and that the sheet's keys signed its stored checkpoint.

    Raises:
        LogMissingError: the database holds no log.
        ForeignLogError: it holds another one.
    """
    head = select_head(connection)
    if head.origin != sheet.origin:
        raise ForeignLogError(f"the database holds the log {head.origin}, this exchange's is {sheet.origin}")
    if head.checkpoint is None:
        return
    keys = LogPublicKeys(sheet.log_keys.ed25519.public_bytes, sheet.log_keys.ml_dsa.public_bytes)
    try:
        verify_checkpoint(head.checkpoint, sheet.origin, keys)
    except (KeysError, CodecError) as error:
        raise ForeignLogError(f"other keys signed the log {head.origin} in the database: {error}") from error
