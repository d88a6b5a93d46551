"""What one officer has approved and another must approve as well, each on record; nothing of it takes effect here.

An approval is of exactly one thing, named by a kind and a digest. A person counts once, however the name is written.
"""

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from agency_client.local_store.engine import Row, Snapshot, Transaction, read_moment

APPROVAL_LASTS = timedelta(hours=24)
PERSONS = 2
"""How many persons must approve of one thing."""


class ApprovalKind(StrEnum):
    """What is approved; the digest of an approval is of exactly that."""

    NEW_LOG = "new-log"
    AGREEMENT_STEP = "agreement-step"
    SETTLEMENT = "settlement"
    COMPARTMENT = "compartment"


class ApprovalEnd(StrEnum):
    """How an approval ended."""

    USED = "used"
    REFUSED = "refused"
    EXPIRED = "expired"
    OVERTAKEN = "overtaken"


@dataclass(frozen=True, slots=True)
class Approval:
    """One officer's approval that still counts. `what` says in one line what was approved.

    `about` names what it belongs to, like an agreement's id, "" for nothing: `end_approvals_about` ends all of that.
    """

    id: int
    kind: ApprovalKind
    subject: str
    what: str
    officer: str
    reason: str
    given_at: datetime
    about: str = ""

    @property
    def expires_at(self) -> datetime:
        """Return until when it counts."""
        return self.given_at + APPROVAL_LASTS


def name_person(officer: str) -> str:
    """Return an officer's name as persons are told apart: without regard to case, width and spaces."""
    return "".join(unicodedata.normalize("NFKC", officer).casefold().split())


def give_approval(
    transaction: Transaction,
    kind: ApprovalKind,
    subject: str,
    *,
    what: str,
    officer: str,
    reason: str,
    at: datetime,
    about: str = "",
) -> list[Approval]:
    """Record an officer's approval and return all that count for this very thing now, oldest first.

    The same person again renews nothing and adds nothing.
    """
    expire_approvals(transaction, now=at)
    row = {"kind": kind, "subject": subject, "what": what, "officer": officer, "person": name_person(officer)}
    transaction.insert("approval", {**row, "reason": reason, "given_at": at, "about": about}, if_absent=True)
    return [item for item in list_approvals(transaction, now=at) if (item.kind, item.subject) == (kind, subject)]


def list_approvals(snapshot: Snapshot, *, now: datetime) -> list[Approval]:
    """Return every approval that waits for another person's, oldest first."""
    rows = snapshot.fetch_all(
        "SELECT * FROM approval WHERE ended_at IS NULL AND given_at > ? ORDER BY id", now - APPROVAL_LASTS
    )
    return [_read_approval(row) for row in rows]


def end_approvals(
    transaction: Transaction, kind: ApprovalKind, subject: str, end: ApprovalEnd, *, by: str, at: datetime
) -> int:
    """End every approval of one thing: it took effect, or somebody refuses it. Return how many there were."""
    return transaction.execute(
        "UPDATE approval SET ended_at = ?, outcome = ?, ended_by = ?"
        " WHERE kind = ? AND subject = ? AND ended_at IS NULL",
        at,
        end,
        by,
        kind,
        subject,
    )


def end_approvals_about(transaction: Transaction, kind: ApprovalKind, about: str, *, by: str, at: datetime) -> int:
    """End every approval that belongs to something which went on without it; return how many there were."""
    return transaction.execute(
        "UPDATE approval SET ended_at = ?, outcome = ?, ended_by = ? WHERE kind = ? AND about = ? AND ended_at IS NULL",
        at,
        ApprovalEnd.OVERTAKEN,
        by,
        kind,
        about,
    )


def expire_approvals(transaction: Transaction, *, now: datetime) -> int:
    """End the approvals that nobody joined in time; return how many there were."""
    return transaction.execute(
        "UPDATE approval SET ended_at = ?, outcome = ? WHERE ended_at IS NULL AND given_at <= ?",
        now,
        ApprovalEnd.EXPIRED,
        now - APPROVAL_LASTS,
    )


def _read_approval(row: Row) -> Approval:
    return Approval(
        id=row["id"],
        kind=ApprovalKind(row["kind"]),
        subject=row["subject"],
        what=row["what"],
        officer=row["officer"],
        reason=row["reason"],
        given_at=read_moment(row["given_at"]),
        about=row["about"],
    )
