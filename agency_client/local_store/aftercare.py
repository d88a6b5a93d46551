"""Notices about messages: those received and acted on, own ones, where they went on to, and what came back from there.

Rows stay when the content of a message and of its notices is erased: they say what was demanded and done, and by which
digests; nothing of a person.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agency_client.local_store.engine import Row, Snapshot, Transaction, read_moment, read_optional_moment
from schemas.codec import decode_canonical, encode_canonical


@dataclass(frozen=True, slots=True)
class StoredNotice:
    """One notice about the message `target` (a digest). `effect` is "" where nothing was done about it here."""

    digest: str
    origin: str
    target: str
    author: str
    kind: str
    action: str
    allowed: tuple[str, ...]
    subjects: tuple[str, ...]
    said_at: datetime
    acknowledge_by: datetime
    is_own: bool
    effect: str = ""
    acted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OnwardEffect:
    """What a partner reports of an agency further on: "" as long as that one was told and has not answered."""

    notice: str
    reporter: str
    agency: str
    path: tuple[str, ...]
    effect: str
    at: datetime | None
    reported_at: datetime


def record_notice(transaction: Transaction, notice: StoredNotice) -> bool:
    """Record a notice; return whether it was new."""
    row = {
        "digest": notice.digest,
        "origin": notice.origin,
        "target": notice.target,
        "author": notice.author,
        "kind": notice.kind,
        "action": notice.action,
        "codes": encode_canonical({"allowed": list(notice.allowed), "subjects": list(notice.subjects)}),
        "said_at": notice.said_at,
        "acknowledge_by": notice.acknowledge_by,
        "is_own": notice.is_own,
        "effect": notice.effect,
        "acted_at": notice.acted_at,
    }
    return transaction.insert("aftercare_notice", row, if_absent=True)


def find_notice(snapshot: Snapshot, digest: str) -> StoredNotice | None:
    """Return a notice by the digest of its envelope."""
    row = snapshot.fetch_one("SELECT * FROM aftercare_notice WHERE digest = ?", digest)
    return None if row is None else _read_notice(row)


def list_notices(snapshot: Snapshot, target: str) -> list[StoredNotice]:
    """Return the notices about a message, in the order in which they were said."""
    rows = snapshot.fetch_all("SELECT * FROM aftercare_notice WHERE target = ? ORDER BY said_at, origin", target)
    return [_read_notice(row) for row in rows]


def list_own_notices(snapshot: Snapshot) -> list[StoredNotice]:
    """Return the notices this agency sent, newest first."""
    rows = snapshot.fetch_all("SELECT * FROM aftercare_notice WHERE is_own = 1 ORDER BY said_at DESC, digest")
    return [_read_notice(row) for row in rows]


def list_received_notices(snapshot: Snapshot, kind: str | None = None) -> list[StoredNotice]:
    """Return the notices that came here and were acted on, newest first."""
    rows = snapshot.fetch_all(
        "SELECT * FROM aftercare_notice WHERE is_own = 0 AND (?1 IS NULL OR kind = ?1) ORDER BY said_at DESC, digest",
        kind,
    )
    return [_read_notice(row) for row in rows]


def _read_notice(row: Row) -> StoredNotice:
    codes: dict[str, Any] = decode_canonical(row["codes"])
    return StoredNotice(
        digest=row["digest"],
        origin=row["origin"],
        target=row["target"],
        author=row["author"],
        kind=row["kind"],
        action=row["action"],
        allowed=tuple(codes["allowed"]),
        subjects=tuple(codes["subjects"]),
        said_at=read_moment(row["said_at"]),
        acknowledge_by=read_moment(row["acknowledge_by"]),
        is_own=bool(row["is_own"]),
        effect=row["effect"],
        acted_at=read_optional_moment(row["acted_at"]),
    )
