"""Revocations of partners that came past the exchange: verified before they are recorded, and never forgotten."""

from datetime import datetime

from agency_client.local_store.engine import Columns, Snapshot, Transaction


def record_carried(
    transaction: Transaction, *, digest: str, agency: str, document: bytes, by: str, at: datetime
) -> bool:
    """Keep a partner's signed revocation; return whether it was new here."""
    row: Columns = {"digest": digest, "agency": agency, "document": document, "taken_at": at, "taken_by": by}
    return transaction.insert("carried_revocation", row, if_absent=True)


def is_carried(snapshot: Snapshot, digest: str) -> bool:
    """Tell whether this very revocation came this way before."""
    return snapshot.fetch_one("SELECT 1 FROM carried_revocation WHERE digest = ?", digest) is not None
