"""Numbers of the messages from each partner: which came, which were voided, and which are missing.

A partner's status announces how far its streams go. A number that neither came nor was voided is a gap; how old a gap
may become before it is an alarm is the flows' rule (`docs/protocol.md`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from agency_client.local_store.engine import Columns, Snapshot, Transaction, read_moment, read_optional_moment


class NumberVerdict(StrEnum):
    """What a message's number says about it."""

    NEW = "new"
    REPEATED = "repeated"
    VOIDED = "voided"
    REUSED = "reused"


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers of one stream, both ends included, that were passed over; `since` is when this became known.

    `is_tail`: nothing that came stands behind them, only a status says that they were sent.
    """

    sender: str
    stream: str
    first: int
    last: int
    since: datetime
    is_tail: bool = False


@dataclass(frozen=True, slots=True)
class VoidedMessage:
    """A message that is here although its sender has voided its number; `is_new`: it says so for the first time."""

    digest: str
    n: int
    is_new: bool = True


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
    return [found for n in voided if (found := _void(transaction, sender, stream, n, at)) is not None]


def find_gaps(snapshot: Snapshot, sender: str | None = None) -> list[Gap]:
    """Return every gap in the streams of one partner, or of all, longest known first.

    A number is accounted for where its message was verified here, whatever became of it then, or where it was voided.
    What only claims a number explains nothing.
    """
    # Nearly every stream is complete, and a count tells so: only the others are walked.
    streams = snapshot.fetch_all(
        "SELECT sender, stream FROM inbound_stream AS s WHERE (?1 IS NULL OR sender = ?1)"
        " AND (SELECT count(*) FROM inbound_number AS i WHERE i.sender = s.sender AND i.stream = s.stream)"
        "   < max(announced_last, (SELECT coalesce(max(n), 0) FROM inbound_number AS i"
        "     WHERE i.sender = s.sender AND i.stream = s.stream))"
        " UNION SELECT sender, stream FROM inbox_message WHERE state IN ('refused', 'withdrawn')"
        " AND (?1 IS NULL OR sender = ?1)",
        sender,
    )
    gaps = [gap for row in streams for gap in _find_gaps_in(snapshot, *row)]
    return sorted(gaps, key=lambda gap: (gap.since, gap.sender, gap.stream, gap.first))


def count_claimants(snapshot: Snapshot, gap: Gap) -> int:
    """Return how many messages lie here that claim a number of a gap and have not proven it."""
    found: int = snapshot.fetch_value(
        "SELECT count(*) FROM inbox_message WHERE sender = ? AND stream = ? AND n BETWEEN ? AND ?"
        " AND state IN ('new', 'unverifiable')",
        gap.sender,
        gap.stream,
        gap.first,
        gap.last,
    )
    return found


def has_voided_number(snapshot: Snapshot, digest: str) -> bool:
    """Tell whether the sender of a message that is here has voided its number since."""
    row = snapshot.fetch_one("SELECT 1 FROM inbound_number WHERE digest = ? AND voided_at IS NOT NULL", digest)
    return row is not None


def list_voided_messages(snapshot: Snapshot, sender: str) -> list[VoidedMessage]:
    """Return every message of a partner that is here although its number is voided."""
    rows = snapshot.fetch_all(
        "SELECT digest, n FROM inbound_number WHERE sender = ? AND digest IS NOT NULL AND voided_at IS NOT NULL"
        " ORDER BY stream, n",
        sender,
    )
    return [VoidedMessage(digest, n, is_new=False) for digest, n in rows]


def find_newest_issue(snapshot: Snapshot, sender: str) -> datetime | None:
    """Return the newest moment that a partner itself wrote into a message verified here."""
    seconds = snapshot.fetch_value(
        "SELECT max(issued_at) FROM inbox_message WHERE sender = ? AND state NOT IN ('new', 'unverifiable')", sender
    )
    return read_optional_moment(seconds)


_ACCOUNTED = (
    "SELECT n, coalesce(received_at, voided_at) AS since FROM inbound_number WHERE sender = ?1 AND stream = ?2"
    " UNION ALL SELECT n, received_at FROM inbox_message"
    " WHERE sender = ?1 AND stream = ?2 AND state IN ('refused', 'withdrawn')"
)


def _find_gaps_in(snapshot: Snapshot, sender: str, stream: str) -> list[Gap]:
    rows = snapshot.fetch_all(
        f"WITH accounted AS (SELECT n, min(since) AS since FROM ({_ACCOUNTED}) GROUP BY n), known AS ("  # noqa: S608
        "  SELECT n, since, 0 AS is_end FROM accounted"
        "  UNION ALL SELECT announced_last + 1, announced_at, 1 FROM inbound_stream"
        "  WHERE sender = ?1 AND stream = ?2 AND announced_last > (SELECT coalesce(max(n), 0) FROM accounted)"
        "), stepped AS (SELECT *, coalesce(lag(n) OVER (ORDER BY n), 0) AS before FROM known)"
        " SELECT before + 1, n - 1, since, is_end FROM stepped WHERE n > before + 1 ORDER BY n",
        sender,
        stream,
    )
    return [Gap(sender, stream, first, last, read_moment(since), bool(is_end)) for first, last, since, is_end in rows]


def _open_stream(transaction: Transaction, sender: str, stream: str, at: datetime) -> None:
    row: Columns = {"sender": sender, "stream": stream, "first_seen_at": at, "announced_last": 0}
    transaction.insert("inbound_stream", row, if_absent=True)


def _find_reached(snapshot: Snapshot, sender: str, stream: str) -> int:
    reached: int = snapshot.fetch_value(
        f"SELECT coalesce(max(n), 0) FROM ({_ACCOUNTED})",  # noqa: S608 - words from code only
        sender,
        stream,
    )
    return reached


def _void(transaction: Transaction, sender: str, stream: str, n: int, at: datetime) -> VoidedMessage | None:
    place = (sender, stream, n)
    row = transaction.fetch_one(
        "SELECT digest, voided_at FROM inbound_number WHERE sender = ? AND stream = ? AND n = ?", *place
    )
    transaction.execute(
        "INSERT INTO inbound_number (sender, stream, n, voided_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (sender, stream, n) DO UPDATE SET voided_at = coalesce(voided_at, excluded.voided_at)",
        *place,
        at,
    )
    if row is None or row["digest"] is None:
        return None
    return VoidedMessage(row["digest"], n, is_new=row["voided_at"] is None)
