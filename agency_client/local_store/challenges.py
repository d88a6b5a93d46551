"""Challenges of reports about documents: lodged from here, received here, and told of by the issuing states.

They are found by the document, through its keyed reference, from whichever report of it somebody looks at.
"""

from dataclasses import dataclass
from datetime import datetime

from agency_client.local_store.engine import Columns, Row, Snapshot, Transaction, read_moment
from schemas.alerts.subjects import HOLDER, SubjectKeyType

STATUS_KIND = "document-status"


@dataclass(frozen=True, slots=True)
class StoredChallenge:
    """One challenge: the digests of its message and of the report, who lodged it and why, until when to answer.

    `reference` is the document's, keyed; `on_behalf_of` the agency further on that asked for it, "" where none did.
    """

    digest: str
    target: str
    reference: bytes
    lodger: str
    is_own: bool
    ground: str
    on_behalf_of: str
    lodged_on: str
    said_at: datetime
    acknowledge_by: datetime


@dataclass(frozen=True, slots=True)
class StoredTold:
    """What a report says of a challenge: the digest of its message, the state, and since when it is challenged."""

    digest: str
    reference: bytes
    state: str
    lodged_on: str
    said_at: datetime
    is_own: bool


def find_document_reference(snapshot: Snapshot, digest: str) -> bytes | None:
    """Return the keyed reference of the document that a report is about; None: it is no report, or of no one document.

    `digest` is of a message that was opened, or sent from here. Documents of persons that it names beside are not it.
    """
    found: bytes | None = snapshot.fetch_value(
        "SELECT reference FROM subject_reference WHERE message = ?1 AND type = ?3 AND role = ?4 AND ("
        " EXISTS (SELECT 1 FROM inbox_message WHERE digest = ?1 AND kind = ?2)"
        " OR EXISTS (SELECT 1 FROM sent_message WHERE digest = ?1 AND kind = ?2))",
        digest,
        STATUS_KIND,
        SubjectKeyType.DOCUMENT.value,
        HOLDER,
    )
    return found


def record_challenge(transaction: Transaction, challenge: StoredChallenge) -> None:
    """Record a challenge, once."""
    row: Columns = {
        "digest": challenge.digest,
        "target": challenge.target,
        "reference": challenge.reference,
        "lodger": challenge.lodger,
        "is_own": challenge.is_own,
        "ground": challenge.ground,
        "on_behalf_of": challenge.on_behalf_of,
        "lodged_on": challenge.lodged_on,
        "said_at": challenge.said_at,
        "acknowledge_by": challenge.acknowledge_by,
    }
    transaction.insert("revocation_challenge", row, if_absent=True)


def record_told(transaction: Transaction, told: StoredTold) -> None:
    """Record what a report says of a challenge, once."""
    row: Columns = {
        "digest": told.digest,
        "reference": told.reference,
        "state": told.state,
        "lodged_on": told.lodged_on,
        "said_at": told.said_at,
        "is_own": told.is_own,
    }
    transaction.insert("told_challenge", row, if_absent=True)


def find_challenge(snapshot: Snapshot, digest: str) -> StoredChallenge | None:
    """Return a challenge by the digest of its message."""
    row = snapshot.fetch_one("SELECT * FROM revocation_challenge WHERE digest = ?", digest)
    return None if row is None else _read_challenge(row)


def list_challenges(snapshot: Snapshot, reference: bytes | None = None) -> list[StoredChallenge]:
    """Return the challenges of one document's reports, or all, in the order in which they were said."""
    rows = snapshot.fetch_all(
        "SELECT * FROM revocation_challenge WHERE ?1 IS NULL OR reference = ?1 ORDER BY said_at, digest", reference
    )
    return [_read_challenge(row) for row in rows]


def list_told(snapshot: Snapshot, reference: bytes) -> list[StoredTold]:
    """Return what reports of one document say of a challenge, in the order in which they were said."""
    rows = snapshot.fetch_all(
        "SELECT * FROM told_challenge WHERE reference = ? ORDER BY said_at, digest",
        reference,
    )
    return [
        StoredTold(
            digest=row["digest"],
            reference=row["reference"],
            state=row["state"],
            lodged_on=row["lodged_on"],
            said_at=read_moment(row["said_at"]),
            is_own=bool(row["is_own"]),
        )
        for row in rows
    ]


def has_ended(snapshot: Snapshot, challenge: StoredChallenge) -> bool:
    """Return whether who lodged a challenge took it back, before it left or since, or whether it was sealed anew."""
    found = snapshot.fetch_one(
        "SELECT 1 FROM aftercare_notice WHERE target = ?1 AND kind = 'withdrawal' AND is_own = ?2 AND author = ?3"
        " UNION ALL SELECT 1 FROM sent_message WHERE replaces = ?1"
        " UNION ALL SELECT 1 FROM sent_message JOIN outbox USING (message_id)"
        " WHERE digest = ?1 AND state = 'cancelled'",
        challenge.digest,
        challenge.is_own,
        challenge.lodger,
    )
    return found is not None


def _read_challenge(row: Row) -> StoredChallenge:
    return StoredChallenge(
        digest=row["digest"],
        target=row["target"],
        reference=row["reference"],
        lodger=row["lodger"],
        is_own=bool(row["is_own"]),
        ground=row["ground"],
        on_behalf_of=row["on_behalf_of"],
        lodged_on=row["lodged_on"],
        said_at=read_moment(row["said_at"]),
        acknowledge_by=read_moment(row["acknowledge_by"]),
    )
