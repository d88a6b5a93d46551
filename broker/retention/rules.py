"""When the exchange's evidence of a message or a receipt ends. Pure: terms and times come in.

Ciphertexts are no business of this: they go when they are handed over or have expired (`broker.inbox`).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from schemas.agreements.terms import Terms
from schemas.log.records import RecordType

REMEMBERED = timedelta(days=7)
"""How long past its delivery deadline a message's id and number stay used: then the deadline alone refuses it."""

RECORD_TERMS: Mapping[RecordType, timedelta] = {
    RecordType.TOKENS_ISSUED: timedelta(days=365),
    RecordType.STATUS: timedelta(days=365),
    RecordType.REFUSED: timedelta(days=2 * 365),
    RecordType.AUDIT_QUERY: timedelta(days=5 * 365),
}
"""Records that speak of no message, and end by themselves; of statuses all but the newest of each signer and partner.

What is not here stays as long as the log: key documents and steps of agreements, by which messages are judged; heads of
access logs, without which an agency could date its entries back; the operator's own acts."""

UNKNOWN_EVIDENCE_DAYS = 10 * 365
"""For a receipt between agencies of which no agreement is known here; there is none without a message, so none."""


def find_message_end(
    terms: Terms, sender: str, recipient: str, accepted_at: datetime, expires_at: datetime
) -> datetime:
    """Return when everything about a message ends but its leaves' hashes.

    By the longest evidence term of the direction, since the broker cannot see which clause covered the content; never
    while its id and number must stay used.
    """
    direction = [clause for clause in terms.clauses if (clause.sender, clause.recipient) == (sender, recipient)]
    days = max(clause.evidence_days for clause in direction or terms.clauses)
    return max(accepted_at + timedelta(days=days), expires_at + REMEMBERED)


def find_receipt_end(evidence_days: int | None, accepted_at: datetime) -> datetime:
    """Return when a receipt's evidence ends: after the longest term any agreement of its two agencies has."""
    return accepted_at + timedelta(days=UNKNOWN_EVIDENCE_DAYS if evidence_days is None else evidence_days)
