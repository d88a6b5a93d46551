"""The plain content of messages (M, exact bytes), each encrypted under a key of its own, sent ones and received ones.

What is for safeguarding officers alone has its key sealed once more, under one that this store does not hold; whoever
asks for it without that is refused, on record.

Plaintext leaves this module in one way: `read_content`, which commits an access-log entry first. Erasure destroys the
key and M and leaves a mark, so that a message delivered again is not kept again.

What erasure is worth: the key lay in the same encrypted store; its page is overwritten and the write-ahead log emptied,
but whoever holds the store's key and an older copy of the file (a backup) can still read. Backups have an end of their
own.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from agency_client.errors import ConflictError, DeniedError, NotFoundError
from agency_client.local_store.access_log import AccessNote, append_entry
from agency_client.local_store.compartment import keep_summary
from agency_client.local_store.engine import Columns, Row, Snapshot, Store, Transaction, read_moment, spell_list
from agency_client.local_store.restored import demand_not_restored
from keys.container import open_with_key, seal_with_key

_PURPOSE = "message-content"
_KEY_PURPOSE = "safeguarding-content-key"

TERM_ENDED = "retention-ended"


class CompartmentLockedError(DeniedError):
    """The message is for the safeguarding officers, and this officer is none, or has not unlocked the compartment."""

    default_code = "compartment-locked"

    def __init__(self, sentence: str = "confidential: the message is for the safeguarding officers alone") -> None:
        super().__init__(sentence, fix="a safeguarding officer runs: agency safeguarding unlock")


@dataclass(frozen=True, slots=True)
class KeyWrapping:
    """What seals the key of one content: the compartment's key, 32 bytes, and 12 fresh random bytes."""

    key: bytes = field(repr=False)
    nonce: bytes


@dataclass(frozen=True, slots=True)
class Erasure:
    """When and why a message's content was destroyed; `code` is what its sender is told."""

    digest: str
    erased_at: datetime
    reason: str
    code: str = TERM_ENDED


@dataclass(frozen=True, slots=True)
class ContentEnd:
    """A message of which something is kept that ends; `direction` is `in` or `out`, `partner` the other agency."""

    digest: str
    direction: str
    message_id: str
    partner: str
    ends_at: datetime


def keep_content(
    transaction: Transaction,
    digest: str,
    plaintext: bytes,
    *,
    key: bytes,
    nonce: bytes,
    at: datetime,
    retain_until: datetime | None,
    wrapping: KeyWrapping | None = None,
    summary: bytes = b"",
) -> None:
    """Keep the content of the message with this envelope digest; `key` is 32 and `nonce` 12 fresh random bytes.

    With `wrapping` the key is sealed for the safeguarding compartment, and `summary` (sealed for it as well) kept.

    Raises:
        ConflictError: it was erased before, and what was erased does not come back.
    """
    if find_erasure(transaction, digest) is not None:
        raise ConflictError("the content of this message was erased; it is not kept again", code="content-erased")
    sealed = seal_with_key(plaintext, key, nonce=nonce, purpose=_PURPOSE)
    row: Columns = {"digest": digest, "sealed": sealed, "kept_at": at, "retain_until": retain_until}
    if not transaction.insert("content", row, if_absent=True):
        return
    if wrapping is None:
        transaction.insert("content_key", {"digest": digest, "key": key})
    else:
        sealed_key = seal_with_key(key, wrapping.key, nonce=wrapping.nonce, purpose=_KEY_PURPOSE)
        keep_summary(transaction, digest, sealed_key, summary)


def read_content(store: Store, digest: str, note: AccessNote, *, compartment_key: bytes | None = None) -> bytes:
    """Return a message's content after the access-log entry that says who reads it and why is on disk.

    `compartment_key` is the content key of the unlocked compartment, None for everybody else.

    Raises:
        NotFoundError: it was never opened here, or it was erased. No entry is written then.
        CompartmentLockedError: it lies in the compartment, and this is not its key; the attempt is in the log.
        RestoredNodeError: the store came out of a backup, and what was erased since is not erased again yet.
    """
    with store.write() as transaction:
        demand_not_restored(transaction, "erasures")
        row = _demand_content(transaction, digest)
        is_locked = row["key"] is None and compartment_key is None
        append_entry(transaction, replace(note, outcome="denied") if is_locked else note)
    if is_locked:
        raise CompartmentLockedError
    return open_with_key(row["sealed"], _open_key(row, compartment_key), purpose=_PURPOSE)


