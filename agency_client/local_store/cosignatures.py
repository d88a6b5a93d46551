"""Which heads of the log were cosigned: the newest by this agency, and the newest by each partner.

A caller records a partner's head after verifying both of the log's signatures, the partner's own under its pinned
roots, and that the head is one of this node's log. A head counts only as long as the anchor it was verified under is
the one that is pinned.
"""

from dataclasses import asdict, dataclass
from datetime import datetime

from agency_client.errors import ConflictError
from agency_client.local_store.engine import Row, Snapshot, Transaction, read_moment, read_optional_moment


@dataclass(frozen=True, slots=True)
class OwnCosignature:
    """The newest head this agency cosigned; `note` is the log's note with its own line under it."""

    origin: str
    size: int
    root: str
    note: bytes
    signed_at: datetime
    handed_in_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PartnerHead:
    """The newest head a partner cosigned: under which pinned anchor and by which key, and when it says it did."""

    origin: str
    agency: str
    anchor: str
    kid: str
    size: int
    root: str
    note: bytes
    cosigned_at: datetime
    seen_at: datetime


def load_own_cosignature(snapshot: Snapshot, origin: str) -> OwnCosignature | None:
    """Return the newest head of a log that this agency cosigned."""
    row = snapshot.fetch_one("SELECT * FROM own_cosignature WHERE origin = ?", origin)
    if row is None:
        return None
    times = {"signed_at": read_moment(row["signed_at"]), "handed_in_at": read_optional_moment(row["handed_in_at"])}
    return OwnCosignature(**{**dict(row), **times})


def record_own_cosignature(transaction: Transaction, cosignature: OwnCosignature) -> None:
    """Record what was just signed, before anybody else sees it.

    Raises:
        ConflictError: a head of this size or a larger one was cosigned before; this one must not be shown to anybody.
    """
    last = load_own_cosignature(transaction, cosignature.origin)
    if last is not None and cosignature.size <= last.size:
        raise ConflictError(
            f"a head of {last.size} leaves was cosigned already; none of {cosignature.size} follows it",
            code="cosigned-before",
        )
    transaction.execute("DELETE FROM own_cosignature WHERE origin = ?", cosignature.origin)
    transaction.insert("own_cosignature", asdict(cosignature))


def note_handed_in(transaction: Transaction, cosignature: OwnCosignature, *, at: datetime) -> None:
    """Record that the exchange has a cosignature; one that another process has replaced since is left alone."""
    transaction.execute(
        "UPDATE own_cosignature SET handed_in_at = ? WHERE origin = ? AND size = ?",
        at,
        cosignature.origin,
        cosignature.size,
    )


def record_partner_head(transaction: Transaction, head: PartnerHead) -> bool:
    """Record a verified head if it is larger than the one held of this partner; return whether it was.

    One that was verified under another anchor than the new one is replaced whatever its size.
    """
    row = transaction.fetch_one("SELECT * FROM partner_head WHERE origin = ? AND agency = ?", head.origin, head.agency)
    if row is not None and row["anchor"] == head.anchor and head.size <= row["size"]:
        return False
    drop_partner_head(transaction, head.origin, head.agency)
    return transaction.insert("partner_head", asdict(head))


def drop_partner_head(transaction: Transaction, origin: str, agency: str) -> None:
    """Forget a partner's head, as when the key that signed it was revoked."""
    transaction.execute("DELETE FROM partner_head WHERE origin = ? AND agency = ?", origin, agency)


def list_partner_heads(snapshot: Snapshot, origin: str) -> list[PartnerHead]:
    """Return the newest head of every partner that is pinned as it was when its head was verified, by agency."""
    rows = snapshot.fetch_all(
        "SELECT head.* FROM partner_head AS head JOIN agency_pin AS pin ON pin.agency = head.agency"
        " AND pin.anchor = head.anchor AND pin.retired_at IS NULL WHERE head.origin = ? ORDER BY head.agency",
        origin,
    )
    return [_read_head(row) for row in rows]


def _read_head(row: Row) -> PartnerHead:
    times = {"cosigned_at": read_moment(row["cosigned_at"]), "seen_at": read_moment(row["seen_at"])}
    return PartnerHead(**{**dict(row), **times})
