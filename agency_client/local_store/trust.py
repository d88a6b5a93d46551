"""What this node trusts: anchors and the exchange accepted by hand, and the key documents it has verified itself.

Nothing is verified here. A caller records a key document only after `keys` has checked it against the pin.
"""

from dataclasses import asdict, dataclass
from datetime import datetime

from agency_client.errors import ConflictError
from agency_client.local_store.contradictions import ContradictionKind, EquivocationError
from agency_client.local_store.engine import Row, Snapshot, Transaction, read_moment, read_optional_moment
from schemas.signed import DocumentType


@dataclass(frozen=True, slots=True)
class AgencyPin:
    """A trust anchor typed in from paper. A retired one stays as a record of what was believed until when."""

    agency: str
    anchor: str
    pinned_at: datetime
    pinned_by: str
    retired_at: datetime | None


@dataclass(frozen=True, slots=True)
class AcceptedExchange:
    """An exchange's sheet (canonical `schemas.key_documents.ExchangeSheet`) accepted by hand; one is current.

    Of a log that goes on from an earlier one, `opened_at` is the time of its first leaf, and `opening` the canonical
    evidence of that leaf where the log was accepted on this node.
    """

    origin: str
    name: str
    anchor: str
    sheet: bytes
    accepted_at: datetime
    accepted_by: str
    retired_at: datetime | None
    opened_at: datetime | None = None
    opening: bytes | None = None


@dataclass(frozen=True, slots=True)
class KeyDocument:
    """A verified key set, encryption-keys or revocation. `leaf` is its canonical `LoggedRecord` where one is known.

    `origin` is the log in which that leaf stands, the first that was read to have the document; `shown_in` is the
    newest one that has it.
    """

    digest: str
    agency: str
    type: str
    seq: int | None
    document: bytes
    leaf: bytes | None
    verified_at: datetime
    origin: str | None = None
    shown_in: str | None = None


def pin_agency(
    transaction: Transaction, agency: str, anchor: str, *, by: str, at: datetime, replacing: bool = False
) -> None:
    """Pin an anchor. The same one again changes nothing.

    Raises:
        ConflictError: another anchor is pinned and `replacing` was not said.
    """
    present = load_pin(transaction, agency)
    if present is not None and present.anchor == anchor:
        return
    if present is not None and not replacing:
        raise ConflictError(
            f"{agency} is pinned to another anchor",
            fix="compare the paper with the partner in person; then pin again with --replace",
            code="already-pinned",
        )
    transaction.execute("UPDATE agency_pin SET retired_at = ? WHERE agency = ? AND retired_at IS NULL", at, agency)
    transaction.execute(
        "INSERT INTO agency_pin (agency, anchor, pinned_at, pinned_by) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (agency, anchor) DO UPDATE"
        " SET pinned_at = excluded.pinned_at, pinned_by = excluded.pinned_by, retired_at = NULL",
        agency,
        anchor,
        at,
        by,
    )


def load_pin(snapshot: Snapshot, agency: str) -> AgencyPin | None:
    """Return the anchor in force for an agency."""
    row = snapshot.fetch_one("SELECT * FROM agency_pin WHERE agency = ? AND retired_at IS NULL", agency)
    return None if row is None else _read_pin(row)


def list_pins(snapshot: Snapshot) -> list[AgencyPin]:
    """Return every pin, retired ones included, by agency and time."""
    return [_read_pin(row) for row in snapshot.fetch_all("SELECT * FROM agency_pin ORDER BY agency, pinned_at")]


