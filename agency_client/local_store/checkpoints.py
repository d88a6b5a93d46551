"""Tree heads that the exchange signed, and how far this node has walked its log.

A caller records a signed checkpoint after checking its signatures and its consistency with `load_newest_checkpoint`,
and before it answers or acts on anything else. What partners cosigned stands in `cosignatures`, what they say they saw
in `sightings`.
"""

from dataclasses import asdict, dataclass
from datetime import datetime

from agency_client.errors import ConflictError
from agency_client.local_store.contradictions import ContradictionKind, EquivocationError
from agency_client.local_store.engine import Row, Snapshot, Transaction, read_moment, read_optional_moment


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint the exchange signed; `note` holds the exact signed note."""

    origin: str
    size: int
    root: str
    note: bytes
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class LogWalk:
    """How far this node has read all leaves: the tree's size there, and its frontier (`schemas.log.tree`)."""

    origin: str
    size: int
    frontier: bytes
    walked_at: datetime


def record_checkpoint(
    transaction: Transaction, checkpoint: SignedCheckpoint, *, checked_against: SignedCheckpoint | None
) -> bool:
    """Keep a signed checkpoint; return whether it was new.

    `checked_against` is the newest one when the caller verified consistency (None: there was none). So no checkpoint
    enters that was not compared with its neighbour, even when two processes of this node talk to the broker at once.

    Raises:
        EquivocationError: another root of this size was signed too: the log shows two histories.
        ConflictError: another process has recorded a newer one since; check consistency with that one and try again.
    """
    present = transaction.fetch_one(
        "SELECT * FROM checkpoint WHERE origin = ? AND size = ?", checkpoint.origin, checkpoint.size
    )
    if present is not None and present["root"] != checkpoint.root:
        raise EquivocationError(
            f"the log {checkpoint.origin} signed two different trees of {checkpoint.size} leaves, of root"
            f" {present['root']} and of root {checkpoint.root}",
            kind=ContradictionKind.CHECKPOINT,
            signer=checkpoint.origin,
            documents=(present["note"], checkpoint.note),
        )
    if present is not None:
        return False
    if load_newest_checkpoint(transaction, checkpoint.origin) != checked_against:
        raise ConflictError("another process has seen a newer checkpoint since", code="checkpoint-moved")
    transaction.insert("checkpoint", asdict(checkpoint))
    return True


def load_newest_checkpoint(snapshot: Snapshot, origin: str) -> SignedCheckpoint | None:
    """Return the largest checkpoint seen under an origin: what the next one must be consistent with."""
    row = snapshot.fetch_one("SELECT * FROM checkpoint WHERE origin = ? ORDER BY size DESC LIMIT 1", origin)
    return None if row is None else _read_checkpoint(row)


def load_checkpoint(snapshot: Snapshot, origin: str, size: int) -> SignedCheckpoint | None:
    """Return the checkpoint of exactly this size, if it was seen."""
    row = snapshot.fetch_one("SELECT * FROM checkpoint WHERE origin = ? AND size = ?", origin, size)
    return None if row is None else _read_checkpoint(row)


def load_checkpoint_within(snapshot: Snapshot, origin: str, size: int) -> SignedCheckpoint | None:
    """Return the largest checkpoint seen of at most this size."""
    row = snapshot.fetch_one(
        "SELECT * FROM checkpoint WHERE origin = ? AND size <= ? ORDER BY size DESC LIMIT 1", origin, size
    )
    return None if row is None else _read_checkpoint(row)


def has_checkpoint(snapshot: Snapshot, origin: str, size: int) -> bool:
    """Tell whether a checkpoint of exactly this size was seen."""
    return snapshot.fetch_one("SELECT 1 FROM checkpoint WHERE origin = ? AND size = ?", origin, size) is not None


def find_last_sight_before(snapshot: Snapshot, origin: str, index: int) -> datetime | None:
    """Return when this node last saw a log end before a place; None: it never did. The leaf there came after."""
    seconds = snapshot.fetch_value("SELECT max(seen_at) FROM checkpoint WHERE origin = ? AND size <= ?", origin, index)
    return read_optional_moment(seconds)


def load_walk(snapshot: Snapshot, origin: str) -> LogWalk | None:
    """Return how far this node has walked a log."""
    row = snapshot.fetch_one("SELECT * FROM log_walk WHERE origin = ?", origin)
    return None if row is None else LogWalk(**{**dict(row), "walked_at": read_moment(row["walked_at"])})


def save_walk(transaction: Transaction, walk: LogWalk) -> None:
    """Move on; save it together with the public records that were read, in one transaction.

    Raises:
        ValueError: a walk never goes back.
    """
    present = load_walk(transaction, walk.origin)
    if present is not None and walk.size < present.size:
        raise ValueError(f"the walk of {walk.origin} stands at {present.size} and cannot go back to {walk.size}")
    transaction.execute(
        "INSERT INTO log_walk (origin, size, frontier, walked_at) VALUES (?, ?, ?, ?) ON CONFLICT (origin) DO UPDATE"
        " SET size = excluded.size, frontier = excluded.frontier, walked_at = excluded.walked_at",
        walk.origin,
        walk.size,
        walk.frontier,
        walk.walked_at,
    )


def _read_checkpoint(row: Row) -> SignedCheckpoint:
    return SignedCheckpoint(**{**dict(row), "seen_at": read_moment(row["seen_at"])})
