"""When the evidence of each message ends, and what stays then: its digest, its place in the log and its leaf's hash.

Evidence is what proves a message to a third party: its signed envelope without the ciphertext, the proof of its
acceptance, the receipts about it, and who wrote it. After its end the row that names the message stays, so that a
late correction finds it and the same message cannot come a second time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from agency_client.local_store.engine import (
    Columns,
    Snapshot,
    Transaction,
    read_moment,
    read_optional_moment,
    spell_list,
)

RECEIVED, SENT = "in", "out"

_WORDS_ABOUT_IT = (
    "DELETE FROM subject_reference WHERE message = ?",
    "DELETE FROM content_mark WHERE message = ?",
    "DELETE FROM message_duty WHERE message = ?",
    "DELETE FROM transfer_record WHERE message = ?",
    "DELETE FROM terms_excess WHERE message = ?",
)
"""What other features keep of whom and what a message was about. Who has a copy, and what was said of it, stays."""


@dataclass(frozen=True, slots=True)
class UndatedEvidence:
    """A message whose evidence has no end yet. `leaf` is the stored proof of a received one, the record of a sent one.

    `kept_from` counts where nothing was accepted; `content_until` is the end of the content, where it has one.
    """

    digest: str
    direction: str
    partner: str
    agreement: str
    leaf: bytes | None
    kept_from: datetime
    content_until: datetime | None


@dataclass(frozen=True, slots=True)
class EvidenceTerm:
    """When a message's evidence ends or has ended, and what of its leaf stays for ever."""

    digest: str
    ends_at: datetime
    leaf_index: int | None
    leaf_hash: bytes | None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EvidenceEnd:
    """One message with the end of its evidence, for lists."""

    digest: str
    direction: str
    message_id: str
    partner: str
    ends_at: datetime


def list_undated(snapshot: Snapshot, *, now: datetime, limit: int = 500) -> list[UndatedEvidence]:
    """Return messages of which it is settled what became of them, and whose evidence has no end yet."""
    received = snapshot.fetch_all(
        "SELECT digest, 'in', sender, agreement, leaf, received_at, retain_until FROM inbox_message"
        " LEFT JOIN content USING (digest) WHERE state <> 'new'"
        " AND digest NOT IN (SELECT digest FROM evidence_term) LIMIT ?",
        limit,
    )
    sent = snapshot.fetch_all(
        "SELECT digest, 'out', recipient, agreement, leaf, created_at, retain_until FROM sent_message"
        " JOIN sent_delivery USING (message_id) JOIN outbox USING (message_id) LEFT JOIN content USING (digest)"
        " WHERE (leaf IS NOT NULL OR state NOT IN ('queued', 'in-doubt') OR expires_at <= ?)"
        " AND digest NOT IN (SELECT digest FROM evidence_term) LIMIT ?",
        now,
        limit,
    )
    return [
        UndatedEvidence(
            digest, direction, partner, agreement, leaf, read_moment(kept_from), read_optional_moment(content_until)
        )
        for digest, direction, partner, agreement, leaf, kept_from, content_until in (*received, *sent)
    ]


def record_terms(transaction: Transaction, terms: Iterable[EvidenceTerm]) -> None:
    """Keep when evidence ends; what is on record already stays."""
    for term in terms:
        row: Columns = {"digest": term.digest, "ends_at": term.ends_at, "leaf_index": term.leaf_index}
        transaction.insert("evidence_term", {**row, "leaf_hash": term.leaf_hash}, if_absent=True)


def find_term(snapshot: Snapshot, digest: str) -> EvidenceTerm | None:
    """Return when a message's evidence ends or has ended."""
    row = snapshot.fetch_one("SELECT * FROM evidence_term WHERE digest = ?", digest)
    if row is None:
        return None
    ended_at = read_optional_moment(row["ended_at"])
    return EvidenceTerm(digest, read_moment(row["ends_at"]), row["leaf_index"], row["leaf_hash"], ended_at)


def list_evidence_ends(
    snapshot: Snapshot, *, until: datetime, limit: int, kept: Iterable[str] = ()
) -> list[EvidenceEnd]:
    """Return evidence that is kept and ends by `until`, what ends first; none of `kept`, whose content must stay."""
    rows = snapshot.fetch_all(
        "SELECT digest, iif(inbox_message.digest IS NULL, 'out', 'in'),"
        " coalesce(inbox_message.message_id, sent_message.message_id, ''),"
        " coalesce(inbox_message.sender, (SELECT recipient FROM sent_delivery"
        "   WHERE sent_delivery.message_id = sent_message.message_id), ''), ends_at"
        " FROM evidence_term LEFT JOIN inbox_message USING (digest) LEFT JOIN sent_message USING (digest)"
        " WHERE ended_at IS NULL AND ends_at <= ?1 AND digest NOT IN (SELECT value FROM json_each(?3))"
        " ORDER BY ends_at, digest LIMIT ?2",
        until,
        limit,
        spell_list(kept),
    )
    return [
        EvidenceEnd(digest, direction, message_id, partner, read_moment(ends_at))
        for digest, direction, message_id, partner, ends_at in rows
    ]


def end_evidence(transaction: Transaction, digest: str, *, at: datetime) -> bool:
    """Destroy the evidence of one message, who wrote it and whom it was about; return whether it was kept until now.

    A receipt goes with the last message that it speaks of. Call `Store.truncate_wal` after the commit.
    """
    ended = transaction.execute(
        "UPDATE evidence_term SET ended_at = ? WHERE digest = ? AND ended_at IS NULL", at, digest
    )
    transaction.execute(
        "UPDATE inbox_message SET evidence = x'', leaf = x'', envelope = NULL, problem = '' WHERE digest = ?", digest
    )
    transaction.execute(
        "UPDATE outbox SET leaf = NULL, earlier_leaf = NULL, envelope = NULL, problem = ''"
        " WHERE message_id IN (SELECT message_id FROM sent_message WHERE digest = ?)",
        digest,
    )
    transaction.execute("UPDATE sent_message SET evidence = x'', officer = '' WHERE digest = ?", digest)
    for statement in _WORDS_ABOUT_IT:
        transaction.execute(statement, digest)
    transaction.execute(
        "UPDATE receipt SET document = x'' WHERE digest IN (SELECT receipt FROM receipt_subject WHERE message = ?)"
        " AND NOT EXISTS (SELECT 1 FROM receipt_subject AS other LEFT JOIN evidence_term ON other.message ="
        "   evidence_term.digest WHERE other.receipt = receipt.digest AND ended_at IS NULL)",
        digest,
    )
    return ended == 1