def accept_exchange(
    transaction: Transaction,
    *,
    origin: str,
    name: str,
    anchor: str,
    sheet: bytes,
    by: str,
    at: datetime,
    opened_at: datetime | None = None,
    opening: bytes | None = None,
) -> None:
    """Make this the current exchange and epoch; the one before is retired. The same again changes nothing.

    Raises:
        ConflictError: this origin was accepted before with another sheet.
    """
    row = transaction.fetch_one("SELECT * FROM exchange_sheet WHERE origin = ?", origin)
    if row is not None and row["anchor"] != anchor:
        raise ConflictError(f"the log {origin} was accepted with other keys", fix="ask the exchange for a new epoch")
    if row is not None and row["retired_at"] is None:
        return
    transaction.execute("UPDATE exchange_sheet SET retired_at = ? WHERE retired_at IS NULL", at)
    transaction.execute(
        "INSERT INTO exchange_sheet (origin, name, anchor, sheet, accepted_at, accepted_by, opened_at, opening)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (origin) DO UPDATE SET retired_at = NULL",
        origin,
        name,
        anchor,
        sheet,
        at,
        by,
        opened_at,
        opening,
    )


def load_exchange(snapshot: Snapshot, origin: str | None = None) -> AcceptedExchange | None:
    """Return the current exchange, or the one accepted under an origin."""
    if origin is None:
        row = snapshot.fetch_one("SELECT * FROM exchange_sheet WHERE retired_at IS NULL")
    else:
        row = snapshot.fetch_one("SELECT * FROM exchange_sheet WHERE origin = ?", origin)
    return None if row is None else _read_exchange(row)


def load_origin(snapshot: Snapshot) -> str | None:
    """Return the origin of the log that is accepted now."""
    origin: str | None = snapshot.fetch_value("SELECT origin FROM exchange_sheet WHERE retired_at IS NULL")
    return origin


def list_exchanges(snapshot: Snapshot) -> list[AcceptedExchange]:
    """Return every sheet that was accepted, retired ones included, oldest first."""
    rows = snapshot.fetch_all("SELECT * FROM exchange_sheet ORDER BY retired_at IS NULL, accepted_at, origin")
    return [_read_exchange(row) for row in rows]


def note_opened(transaction: Transaction, origin: str, opened_at: datetime) -> None:
    """Note when a log that goes on from an earlier one was opened, as its first leaf says."""
    transaction.execute(
        "UPDATE exchange_sheet SET opened_at = coalesce(opened_at, ?) WHERE origin = ?", opened_at, origin
    )


def record_key_document(transaction: Transaction, document: KeyDocument) -> bool:
    """Record a verified key document; return whether it was new. A leaf that becomes known later is added.

    Its place is the first leaf it was seen under; that a later log has it too is noted beside that.

    Raises:
        EquivocationError: another document holds the same agency, type and seq.
    """
    present = _find_same_place(transaction, document)
    if present is not None and present["digest"] != document.digest:
        raise EquivocationError(
            f"{document.agency} signed two different documents {document.type} number {document.seq}",
            kind=ContradictionKind.KEY_DOCUMENT,
            signer=document.agency,
            documents=(present["document"], document.document),
        )
    if present is not None:
        _add_leaf(transaction, document)
        return False
    transaction.insert("key_document", {**asdict(document), "shown_in": document.shown_in or document.origin})
    return True


def _add_leaf(transaction: Transaction, document: KeyDocument) -> None:
    if document.leaf is not None:
        transaction.execute(
            "UPDATE key_document SET origin = CASE WHEN leaf IS NULL THEN ?1 ELSE origin END,"
            " leaf = coalesce(leaf, ?2), shown_in = ?1 WHERE digest = ?3",
            document.origin,
            document.leaf,
            document.digest,
        )


def replace_unlogged_document(transaction: Transaction, digest: str, document: bytes) -> bool:
    """Keep the same words under fresh signatures, where no log was read to have them yet; return whether it was so."""
    return bool(
        transaction.execute("UPDATE key_document SET document = ? WHERE digest = ? AND leaf IS NULL", document, digest)
    )


