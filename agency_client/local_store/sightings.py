"""Tree heads that partners say they saw, in messages and statuses: claims of theirs, no proof of anything.

Each waits to be compared with the log this node is shown (`agency_client.witness.gossip`). Of what fitted only the
newest of each partner is kept; what differs stays.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum

from agency_client.local_store.engine import Row, Snapshot, Transaction, read_moment


class SightingState(StrEnum):
    """What became of a claim: not compared yet, shown to be the same log, or shown to be no part of it."""

    PENDING = "pending"
    FITS = "fits"
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True)
class Sighting:
    """A tree head and who says it saw it: when by its own clock, and when this node heard of it."""

    origin: str
    size: int
    root: str
    seen_by: str
    seen_at: datetime
    heard_at: datetime
    state: SightingState = SightingState.PENDING


def record_sighting(transaction: Transaction, sighting: Sighting) -> bool:
    """Keep what a partner says it saw; return whether it was new. The same claim again changes nothing."""
    return transaction.insert("checkpoint_sighting", asdict(sighting), if_absent=True)


def list_sightings(snapshot: Snapshot, origin: str) -> list[Sighting]:
    """Return what partners say they saw of a log, largest first."""
    rows = snapshot.fetch_all("SELECT * FROM checkpoint_sighting WHERE origin = ? ORDER BY size DESC, seen_by", origin)
    return [_read_sighting(row) for row in rows]


def list_newest_pending(snapshot: Snapshot, origin: str, reached: int) -> list[Sighting]:
    """Return of each partner and log the largest claim that was not compared yet; two, where it claims two roots.

    Of the log `origin` only claims up to the size `reached` here: what lies ahead hides none that can be compared.
    """
    rows = snapshot.fetch_all(
        "WITH due AS (SELECT * FROM checkpoint_sighting WHERE state = 'pending' AND (origin <> ? OR size <= ?))"
        " SELECT * FROM due AS this WHERE size ="
        " (SELECT max(size) FROM due WHERE origin = this.origin AND seen_by = this.seen_by)"
        " ORDER BY seen_by, origin, root",
        origin,
        reached,
    )
    return [_read_sighting(row) for row in rows]


def list_longest_ahead(snapshot: Snapshot, origin: str, reached: int) -> list[Sighting]:
    """Return of each partner the claim of more leaves than `reached` here that was heard first: a log catches up."""
    rows = snapshot.fetch_all(
        "SELECT origin, size, root, seen_by, seen_at, heard_at, state FROM (SELECT *, row_number() OVER"
        " (PARTITION BY seen_by ORDER BY heard_at, size, root) AS turn FROM checkpoint_sighting"
        " WHERE state = 'pending' AND origin = ? AND size > ?) WHERE turn = 1 ORDER BY seen_by",
        origin,
        reached,
    )
    return [_read_sighting(row) for row in rows]


def settle_sighting(transaction: Transaction, sighting: Sighting, state: SightingState) -> None:
    """Record what a comparison came to; smaller claims of the same partner are not kept unless they differ."""
    transaction.execute(
        "UPDATE checkpoint_sighting SET state = ? WHERE origin = ? AND size = ? AND root = ? AND seen_by = ?",
        state,
        sighting.origin,
        sighting.size,
        sighting.root,
        sighting.seen_by,
    )
    transaction.execute(
        "DELETE FROM checkpoint_sighting WHERE origin = ? AND seen_by = ? AND size < ? AND state <> 'differs'",
        sighting.origin,
        sighting.seen_by,
        sighting.size,
    )


def _read_sighting(row: Row) -> Sighting:
    times = {"seen_at": read_moment(row["seen_at"]), "heard_at": read_moment(row["heard_at"])}
    return Sighting(**{**dict(row), **times, "state": SightingState(row["state"])})
