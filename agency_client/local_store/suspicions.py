"""What this node read and did not believe: public records of the log, and tree heads that do not fit.

A suspicion is no proof against anybody, and for a person to look at: whoever writes the log, or says that it saw
another, may have made it up. What proves that somebody said two things is kept in `contradictions`.
"""

from dataclasses import asdict, dataclass
from datetime import datetime

from agency_client.local_store.engine import Row, Snapshot, Transaction, read_moment


@dataclass(frozen=True, slots=True)
class Suspicion:
    """One finding. `agency` is whom the record names, "" where nobody.

    `record` is the canonical `LoggedRecord`; of a checkpoint that is not shown to be consistent, its signed note; of a
    tree head that a partner says it saw, the claim. Of both `leaf_index` is the size.
    """

    origin: str
    leaf_index: int
    code: str
    agency: str
    sentence: str
    record: bytes
    found_at: datetime


def record_suspicion(transaction: Transaction, suspicion: Suspicion) -> bool:
    """Keep a finding; return whether it was new."""
    return transaction.insert("suspicious_record", asdict(suspicion), if_absent=True)


def list_suspicions(snapshot: Snapshot, agency: str | None = None) -> list[Suspicion]:
    """Return every finding, or those that name an agency, in the log's order."""
    rows = snapshot.fetch_all(
        "SELECT * FROM suspicious_record WHERE ?1 IS NULL OR agency = ?1 ORDER BY origin, leaf_index, code", agency
    )
    return [_read_suspicion(row) for row in rows]


def note_shown_late(transaction: Transaction, suspicion: Suspicion, sentence: str) -> None:
    """Record that a note which the exchange kept back fits what it shows by now; the finding itself stays."""
    transaction.execute(
        "UPDATE suspicious_record SET code = 'log-shown-late', sentence = ? WHERE origin = ? AND leaf_index = ?"
        " AND code = ? AND agency = ? AND record = ?",
        sentence,
        suspicion.origin,
        suspicion.leaf_index,
        suspicion.code,
        suspicion.agency,
        suspicion.record,
    )


def _read_suspicion(row: Row) -> Suspicion:
    return Suspicion(**{**dict(row), "found_at": read_moment(row["found_at"])})
