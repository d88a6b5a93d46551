"""Two signed documents that cannot both be honest: the proof that a partner, or the exchange, said two things.

`EquivocationError` carries both documents up and out of the transaction that found them, which is rolled back: nothing
of either is believed. Whoever catches it keeps the proof with `keep_contradiction`, in a transaction of its own.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from agency_client.errors import VerificationFailedError
from agency_client.local_store.engine import Columns, Snapshot, Store, read_moment


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

    def __init__(self, sentence: str, *, kind: ContradictionKind, signer: str, documents: tuple[bytes, bytes]) -> None:
        super().__init__(sentence, fix="keep both documents: agency trust contradictions")
        self.kind = kind
        self.signer = signer
        self.documents = documents


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A kept proof. `signer` is an agency, or a log's origin."""

    kind: ContradictionKind
    signer: str
    first: bytes
    second: bytes
    found_at: datetime


def keep_contradiction(store: Store, error: EquivocationError, *, at: datetime) -> None:
    """Keep the two documents of an error; the same pair again changes nothing."""
    with store.write() as transaction:
        first, second = error.documents
        row: Columns = {"kind": error.kind, "signer": error.signer, "first": first, "second": second, "found_at": at}
        transaction.insert("contradiction", row, if_absent=True)


def list_contradictions(snapshot: Snapshot, kind: ContradictionKind | None = None) -> list[Contradiction]:
    """Return every proof, or those of one kind, oldest first."""
    rows = snapshot.fetch_all(
        "SELECT kind, signer, first, second, found_at FROM contradiction WHERE ?1 IS NULL OR kind = ?1 ORDER BY id",
        kind,
    )
    return [
        Contradiction(ContradictionKind(kind), signer, first, second, read_moment(found_at))
        for kind, signer, first, second, found_at in rows
    ]
