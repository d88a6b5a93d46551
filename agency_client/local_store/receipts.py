"""Signed receipts, given and received, and which messages each covers.

Own ones are queued in `dispatch` when recorded.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum

from agency_client.local_store.engine import Row, Snapshot, Transaction, read_moment


class Direction(StrEnum):
    """Who signed: this agency (`OUT`) or the partner (`IN`)."""

    IN = "in"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class ReceiptSubject:
    """One message a receipt covers, by its envelope's digest, and the coded reason ("" where the type has none)."""

    message: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StoredReceipt:
    """One signed receipt, plain (unsealed): `type` and `document` as in `schemas.receipts`."""

    digest: str
    direction: Direction
    partner: str
    type: str
    document: bytes
    at: datetime
    subjects: tuple[ReceiptSubject, ...]


def record_receipt(transaction: Transaction, receipt: StoredReceipt) -> bool:
    """Record a signed receipt; return whether it was new."""
    row = asdict(receipt)
    del row["subjects"]
    inserted = transaction.insert("receipt", row, if_absent=True)
    if inserted:
        for subject in receipt.subjects:
            transaction.insert("receipt_subject", {"receipt": receipt.digest, **asdict(subject)})
    return inserted


def replace_receipt_document(transaction: Transaction, digest: str, document: bytes) -> None:
    """Keep the same receipt of this agency under fresh signatures."""
    transaction.execute("UPDATE receipt SET document = ? WHERE digest = ? AND direction = 'out'", document, digest)


def has_own_receipt(snapshot: Snapshot, message: str, receipt_type: str) -> bool:
    """Tell whether this agency has receipted a message (by digest) in this way; once is enough."""
    found = snapshot.fetch_one(
        "SELECT 1 FROM receipt JOIN receipt_subject ON receipt = digest"
        " WHERE message = ? AND type = ? AND direction = 'out'",
        message,
        receipt_type,
    )
    return found is not None


def list_receipts(snapshot: Snapshot, message: str) -> list[StoredReceipt]:
    """Return every receipt that covers a message (by digest), oldest first."""
    rows = snapshot.fetch_all(
        "SELECT receipt.* FROM receipt JOIN receipt_subject ON receipt = digest WHERE message = ? ORDER BY at, digest",
        message,
    )
    return [_read_receipt(snapshot, row) for row in rows]


def list_own_receipts(snapshot: Snapshot, *, since: datetime) -> list[StoredReceipt]:
    """Return what this agency receipted of messages whose deadline is not before a moment, oldest receipt first."""
    rows = snapshot.fetch_all(
        "SELECT * FROM receipt WHERE direction = 'out' AND digest IN (SELECT receipt FROM receipt_subject"
        " JOIN inbox_message ON inbox_message.digest = message WHERE expires_at >= ?) ORDER BY at, digest",
        since,
    )
    return [_read_receipt(snapshot, row) for row in rows]


def load_receipt(snapshot: Snapshot, digest: str) -> StoredReceipt | None:
    """Return one receipt."""
    row = snapshot.fetch_one("SELECT * FROM receipt WHERE digest = ?", digest)
    return None if row is None else _read_receipt(snapshot, row)


def _read_receipt(snapshot: Snapshot, row: Row) -> StoredReceipt:
    subjects = snapshot.fetch_all(
        "SELECT message, reason FROM receipt_subject WHERE receipt = ? ORDER BY message", row["digest"]
    )
    return StoredReceipt(
        digest=row["digest"],
        direction=Direction(row["direction"]),
        partner=row["partner"],
        type=row["type"],
        document=row["document"],
        at=read_moment(row["at"]),
        subjects=tuple(ReceiptSubject(subject["message"], subject["reason"]) for subject in subjects),
    )
