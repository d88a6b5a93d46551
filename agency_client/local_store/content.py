"""The plain content of messages (M, exact bytes), each encrypted under a key of its own, sent ones and received ones.

Plaintext leaves this module in one way: `read_content`, which commits an access-log entry first. Erasure destroys the
key and M and leaves a mark, so that a message delivered again is not kept again.

What erasure is worth: the key lay in the same encrypted store; its page is overwritten and the write-ahead log emptied,
but whoever holds the store's key and an older copy of the file (a backup) can still read. Backups have an end of their
own.
"""

from dataclasses import dataclass
from datetime import datetime

from agency_client.errors import ConflictError, NotFoundError
from agency_client.local_store.access_log import AccessNote, append_entry
from agency_client.local_store.engine import Columns, Row, Snapshot, Store, Transaction, read_moment
from keys.container import open_with_key, seal_with_key

_PURPOSE = "message-content"


@dataclass(frozen=True, slots=True)
class Erasure:
    """When and why a message's content was destroyed."""

    digest: str
    erased_at: datetime
    reason: str


def keep_content(
    transaction: Transaction,
    digest: str,
    plaintext: bytes,
    *,
    key: bytes,
    nonce: bytes,
    at: datetime,
    retain_until: datetime | None,
) -> None:
    """Keep the content of the message with this envelope digest; `key` is 32 and `nonce` 12 fresh random bytes.

    Raises:
        ConflictError: it was erased before, and what was erased does not come back.
    """
    if find_erasure(transaction, digest) is not None:
        raise ConflictError("the content of this message was erased; it is not kept again", code="content-erased")
    sealed = seal_with_key(plaintext, key, nonce=nonce, purpose=_PURPOSE)
    row: Columns = {"digest": digest, "sealed": sealed, "kept_at": at, "retain_until": retain_until}
    if transaction.insert("content", row, if_absent=True):
        transaction.insert("content_key", {"digest": digest, "key": key})


def read_content(store: Store, digest: str, note: AccessNote) -> bytes:
    """Return a message's content after the access-log entry that says who reads it and why is on disk.

    Raises:
        NotFoundError: it was never opened here, or it was erased. No entry is written then.
    """
    with store.write() as transaction:
        row = _demand_content(transaction, digest)
        append_entry(transaction, note)
    return open_with_key(row["sealed"], row["key"], purpose=_PURPOSE)


def erase_content(transaction: Transaction, digest: str, note: AccessNote) -> bool:
    """Destroy key and content, and what lists show of it; return whether anything was left to destroy.

    Call `Store.truncate_wal` after the commit.
    """
    transaction.execute("DELETE FROM content_key WHERE digest = ?", digest)
    erased = transaction.execute("DELETE FROM content WHERE digest = ?", digest)
    transaction.execute("UPDATE sent_message SET summary = NULL WHERE digest = ?", digest)
    transaction.execute(
        "UPDATE inbox_message SET summary = NULL, envelope = NULL, erased_at = coalesce(erased_at, ?) WHERE digest = ?",
        note.time,
        digest,
    )
    erasure: Columns = {"digest": digest, "erased_at": note.time, "reason": note.reason}
    transaction.insert("content_erasure", erasure, if_absent=True)
    append_entry(transaction, note)
    return erased == 1


def has_content(snapshot: Snapshot, digest: str) -> bool:
    """Tell whether a message's content is kept here."""
    return snapshot.fetch_one("SELECT 1 FROM content WHERE digest = ?", digest) is not None


def find_erasure(snapshot: Snapshot, digest: str) -> Erasure | None:
    """Return when and why a message's content was erased."""
    row = snapshot.fetch_one("SELECT digest, erased_at, reason FROM content_erasure WHERE digest = ?", digest)
    return None if row is None else Erasure(row["digest"], read_moment(row["erased_at"]), row["reason"])


def list_overdue_content(snapshot: Snapshot, *, now: datetime, limit: int = 500) -> list[str]:
    """Return the digests of messages whose retention has ended."""
    rows = snapshot.fetch_all(
        "SELECT digest FROM content WHERE retain_until <= ? ORDER BY retain_until, digest LIMIT ?", now, limit
    )
    return [row["digest"] for row in rows]


def limit_retention(transaction: Transaction, digest: str, until: datetime) -> None:
    """Bring the end of a message's retention forward; it is never put off here."""
    transaction.execute(
        "UPDATE content SET retain_until = ?1 WHERE digest = ?2 AND (retain_until IS NULL OR retain_until > ?1)",
        until,
        digest,
    )


def _demand_content(snapshot: Snapshot, digest: str) -> Row:
    row = snapshot.fetch_one("SELECT sealed, key FROM content JOIN content_key USING (digest) WHERE digest = ?", digest)
    if row is not None:
        return row
    erasure = find_erasure(snapshot, digest)
    if erasure is not None:
        raise NotFoundError(
            f"the content was erased on {erasure.erased_at:%Y-%m-%d}: {erasure.reason}", code="content-erased"
        )
    raise NotFoundError("the content of this message is not here: it has not been opened", fix="run: agency sync")