def give_way_to_logged(transaction: Transaction, document: KeyDocument, *, at: datetime) -> bool:
    """Put a logged document of this agency in the place of one that no log has; return whether there was one.

    Somebody else with its rotation key was quicker. The chain that all others go by goes on from what the log has.
    """
    digest = transaction.fetch_value(
        "SELECT digest FROM key_document WHERE agency = ? AND type = ? AND seq = ? AND leaf IS NULL",
        document.agency,
        document.type,
        document.seq,
    )
    if digest is None:
        return False
    transaction.execute("DELETE FROM key_document WHERE digest = ?", digest)
    transaction.execute("UPDATE dispatch SET state = 'refused', changed_at = ? WHERE digest = ?", at, digest)
    return record_key_document(transaction, document)


def find_placed(snapshot: Snapshot, digest: str) -> KeyDocument | None:
    """Return a key document that was read in a log before."""
    row = snapshot.fetch_one("SELECT * FROM key_document WHERE digest = ? AND leaf IS NOT NULL", digest)
    return None if row is None else _read_key_document(row)


def mark_shown(transaction: Transaction, digest: str, origin: str) -> None:
    """Note that a log has a document whose place is in an earlier one."""
    transaction.execute("UPDATE key_document SET shown_in = ? WHERE digest = ? AND leaf IS NOT NULL", origin, digest)


def list_unshown(snapshot: Snapshot, agency: str) -> list[KeyDocument]:
    """Return an agency's documents that an earlier log had and the present one was not read to have, oldest first."""
    rows = snapshot.fetch_all(
        "SELECT * FROM key_document WHERE agency = ? AND leaf IS NOT NULL"
        " AND shown_in IS NOT (SELECT origin FROM exchange_sheet WHERE retired_at IS NULL) ORDER BY verified_at, seq",
        agency,
    )
    return [_read_key_document(row) for row in rows]


def load_key_chain(snapshot: Snapshot, agency: str, document_type: str) -> list[KeyDocument]:
    """Return an agency's verified documents of one type, oldest first; revocations, which have no seq, by time."""
    rows = snapshot.fetch_all(
        "SELECT * FROM key_document WHERE agency = ? AND type = ? ORDER BY seq, verified_at, digest",
        agency,
        document_type,
    )
    return [_read_key_document(row) for row in rows]


def list_key_marks(snapshot: Snapshot, agency: str) -> tuple[tuple[str, bool], ...]:
    """Return the digest of each of an agency's key sets and revocations, and whether the present log has it."""
    rows = snapshot.fetch_all(
        "SELECT digest, shown_in IS (SELECT origin FROM exchange_sheet WHERE retired_at IS NULL) AS is_shown"
        " FROM key_document WHERE agency = ? AND type != ? ORDER BY digest",
        agency,
        DocumentType.ENCRYPTION_KEYS.value,
    )
    return tuple((row["digest"], bool(row["is_shown"])) for row in rows)


def list_known_agencies(snapshot: Snapshot) -> list[str]:
    """Return every agency of which a key document was verified."""
    return [row[0] for row in snapshot.fetch_all("SELECT DISTINCT agency FROM key_document ORDER BY agency")]


def _find_same_place(snapshot: Snapshot, document: KeyDocument) -> Row | None:
    return snapshot.fetch_one(
        "SELECT * FROM key_document WHERE digest = ? OR (agency = ? AND type = ? AND seq = ?)",
        document.digest,
        document.agency,
        document.type,
        document.seq,
    )


def _read_pin(row: Row) -> AgencyPin:
    times = {"pinned_at": read_moment(row["pinned_at"]), "retired_at": read_optional_moment(row["retired_at"])}
    return AgencyPin(**{**dict(row), **times})


def _read_exchange(row: Row) -> AcceptedExchange:
    times = {name: read_optional_moment(row[name]) for name in ("retired_at", "opened_at")}
    return AcceptedExchange(**{**dict(row), **times, "accepted_at": read_moment(row["accepted_at"])})


def _read_key_document(row: Row) -> KeyDocument:
    return KeyDocument(**{**dict(row), "verified_at": read_moment(row["verified_at"])})
