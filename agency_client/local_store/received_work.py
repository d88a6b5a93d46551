"""Questions that receiving asks of the store: who took a message back, whose number it is, which receipts are owed.

What is owed is derived from what the store says of each message, never kept as a list of its own: a crash between a
step and its receipt only delays the receipt.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from agency_client.local_store.engine import Snapshot, Transaction, read_moment, spell_list
from agency_client.local_store.problems import Problem


@dataclass(frozen=True, slots=True)
class OwedReceipt:
    """One receipt this agency owes: of which type, to whom, for which message; the coded reason where it has one."""

    type: str
    partner: str
    message_id: str
    digest: str
    reason: str
    expires_at: datetime


_OWED = {
    "handed-over": "state IN ('new', 'sealed', 'verified', 'withdrawn') OR verified_at IS NOT NULL",
    "verified": "verified_at IS NOT NULL",
    "unverifiable": "state = 'unverifiable'",
    "refused": "state = 'refused'",
    "opened": "read_at IS NOT NULL AND (message.digest NOT IN (SELECT message FROM applied_clause) OR EXISTS (SELECT 1"
    " FROM applied_clause AS applied, json_each(applied.receipts) AS demanded"
    " WHERE applied.message = message.digest AND demanded.value = 'opened'))",
    "erased": "(opened_at IS NOT NULL OR state = 'sealed') AND erased_at IS NOT NULL",
}
"""Receipt type → which messages it is owed for."""

_REASONS = {"unverifiable": "problem_code", "refused": "problem_code", "erased": "erasure"}
"""Receipt type → the column that holds its coded reason."""

NUMBER_VOIDED = "number-voided"
"""The reason of a second `verified`: the sender holds that the message never arrived, and it is here."""


def list_owed_receipts(snapshot: Snapshot, *, limit: int = 1000) -> list[OwedReceipt]:
    """Return every receipt that follows from the state of the inbox and was not signed yet, oldest message first."""
    owed = []
    for receipt_type, condition in _OWED.items():
        rows = snapshot.fetch_all(
            "SELECT sender, message_id, digest, problem_code, expires_at,"  # noqa: S608
            " (SELECT code FROM content_erasure WHERE content_erasure.digest = message.digest) AS erasure"
            f" FROM inbox_message AS message WHERE ({condition}) AND NOT EXISTS"
            " (SELECT 1 FROM receipt_subject JOIN receipt ON receipt.digest = receipt_subject.receipt"
            " WHERE receipt_subject.message = message.digest AND receipt.type = ? AND receipt.direction = 'out')"
            " ORDER BY length(origin), origin, leaf_index, message.digest LIMIT ?",
            receipt_type,
            limit,
        )
        owed += [
            OwedReceipt(receipt_type, row["sender"], row["message_id"], row["digest"], reason, read_moment(row[4]))
            for row in rows
            for reason in [row[_REASONS[receipt_type]] or "" if receipt_type in _REASONS else ""]
        ]
    return owed + _list_voided(snapshot, limit) + _list_acted(snapshot, limit)


def _list_voided(snapshot: Snapshot, limit: int) -> list[OwedReceipt]:
    """Return what the senders must be told of once more: it was receipted, and they voided its number all the same."""
    rows = snapshot.fetch_all(
        "SELECT message.sender, message_id, message.digest, expires_at FROM inbox_message AS message"
        " JOIN inbound_number USING (digest) WHERE inbound_number.voided_at IS NOT NULL AND verified_at IS NOT NULL"
        " AND (SELECT count(*) FILTER (WHERE reason = '') > 0 AND count(*) FILTER (WHERE reason = ?1) = 0"
        "   FROM receipt_subject JOIN receipt ON receipt.digest = receipt_subject.receipt"
        "   WHERE receipt_subject.message = message.digest AND receipt.type = 'verified' AND direction = 'out')"
        " ORDER BY message.digest LIMIT ?2",
        NUMBER_VOIDED,
        limit,
    )
    return [
        OwedReceipt("verified", sender, message_id, digest, NUMBER_VOIDED, read_moment(expires_at))
        for sender, message_id, digest, expires_at in rows
    ]


def _list_acted(snapshot: Snapshot, limit: int) -> list[OwedReceipt]:
    """Return what the senders of notices must be told of: what was done by itself, late after the notice's own time."""
    rows = snapshot.fetch_all(
        "SELECT sender, message_id, digest, effect, CASE WHEN acted_at > acknowledge_by THEN acknowledge_by"
        "   ELSE max(acknowledge_by, expires_at) END"
        " FROM aftercare_notice AS notice JOIN inbox_message USING (digest) WHERE effect <> ''"
        " AND NOT EXISTS (SELECT 1 FROM receipt_subject JOIN receipt ON receipt.digest = receipt_subject.receipt"
        "   WHERE receipt_subject.message = notice.digest AND receipt.type = 'acted' AND direction = 'out'"
        "   AND receipt_subject.reason <> '') ORDER BY acted_at, digest LIMIT ?",
        limit,
    )
    return [
        OwedReceipt("acted", sender, message_id, digest, effect, read_moment(late_after))
        for sender, message_id, digest, effect, late_after in rows
    ]


