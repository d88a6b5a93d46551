"""Numbers of the messages from each partner: which came, which were voided, and which are missing.

A partner's status announces how far its streams go. A number that neither came nor was voided is a gap; how old a gap
may become before it is an alarm is the flows' rule (`docs/protocol.md`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from agency_client.local_store.engine import Columns, Snapshot, Transaction, read_moment


class NumberVerdict(StrEnum):
    """What a message's number says about it."""

    NEW = "new"
    REPEATED = "repeated"
    VOIDED = "voided"
    REUSED = "reused"


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers of one stream, both ends included, that were passed over; `since` is when this became known."""

    sender: str
    stream: str
    first: int
    last: int
    since: datetime


@dataclass(frozen=True, slots=True)
class VoidedMessage:
    """A message that is here although its sender has since voided its number."""

    digest: str
    n: int


def receive_number(
    transaction: Transaction, sender: str, stream: str, n: int, *, digest: str, at: datetime
) -> NumberVerdict:
    """Record that a verified message carries this number, and say whether it may.

    `VOIDED`: its sender has said that it would never arrive: refuse it. `REUSED`: another envelope of this sender has
    the number: both together are a proof. Neither is recorded.
    """
    row = transaction.fetch_one(
        "SELECT digest, voided_at FROM inbound_number WHERE sender = ? AND stream = ? AND n = ?", sender, stream, n
    )
    if row is not None and row["digest"] is not None:
        return NumberVerdict.REPEATED if row["digest"] == digest else NumberVerdict.REUSED
    if row is not None:
        return NumberVerdict.VOIDED
    _open_stream(transaction, sender, stream, at)
    received: Columns = {"sender": sender, "stream": stream, "n": n, "digest": digest, "received_at": at}
    transaction.insert("inbound_number", received)
    return NumberVerdict.NEW


def apply_announcement(
    transaction: Transaction, sender: str, stream: str, *, last: int, voided: Sequence[int], at: datetime
) -> list[VoidedMessage]:
    """Record what a verified status says of a stream; return the messages that are here under a number now voided."""
    _open_stream(transaction, sender, stream, at)
    reached = _find_reached(transaction, sender, stream)
    # The age of an open gap at the end counts from the announcement that opened it, not from the newest one.
    transaction.execute(
        "UPDATE inbound_stream SET announced_at = CASE WHEN announced_last <= ?1 THEN ?2 ELSE announced_at END,"
        " announced_last = max(announced_last, ?3) WHERE sender = ?4 AND stream = ?5 AND ?3 > announced_last",
        reached,
        at,
        last,
        sender,
        stream,
    )
    affected = []
    for n in voided:
        digest = _void(transaction, sender, stream, n, at)
        if digest is not None:
            affected.append(VoidedMessage(digest, n))
    return affected


def find_gaps(snapshot: Snapshot, sender: str | None = None) -> list[Gap]:
    """Return every gap in the streams of one partner, or of all, longest known first."""
    rows = snapshot.fetch_all(
        "WITH known AS ("
        "  SELECT sender, stream, n, coalesce(received_at, voided_at) AS since FROM inbound_number"
        "  UNION ALL"
        "  SELECT sender, stream, announced_last + 1, announced_at FROM inbound_stream"
        "  WHERE announced_last > (SELECT coalesce(max(n), 0) FROM inbound_number AS i"
        "    WHERE i.sender = inbound_stream.sender AND i.stream = inbound_stream.stream)"
        "), stepped AS ("
        "  SELECT *, coalesce(lag(n) OVER (PARTITION BY sender, stream ORDER BY n), 0) AS before FROM known"
        ")"
        " SELECT sender, stream, before + 1, n - 1, since FROM stepped"
        " WHERE n > before + 1 AND (?1 IS NULL OR sender = ?1) ORDER BY since, sender, stream, n",
        sender,
    )
    return [Gap(sender, stream, first, last, read_moment(since)) for sender, stream, first, last, since in rows]


def _open_stream(transaction: Transaction, sender: str, stream: str, at: datetime) -> None:
    row: Columns = {"sender": sender, "stream": stream, "first_seen_at": at, "announced_last": 0}
    transaction.insert("inbound_stream", row, if_absent=True)


def _find_reached(snapshot: Snapshot, sender: str, stream: str) -> int:
    reached: int = snapshot.fetch_value(
        "SELECT coalesce(max(n), 0) FROM inbound_number WHERE sender = ? AND stream = ?", sender, stream
    )
    return reached


def _void(transaction: Transaction, sender: str, stream: str, n: int, at: datetime) -> str | None:
    digest: str | None = transaction.fetch_value(
        "INSERT INTO inbound_number (sender, stream, n, voided_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (sender, stream, n) DO UPDATE SET voided_at = coalesce(voided_at, excluded.voided_at)"
        " RETURNING digest",
        sender,
        stream,
        n,
        at,
    )
    return digest