def erase_content(transaction: Transaction, digest: str, note: AccessNote, *, code: str = TERM_ENDED) -> bool:
    """Destroy key and content, and what lists show of it; return whether anything was left to destroy.

    `code` says why in the receipt to the sender. Call `Store.truncate_wal` after the commit.
    """
    transaction.execute("DELETE FROM content_key WHERE digest = ?", digest)
    transaction.execute("DELETE FROM compartment_content WHERE digest = ?", digest)
    sealed = transaction.execute("DELETE FROM sealed_message WHERE digest = ?", digest)
    erased = transaction.execute("DELETE FROM content WHERE digest = ?", digest)
    transaction.execute("UPDATE sent_message SET summary = NULL WHERE digest = ?", digest)
    transaction.execute(
        "UPDATE inbox_message SET summary = NULL, envelope = NULL, erased_at = coalesce(erased_at, ?) WHERE digest = ?",
        note.time,
        digest,
    )
    erasure: Columns = {"digest": digest, "erased_at": note.time, "reason": note.reason, "code": code}
    if transaction.insert("content_erasure", erasure, if_absent=True):
        transaction.insert("erasure_to_note", {"digest": digest}, if_absent=True)
    append_entry(transaction, note)
    return erased + sealed > 0


def has_content(snapshot: Snapshot, digest: str) -> bool:
    """Tell whether a message's content is kept here, opened or still sealed for the safeguarding officers."""
    found = snapshot.fetch_one(
        "SELECT 1 FROM content WHERE digest = ?1 UNION ALL SELECT 1 FROM sealed_message WHERE digest = ?1", digest
    )
    return found is not None


def find_erasure(snapshot: Snapshot, digest: str) -> Erasure | None:
    """Return when and why a message's content was erased."""
    row = snapshot.fetch_one("SELECT digest, erased_at, reason, code FROM content_erasure WHERE digest = ?", digest)
    return None if row is None else Erasure(row["digest"], read_moment(row["erased_at"]), row["reason"], row["code"])


def list_erasures_to_note(snapshot: Snapshot, *, limit: int = 1000) -> list[Erasure]:
    """Return the erasures that are not yet written down outside the store."""
    rows = snapshot.fetch_all(
        "SELECT digest, erased_at, reason, code FROM erasure_to_note JOIN content_erasure USING (digest)"
        " ORDER BY erased_at, digest LIMIT ?",
        limit,
    )
    return [Erasure(row["digest"], read_moment(row["erased_at"]), row["reason"], row["code"]) for row in rows]


def mark_erasures_noted(transaction: Transaction, digests: Iterable[str]) -> None:
    """Record that erasures are written down outside the store."""
    transaction.execute(
        "DELETE FROM erasure_to_note WHERE digest IN (SELECT value FROM json_each(?))", spell_list(digests)
    )


def list_content_ends(
    snapshot: Snapshot, *, until: datetime, limit: int = 500, kept: Iterable[str] = (), is_kept: bool = False
) -> list[ContentEnd]:
    """Return whose content is kept and ends by `until`, what ends first; without a term of its own, by its evidence.

    `kept` are the digests that must not end yet: left out, or with `is_kept` they alone are given.
    """
    rows = snapshot.fetch_all(
        "SELECT digest, iif(inbox_message.digest IS NULL, 'out', 'in'),"
        " coalesce(inbox_message.message_id, sent_message.message_id, ''),"
        " coalesce(inbox_message.sender, (SELECT recipient FROM sent_delivery"
        "   WHERE sent_delivery.message_id = sent_message.message_id), ''), found.ends_at"
        " FROM (SELECT digest, retain_until AS ends_at FROM content WHERE retain_until <= ?1 UNION ALL"
        "   SELECT digest, retain_until FROM sealed_message WHERE retain_until <= ?1 UNION ALL"
        "   SELECT digest, evidence_term.ends_at FROM content JOIN evidence_term USING (digest)"
        "   WHERE retain_until IS NULL AND evidence_term.ends_at <= ?1) AS found"
        " LEFT JOIN inbox_message USING (digest) LEFT JOIN sent_message USING (digest)"
        " WHERE (found.digest IN (SELECT value FROM json_each(?3))) = ?4"
        " ORDER BY found.ends_at, digest LIMIT ?2",
        until,
        limit,
        spell_list(kept),
        is_kept,
    )
    return [_read_end(row) for row in rows]


