"""Agreement steps that the log has and this node does not believe yet: an anchor not pinned, an earlier step missing.

They are looked at again whenever steps are pulled; nothing of them counts until then.
"""

from dataclasses import asdict, dataclass
from datetime import datetime

from agency_client.local_store.engine import Row, Snapshot, Transaction, read_moment


@dataclass(frozen=True, slots=True)
class HeldStep:
    """One step that has to wait, and why. `logged_step` is the canonical `schemas.api.LoggedStep`."""

    leaf_index: int
    agreement: str
    agency: str
    code: str
    sentence: str
    logged_step: bytes
    found_at: datetime


def hold_step(transaction: Transaction, step: HeldStep) -> None:
    """Keep a step with the newest reason why it waits."""
    release_step(transaction, step.leaf_index)
    transaction.insert("held_step", asdict(step))


def release_step(transaction: Transaction, leaf_index: int) -> None:
    """Forget a held step: it was taken over, or another stands in its place."""
    transaction.execute("DELETE FROM held_step WHERE leaf_index = ?", leaf_index)


def forget_held_steps(transaction: Transaction) -> None:
    """Forget every held step: their places are of a log that has ended, and the next one is pulled from its start."""
    transaction.execute("DELETE FROM held_step")


def list_held_steps(snapshot: Snapshot, agreement: str | None = None) -> list[HeldStep]:
    """Return every step that waits, or those of one agreement, in the order of their leaves."""
    rows = snapshot.fetch_all(
        "SELECT * FROM held_step WHERE ?1 IS NULL OR agreement = ?1 ORDER BY leaf_index", agreement
    )
    return [_read_held(row) for row in rows]


def _read_held(row: Row) -> HeldStep:
    return HeldStep(**{**dict(row), "found_at": read_moment(row["found_at"])})
