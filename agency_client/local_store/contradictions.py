"""Two signed documents that cannot both be honest: the proof that a partner, or the exchange, said two things.

`EquivocationError` carries both documents up and out of the transaction that found them, which is rolled back: nothing
of either is believed. Whoever catches it keeps the proof with `keep_contradiction`, in a transaction of its own.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from agency_client.errors import NotFoundError, VerificationFailedError
from agency_client.local_store.engine import (
    Columns,
    Row,
    Snapshot,
    Store,
    Transaction,
    read_moment,
    read_optional_moment,
)


class ContradictionKind(StrEnum):
    """What was said twice."""

    CHECKPOINT = "checkpoint"
    KEY_DOCUMENT = "key-document"
    AGREEMENT_STEP = "agreement-step"
    STATUS = "status"
    STREAM_NUMBER = "stream-number"


class EquivocationError(VerificationFailedError):
    """One signer made two different documents for one place."""

    default_code = "equivocation"

    def __init__(
        self,
        sentence: str,
        *,
        kind: ContradictionKind,
        signer: str,
        documents: tuple[bytes, bytes],
        proof: bytes | None = None,
    ) -> None:
        super().__init__(sentence, fix="both are kept; show them: agency trust contradictions, agency trust evidence")
        self.kind = kind
        self.signer = signer
        self.documents = documents
        self.proof = proof


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A kept proof, under a number people can name. `signer` is an agency, or a log's origin.

    `proof` is what else it takes: of two heads of different sizes, the canonical path between them
    (`agency_client.witness.prefix`). `settled_at` is when two persons settled it (`agency_client.settling`).
    """

    number: int
    kind: ContradictionKind
    signer: str
    first: bytes
    second: bytes
    found_at: datetime
    proof: bytes | None = None
    settled_at: datetime | None = None
    settled_by: str = ""
    settled_because: str = ""


def keep_contradiction(store: Store, error: EquivocationError, *, at: datetime) -> None:
    """Keep the two documents of an error; the same pair again changes nothing."""
    with store.write() as transaction:
        first, second = error.documents
        row: Columns = {"kind": error.kind, "signer": error.signer, "first": first, "second": second, "found_at": at}
        row["proof"] = error.proof
        transaction.insert("contradiction", row, if_absent=True)


def list_contradictions(snapshot: Snapshot, kind: ContradictionKind | None = None) -> list[Contradiction]:
    """Return every proof, or those of one kind, oldest first."""
    rows = snapshot.fetch_all("SELECT * FROM contradiction WHERE ?1 IS NULL OR kind = ?1 ORDER BY id", kind)
    return [_read_contradiction(row) for row in rows]


def has_open_contradiction(snapshot: Snapshot, signer: str) -> bool:
    """Return whether a partner is proven to have said two things, and nobody has settled it."""
    found = snapshot.fetch_one("SELECT 1 FROM contradiction WHERE signer = ? AND settled_at IS NULL", signer)
    return found is not None


def note_settled(transaction: Transaction, number: int, *, by: str, because: str, at: datetime) -> None:
    """Record who settled a proof and why; the proof itself stays."""
    transaction.execute(
        "UPDATE contradiction SET settled_at = ?, settled_by = ?, settled_because = ? WHERE id = ?",
        at,
        by,
        because,
        number,
    )


def load_contradiction(snapshot: Snapshot, number: int) -> Contradiction:
    """Return one proof by its number.

    Raises:
        NotFoundError: there is none.
    """
    row = snapshot.fetch_one("SELECT * FROM contradiction WHERE id = ?", number)
    if row is None:
        raise NotFoundError(f"there is no proof {number}", fix="see: agency trust contradictions")
    return _read_contradiction(row)


def has_log_contradiction(snapshot: Snapshot, origin: str) -> bool:
    """Return whether a log was proven to show two histories."""
    return any(proof.signer == origin for proof in list_contradictions(snapshot, ContradictionKind.CHECKPOINT))


def _read_contradiction(row: Row) -> Contradiction:
    return Contradiction(
        row["id"],
        ContradictionKind(row["kind"]),
        row["signer"],
        row["first"],
        row["second"],
        read_moment(row["found_at"]),
        row["proof"],
        read_optional_moment(row["settled_at"]),
        row["settled_by"],
        row["settled_because"],
    )
