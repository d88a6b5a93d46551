"""Leaves about a message: that a record is about this very envelope, this recipient, this lease. Pure.

A record that is in the log proves nothing by itself: each member is compared with what it must say.
"""

from agency_client.receiving.sealed import SealedEvidence
from agency_client.witness.evidence import verify_record_says
from agency_client.witness.observer import LogError
from schemas.api import LoggedRecord
from schemas.log.records import RecordType


def verify_accepted_leaf(leaf: LoggedRecord, sealed: SealedEvidence, me: str) -> None:
    """Verify that a record says the exchange accepted this envelope, with `me` among its recipients.

    Raises:
        LogError: it is about something else; the member is named.
    """
    header, routing = sealed.header, sealed.header.routing
    expected = {
        "message": sealed.reference,
        "agency": header.sender.agency,
        "kind": routing.kind,
        "marking": routing.marking,
        "urgency": routing.urgency,
        "size": sealed.payload.body.size,
        "refers_to": header.refers_to,
    }
    verify_record_says(leaf.record, RecordType.MESSAGE_ACCEPTED, expected)
    recorded = [(item.agency, item.agreement) for item in leaf.record.recipients or ()]
    if recorded != [(item.agency, item.agreement) for item in header.recipients]:
        raise LogError("the record's recipients are not those of the header")
    if me not in {agency for agency, _ in recorded}:
        raise LogError(f"the record does not name {me} as a recipient")


def verify_handed_over_leaf(
    leaf: LoggedRecord, accepted: LoggedRecord, sealed: SealedEvidence, *, me: str, lease: str
) -> None:
    """Verify that a record says this envelope was handed over to `me` on this lease, after it was accepted.

    Raises:
        LogError: it is about something else, or stands before the acceptance.
    """
    expected = {
        "message": sealed.reference,
        "agency": sealed.header.sender.agency,
        "partner": me,
        "lease": lease,
    }
    verify_record_says(leaf.record, RecordType.MESSAGE_HANDED_OVER, expected)
    if leaf.index <= accepted.index or leaf.record.time < accepted.record.time:
        raise LogError("the record of the hand-over stands before that of the acceptance")
