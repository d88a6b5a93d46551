"""What the broker handed over on a lease, item by item, and which of it may be settled.

An item is recorded in the transaction that stores what it carries. So whatever `list_unsettled` shows is on disk, and
settling (acknowledging to the broker) can never run ahead of storing.
"""

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from datetime import datetime

from agency_client.local_store.engine import Snapshot, Transaction, read_moment


@dataclass(frozen=True, slots=True)
class LeaseItem:
    """One leased item: `type` as in `schemas.api`, `subject` the digest of what was stored for it."""

    lease: str
    number: int
    type: str
    subject: str
    leased_until: datetime


def record_lease_item(transaction: Transaction, item: LeaseItem) -> None:
    """Record that an item's content is stored by this very transaction; handed over again, it is to settle again."""
    transaction.execute(
        "INSERT INTO lease_item (lease, number, type, subject, leased_until) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (lease, number) DO UPDATE SET leased_until = excluded.leased_until, settled_at = NULL",
        *astuple(item),
    )


def list_unsettled(snapshot: Snapshot) -> dict[str, list[LeaseItem]]:
    """Return what is stored and not yet acknowledged, by lease, the one that ends first first."""
    rows = snapshot.fetch_all(
        "SELECT lease, number, type, subject, leased_until FROM lease_item WHERE settled_at IS NULL"
        " ORDER BY leased_until, lease, number"
    )
    leases: dict[str, list[LeaseItem]] = {}
    for lease, number, item_type, subject, leased_until in rows:
        item = LeaseItem(lease, number, item_type, subject, read_moment(leased_until))
        leases.setdefault(lease, []).append(item)
    return leases


def mark_settled(transaction: Transaction, lease: str, numbers: Iterable[int], *, at: datetime) -> None:
    """Record that the broker has taken the acknowledgement."""
    for number in numbers:
        transaction.execute(
            "UPDATE lease_item SET settled_at = coalesce(settled_at, ?) WHERE lease = ? AND number = ?",
            at,
            lease,
            number,
        )


def forget_leases(transaction: Transaction) -> int:
    """Drop all that is unsettled: the exchange that leased it has begun anew. Return how many items."""
    return transaction.execute("DELETE FROM lease_item WHERE settled_at IS NULL")


def forget_ended_leases(transaction: Transaction, *, now: datetime) -> int:
    """Drop what a lease that ran out still had unsettled; the broker hands it over again. Return how many items."""
    return transaction.execute("DELETE FROM lease_item WHERE settled_at IS NULL AND leased_until < ?", now)
