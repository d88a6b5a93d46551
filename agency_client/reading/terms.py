"""What a reader is told of the clause a message came under: what it asked beyond it, and which receipts are owed."""

from dataclasses import dataclass

from agency_client.local_store.applied import list_applied, list_excesses
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.problems import Problem
from agency_client.local_store.receipts import has_own_receipt
from schemas.receipts import ReceiptType

_BY_OFFICERS = (ReceiptType.ACCEPTED, ReceiptType.ACTED)
"""Receipts that no node signs by itself: an answer or an acknowledgement gives them."""


@dataclass(frozen=True, slots=True)
class AppliedTerms:
    """`beyond`: what the message asks beyond the agreement, not followed. `owed`: receipts that an officer owes."""

    beyond: tuple[Problem, ...] = ()
    owed: tuple[ReceiptType, ...] = ()


NO_TERMS = AppliedTerms()


def read_applied_terms(snapshot: Snapshot, digest: str) -> AppliedTerms:
    """Return what the agreement makes of a received message, by its envelope's digest."""
    demanded = {receipt for row in list_applied(snapshot, digest) for receipt in row.receipts}
    owed = tuple(
        receipt
        for receipt in _BY_OFFICERS
        if receipt.value in demanded and not has_own_receipt(snapshot, digest, receipt.value)
    )
    return AppliedTerms(tuple(list_excesses(snapshot, digest)), owed)
