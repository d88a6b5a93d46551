"""Questions and decisions about a further use of a message, as lists show them: no content, no person.

A note is kept in the transaction that seals or opens the message, and stays when that is erased.
"""

from dataclasses import dataclass
from datetime import datetime

from agency_client.local_store.engine import Columns, Row, Snapshot, Transaction, read_moment, read_optional_moment
from schemas.alerts.base import Alert
from schemas.alerts.kinds.release_decision import ReleaseDecision
from schemas.alerts.kinds.release_request import OriginalMessage, Release, ReleaseUse
from schemas.codec import decode_canonical, encode_canonical
from schemas.envelope import Reference

_COLUMNS = (
    "question.digest AS digest, question.message_id AS message_id, question.partner AS partner,"
    " question.is_own AS is_own, question.asked_at AS asked_at, note.originator AS originator,"
    " note.original_id AS original_id, note.original_digest AS original_digest, note.use AS use,"
    " note.holder AS holder, note.recipients AS recipients, decided.outcome AS outcome,"
    " decided.valid_until AS valid_until, link.request_digest AS passed_on"
)
_QUESTIONS = (
    "SELECT digest, message_id, sender AS partner, 0 AS is_own, issued_at AS asked_at FROM inbox_message"
    " WHERE kind IN ('release-request', 'release-inquiry') AND state = 'opened'"
    " UNION ALL SELECT digest, message_id, recipient, 1, issued_at FROM sent_message"
    " JOIN sent_delivery USING (message_id) JOIN outbox USING (message_id)"
    " WHERE kind IN ('release-request', 'release-inquiry') AND outbox.state NOT IN ('refused', 'cancelled')"
)
_DECISIONS = (
    "SELECT digest, refers_to FROM inbox_message WHERE kind = 'release-decision' AND state = 'opened'"
    " UNION ALL SELECT digest, refers_to FROM sent_message JOIN outbox USING (message_id)"
    " WHERE kind = 'release-decision' AND outbox.state NOT IN ('refused', 'cancelled')"
)


@dataclass(frozen=True, slots=True)
class ReleaseQuestion:
    """One question, asked here or from here: of or by which partner, about whose message, and what was decided.

    `outcome` is None while nobody decided; `is_passed_on`: this agency has asked the originator for the partner.
    """

    message_id: str
    digest: str
    partner: str
    is_own: bool
    asked_at: datetime
    original: OriginalMessage
    use: ReleaseUse
    holder: str
    recipients: tuple[str, ...]
    outcome: str | None
    valid_until: datetime | None
    is_passed_on: bool


def note_release(transaction: Transaction, digest: str, alert: Alert) -> None:
    """Keep what lists show of a question or a decision; nothing of any other message."""
    details = alert.details
    if not isinstance(details, Release):
        return
    decision = details if isinstance(details, ReleaseDecision) else None
    row: Columns = {
        "digest": digest,
        "originator": details.original.agency,
        "original_id": details.original.message.id,
        "original_digest": details.original.message.digest,
        "use": details.use.value,
        "holder": details.held_by,
        "recipients": encode_canonical(list(details.recipients or ())).decode(),
        "outcome": None if decision is None else decision.outcome.value,
        "valid_until": None if decision is None else decision.valid_until,
    }
    transaction.insert("release_note", row, if_absent=True)


def list_questions(snapshot: Snapshot, *, limit: int = 500) -> list[ReleaseQuestion]:
    """Return the questions that are known here, those without a decision first, then the newest."""
    rows = snapshot.fetch_all(
        f"SELECT {_COLUMNS} FROM ({_QUESTIONS}) AS question"  # noqa: S608 - all of it is written above
        " JOIN release_note AS note USING (digest)"
        f" LEFT JOIN ({_DECISIONS}) AS decision ON decision.refers_to = question.digest"
        " LEFT JOIN release_note AS decided ON decided.digest = decision.digest"
        " LEFT JOIN release_chain AS link ON link.asked_digest = question.digest"
        " ORDER BY decided.outcome IS NOT NULL, question.asked_at DESC, question.digest LIMIT ?",
        limit,
    )
    return [_read_question(row) for row in rows]


def _read_question(row: Row) -> ReleaseQuestion:
    reference = Reference(id=row["original_id"], digest=row["original_digest"])
    return ReleaseQuestion(
        message_id=row["message_id"],
        digest=row["digest"],
        partner=row["partner"],
        is_own=bool(row["is_own"]),
        asked_at=read_moment(row["asked_at"]),
        original=OriginalMessage(agency=row["originator"], message=reference),
        use=ReleaseUse.from_code(row["use"]),
        holder=row["holder"],
        recipients=tuple(decode_canonical(row["recipients"].encode())),
        outcome=row["outcome"],
        valid_until=read_optional_moment(row["valid_until"]),
        is_passed_on=row["passed_on"] is not None,
    )
