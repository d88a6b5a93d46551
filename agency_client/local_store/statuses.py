"""Signed statuses: those this node signed for each partner, those it received, and which are due.

The age rules (every six hours, 24 and 72 hours) belong to the flows; here is what they need to know.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

from agency_client.errors import ConflictError
from agency_client.local_store.contradictions import ContradictionKind, EquivocationError
from agency_client.local_store.engine import (
    Row,
    Snapshot,
    Transaction,
    read_moment,
    read_optional_moment,
)


@dataclass(frozen=True, slots=True)
class StoredStatus:
    """One signed status. `partner` is the other agency: the reader of an own one, the signer of a received one.

    `logged_at` is the time of its leaf; None: no leaf of it was seen, as of one that waits or came as a file.
    """

    partner: str
    seq: int
    digest: str
    document: bytes
    signed_at: datetime
    recorded_at: datetime
    logged_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DueStatus:
    """A partner that must get a status now, and why."""

    partner: str
    since: datetime
    reason: str


def request_status(transaction: Transaction, partner: str, *, reason: str, at: datetime) -> None:
    """Let a status for a partner fall due; one that is due already stays as it is."""
    transaction.insert("status_due", {"partner": partner, "since": at, "reason": reason}, if_absent=True)


def list_due_statuses(snapshot: Snapshot) -> list[DueStatus]:
    """Return the partners that must get a status, longest due first."""
    rows = snapshot.fetch_all("SELECT partner, since, reason FROM status_due ORDER BY since, partner")
    return [DueStatus(partner, read_moment(since), reason) for partner, since, reason in rows]


def next_status_place(snapshot: Snapshot, partner: str) -> tuple[int, str | None]:
    """Return `seq` and `prev` of the next status for a partner. Sign and record it in the same transaction."""
    newest = load_newest_own_status(snapshot, partner)
    return (1, None) if newest is None else (newest.seq + 1, newest.digest)


def record_own_status(transaction: Transaction, status: StoredStatus) -> None:
    """Record a status this node signed, before it leaves; the partner is no longer due.

    Raises:
        ConflictError: it is not the next in its chain; two statuses with one `seq` would prove this node dishonest.
    """
    if next_status_place(transaction, status.partner)[0] != status.seq:
        raise ConflictError(f"status {status.seq} for {status.partner} is not the next one", code="status-out-of-order")
    _insert(transaction, "out", status)
    transaction.execute("DELETE FROM status_due WHERE partner = ?", status.partner)


def pass_over_statuses(transaction: Transaction, last: StoredStatus) -> None:
    """Let the next own status stand behind `last`, though nobody knows all that this node signed before it."""
    _insert(transaction, "out", last)


def list_own_partners(snapshot: Snapshot) -> list[str]:
    """Return every partner that this node signed a status for."""
    rows = snapshot.fetch_all("SELECT DISTINCT partner FROM status WHERE direction = 'out' ORDER BY partner")
    return [row["partner"] for row in rows]


def record_partner_status(transaction: Transaction, status: StoredStatus) -> bool:
    """Record a verified status of a partner; return whether it was new.

    Raises:
        EquivocationError: the partner signed another one with this `seq`.
    """
    present = transaction.fetch_one(
        "SELECT digest, document FROM status WHERE direction = 'in' AND partner = ? AND seq = ?",
        status.partner,
        status.seq,
    )
    if present is not None and present["digest"] != status.digest:
        raise EquivocationError(
            f"{status.partner} signed two different statuses number {status.seq}",
            kind=ContradictionKind.STATUS,
            signer=status.partner,
            documents=(present["document"], status.document),
        )
    if present is None:
        _insert(transaction, "in", status)
    elif status.logged_at is not None:
        _note_leaf(transaction, status.digest, status.logged_at)
    return present is None


def note_own_status_logged(transaction: Transaction, digest: str, *, at: datetime) -> None:
    """Record that the log has a status of this node; `at` is the time of its leaf."""
    _note_leaf(transaction, digest, at)


def find_last_leaf_time(snapshot: Snapshot) -> datetime | None:
    """Return the newest time that the log gave any partner's status: it is not earlier than that now."""
    return read_optional_moment(snapshot.fetch_value("SELECT max(logged_at) FROM status WHERE direction = 'in'"))


def record_announced_revocations(transaction: Transaction, agency: str, kids: Iterable[str], *, at: datetime) -> None:
    """Keep the kids that a partner calls revoked: no later status takes one of them back."""
    for kid in kids:
        transaction.insert("announced_revocation", {"agency": agency, "kid": kid, "announced_at": at}, if_absent=True)


def load_announced_revocations(snapshot: Snapshot, agency: str) -> frozenset[str]:
    """Return the kids that a partner ever called revoked in a status: not believed, wherever the log is silent."""
    rows = snapshot.fetch_all("SELECT kid FROM announced_revocation WHERE agency = ?", agency)
    return frozenset(row["kid"] for row in rows)


def load_newest_own_status(snapshot: Snapshot, partner: str) -> StoredStatus | None:
    """Return the last status this node signed for a partner."""
    return _load_newest(snapshot, "out", partner)


def load_newest_partner_status(snapshot: Snapshot, partner: str) -> StoredStatus | None:
    """Return the last status a partner signed for this node."""
    return _load_newest(snapshot, "in", partner)


def load_partner_status(snapshot: Snapshot, partner: str, seq: int) -> StoredStatus | None:
    """Return the status of this number that a partner signed for this node."""
    row = snapshot.fetch_one("SELECT * FROM status WHERE direction = 'in' AND partner = ? AND seq = ?", partner, seq)
    return None if row is None else _read_status(row)


def forget_partner_statuses(transaction: Transaction, partner: str) -> None:
    """Forget what a partner signed: the next that comes is its first here. What it called revoked stays known."""
    transaction.execute("DELETE FROM status WHERE direction = 'in' AND partner = ?", partner)


def list_status_partners(snapshot: Snapshot) -> list[str]:
    """Return every partner that signed a status for this node."""
    rows = snapshot.fetch_all("SELECT DISTINCT partner FROM status WHERE direction = 'in' ORDER BY partner")
    return [row["partner"] for row in rows]


def _load_newest(snapshot: Snapshot, direction: str, partner: str) -> StoredStatus | None:
    row = snapshot.fetch_one(
        "SELECT * FROM status WHERE direction = ? AND partner = ? ORDER BY seq DESC LIMIT 1", direction, partner
    )
    return None if row is None else _read_status(row)


def _note_leaf(transaction: Transaction, digest: str, at: datetime) -> None:
    # The earliest leaf counts: whoever logs a document once more must not make it younger.
    transaction.execute("UPDATE status SET logged_at = min(coalesce(logged_at, ?1), ?1) WHERE digest = ?2", at, digest)


def _insert(transaction: Transaction, direction: str, status: StoredStatus) -> None:
    transaction.insert("status", {"direction": direction, **asdict(status)})


def _read_status(row: Row) -> StoredStatus:
    return StoredStatus(
        partner=row["partner"],
        seq=row["seq"],
        digest=row["digest"],
        document=row["document"],
        signed_at=read_moment(row["signed_at"]),
        recorded_at=read_moment(row["recorded_at"]),
        logged_at=read_optional_moment(row["logged_at"]),
    )
