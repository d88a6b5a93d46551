"""Numbers of the messages to each partner: one stream a partner, one allocator, no gaps.

What a status says of a stream is how far the exchange has taken it: the partner should have that. A number that was
given out and waits here is nobody's to miss yet.

A number is given out inside the transaction that also records the sealed message (`outbox.enqueue_message`). The schema
holds to it: a commit with a number whose message is missing fails, and a rollback takes the number back. A number whose
message will never arrive is voided, and a status that says so falls due in the same transaction.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from agency_client.local_store.engine import Snapshot, Transaction
from agency_client.local_store.statuses import request_status


@dataclass(frozen=True, slots=True)
class StreamNumber:
    """The place of one message in the stream to one partner; `stream` is 16 bytes in base64url."""

    partner: str
    stream: str
    n: int


@dataclass(frozen=True, slots=True)
class StreamState:
    """What a status tells a partner of one stream: the last number that the exchange took, and those voided."""

    stream: str
    last: int
    voided: tuple[int, ...]


def allocate_number(
    transaction: Transaction, partner: str, message_id: str, *, make_stream: Callable[[], str], at: datetime
) -> StreamNumber:
    """Give out the next number to a partner; `make_stream` names a new stream where none is open."""
    stream: str | None = transaction.fetch_value(
        "SELECT stream FROM stream WHERE partner = ? AND closed_at IS NULL", partner
    )
    if stream is None:
        stream = make_stream()
        transaction.insert("stream", {"stream": stream, "partner": partner, "next_number": 1, "opened_at": at})
    n: int = transaction.fetch_value(
        "UPDATE stream SET next_number = next_number + 1 WHERE stream = ? RETURNING next_number - 1", stream
    )
    transaction.insert("stream_number", {"stream": stream, "n": n, "message_id": message_id})
    return StreamNumber(partner, stream, n)


def void_number(transaction: Transaction, number: StreamNumber, *, reason: str, at: datetime) -> None:
    """Say that this number's message will never arrive; its partner's next status falls due at once."""
    changed = transaction.execute(
        "UPDATE stream_number SET voided_at = ?, void_reason = ? WHERE stream = ? AND n = ? AND voided_at IS NULL",
        at,
        reason,
        number.stream,
        number.n,
    )
    if changed:
        request_status(transaction, number.partner, reason=f"voided: {reason}", at=at)


def close_streams(transaction: Transaction, *, at: datetime) -> int:
    """Close every stream, so that the next message to each partner opens a new one; return how many were open.

    For a restored node: numbers it gave out after the backup are unknown to it and must not be given out again.
    """
    return transaction.execute("UPDATE stream SET closed_at = ? WHERE closed_at IS NULL", at)


def close_stream(transaction: Transaction, stream: str, *, at: datetime) -> None:
    """Close one stream: the next message to its partner opens a new one, since somebody else gives its numbers out."""
    transaction.execute("UPDATE stream SET closed_at = ? WHERE stream = ? AND closed_at IS NULL", at, stream)


def list_numbers(snapshot: Snapshot, message_id: str) -> list[StreamNumber]:
    """Return the numbers that were given out for a message."""
    rows = snapshot.fetch_all(
        "SELECT partner, stream, n FROM stream_number JOIN stream USING (stream) WHERE message_id = ? ORDER BY partner",
        message_id,
    )
    return [StreamNumber(*row) for row in rows]


def list_stream_states(snapshot: Snapshot, partner: str) -> list[StreamState]:
    """Return the state of every stream to a partner, oldest first: what its next status says."""
    rows = snapshot.fetch_all(
        "SELECT stream, coalesce((SELECT max(n) FROM stream_number JOIN outbox USING (message_id)"
        "   WHERE stream_number.stream = stream.stream"
        "   AND (voided_at IS NOT NULL OR state IN ('taken', 'settled'))), 0) AS last"
        " FROM stream WHERE partner = ? ORDER BY opened_at, stream",
        partner,
    )
    return [StreamState(row["stream"], row["last"], _list_voided(snapshot, row["stream"])) for row in rows]


def list_partners(snapshot: Snapshot) -> list[str]:
    """Return every agency to which a stream was ever opened."""
    return [row[0] for row in snapshot.fetch_all("SELECT DISTINCT partner FROM stream ORDER BY partner")]


def _list_voided(snapshot: Snapshot, stream: str) -> tuple[int, ...]:
    rows = snapshot.fetch_all(
        "SELECT n FROM stream_number WHERE stream = ? AND voided_at IS NOT NULL ORDER BY n", stream
    )
    return tuple(row["n"] for row in rows)