def note_waiting(transaction: Transaction, digest: str, problem: Problem) -> None:
    """Record why a message that is new here cannot be opened yet; whatever becomes of it later replaces that."""
    transaction.execute(
        "UPDATE inbox_message SET problem_code = ?, problem = ? WHERE digest = ? AND state = 'new'",
        problem.code,
        problem.sentence,
        digest,
    )


def has_withdrawal(snapshot: Snapshot, sender: str, digest: str) -> bool:
    """Tell whether the sender of a message has taken it back by a message that was verified and opened here."""
    found = snapshot.fetch_one(
        "SELECT 1 FROM inbox_message WHERE kind = 'withdrawal' AND state = 'opened' AND sender = ? AND refers_to = ?",
        sender,
        digest,
    )
    return found is not None


def find_number_holder(snapshot: Snapshot, sender: str, stream: str, n: int) -> bytes | None:
    """Return the evidence of the verified message that holds a number of a partner's stream."""
    found: bytes | None = snapshot.fetch_value(
        "SELECT evidence FROM inbound_number JOIN inbox_message USING (digest)"
        " WHERE inbound_number.sender = ? AND inbound_number.stream = ? AND inbound_number.n = ?",
        sender,
        stream,
        n,
    )
    return found


def list_corrections(snapshot: Snapshot, digest: str, kinds: Iterable[str]) -> list[str]:
    """Return the digests of opened messages of these kinds that refer to a message, in the order of the log."""
    rows = snapshot.fetch_all(
        "SELECT digest FROM inbox_message WHERE refers_to = ? AND state = 'opened'"
        " AND kind IN (SELECT value FROM json_each(?)) ORDER BY length(origin), origin, leaf_index",
        digest,
        spell_list(kinds),
    )
    return [row["digest"] for row in rows]


def count_threads(snapshot: Snapshot, threads: Iterable[str]) -> dict[str, int]:
    """Return how many messages, received and sent, each of these threads holds."""
    rows = snapshot.fetch_all(
        "SELECT thread, count(*) FROM (SELECT thread FROM inbox_message WHERE state = 'opened'"
        " UNION ALL SELECT thread FROM sent_message) WHERE thread IN (SELECT value FROM json_each(?)) GROUP BY thread",
        spell_list(threads),
    )
    return {row[0]: row[1] for row in rows}


def count_states(snapshot: Snapshot) -> dict[str, int]:
    """Return how many messages stand in each state of the inbox, and how many opened ones are `unread`."""
    rows = snapshot.fetch_all(
        "SELECT state, count(*) FROM inbox_message GROUP BY state UNION ALL"
        " SELECT 'unread', count(*) FROM inbox_message WHERE state IN ('opened', 'sealed') AND read_at IS NULL"
    )
    return {row[0]: row[1] for row in rows}


def has_thread(snapshot: Snapshot, thread: str) -> bool:
    """Tell whether any message, received or sent, is in a thread of this id."""
    found = snapshot.fetch_one(
        "SELECT 1 FROM inbox_message WHERE thread = ?1 UNION SELECT 1 FROM sent_message WHERE thread = ?1", thread
    )
    return found is not None


def find_answers(snapshot: Snapshot, digest: str, kind: str) -> list[str]:
    """Return the ids of messages of a kind that this agency sent about a message and that were not refused."""
    rows = snapshot.fetch_all(
        "SELECT message_id FROM sent_message JOIN outbox USING (message_id) WHERE refers_to = ? AND kind = ?"
        " AND outbox.state NOT IN ('refused', 'cancelled') ORDER BY created_at, message_id",
        digest,
        kind,
    )
    return [row["message_id"] for row in rows]