def list_sealed_bytes(snapshot: Snapshot, *, deadline_by: datetime, limit: int = 500) -> list[ContentEnd]:
    """Return whose sealed bytes are still here though their delivery deadline, given as the end, passed by a moment.

    Received ones could not be opened or proven; sent ones no recipient has signed for.
    """
    rows = snapshot.fetch_all(
        "SELECT digest, 'in', message_id, sender, expires_at FROM inbox_message"
        " WHERE envelope IS NOT NULL AND state NOT IN ('new', 'sealed') AND expires_at <= ?1 UNION ALL"
        " SELECT digest, 'out', message_id, recipient, expires_at FROM outbox JOIN sent_message USING (message_id)"
        " JOIN sent_delivery USING (message_id)"
        " WHERE envelope IS NOT NULL AND state NOT IN ('queued', 'in-doubt') AND expires_at <= ?1"
        " ORDER BY expires_at, digest LIMIT ?2",
        deadline_by,
        limit,
    )
    return [_read_end(row) for row in rows]


def drop_sealed_bytes(transaction: Transaction, digest: str) -> None:
    """Destroy the sealed bytes of a message; what it was and why it was set aside stays."""
    transaction.execute("UPDATE inbox_message SET envelope = NULL WHERE digest = ?", digest)
    transaction.execute(
        "UPDATE outbox SET envelope = NULL WHERE message_id IN (SELECT message_id FROM sent_message WHERE digest = ?)",
        digest,
    )


def limit_retention(transaction: Transaction, digest: str, until: datetime) -> None:
    """Bring the end of a message's retention forward; it is never put off here."""
    transaction.execute(
        "UPDATE content SET retain_until = ?1 WHERE digest = ?2 AND (retain_until IS NULL OR retain_until > ?1)",
        until,
        digest,
    )


def keep_no_longer(transaction: Transaction, digest: str, than: str) -> None:
    """Let the content of a message end with that of another whose words it repeats, where its own end is later."""
    until = transaction.fetch_value("SELECT retain_until FROM content WHERE digest = ?", than)
    if until is not None:
        limit_retention(transaction, digest, read_moment(until))


def _read_end(row: Row) -> ContentEnd:
    digest, direction, message_id, partner, ends_at = row
    return ContentEnd(digest, direction, message_id, partner, read_moment(ends_at))


def _demand_content(snapshot: Snapshot, digest: str) -> Row:
    row = snapshot.fetch_one(
        "SELECT sealed, key, sealed_key FROM content LEFT JOIN content_key USING (digest)"
        " LEFT JOIN compartment_content USING (digest)"
        " WHERE digest = ? AND coalesce(key, sealed_key) IS NOT NULL",
        digest,
    )
    if row is not None:
        return row
    erasure = find_erasure(snapshot, digest)
    if erasure is not None:
        raise NotFoundError(
            f"the content was erased on {erasure.erased_at:%Y-%m-%d}: {erasure.reason}", code="content-erased"
        )
    raise NotFoundError("the content of this message is not here: it has not been opened", fix="run: agency sync")


def _open_key(row: Row, compartment_key: bytes | None) -> bytes:
    key: bytes | None = row["key"]
    if key is not None:
        return key
    assert compartment_key is not None  # noqa: S101 - `read_content` refuses without it
    return open_with_key(row["sealed_key"], compartment_key, purpose=_KEY_PURPOSE)
