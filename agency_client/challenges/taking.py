"""Take a challenge, or a report that tells of one, into the store: in the transaction that opens or seals it.

A challenge goes to who sent the report here, and is taken by who sent it: nobody else, and of nothing else.
"""

from datetime import datetime

from agency_client.errors import UsageError
from agency_client.local_store.challenges import (
    StoredChallenge,
    StoredTold,
    find_document_reference,
    record_challenge,
    record_told,
)
from agency_client.local_store.engine import Snapshot, Transaction
from agency_client.local_store.inbox import find_sender
from agency_client.local_store.sent import find_message_by_digest
from agency_client.receiving.errors import NotCoveredError
from schemas.alerts.base import Alert
from schemas.alerts.kinds.document_status import DocumentStatus
from schemas.alerts.kinds.revocation_challenge import RevocationChallenge

MISPLACED = "challenge-misplaced"


def verify_received_challenge(snapshot: Snapshot, alert: Alert) -> None:
    """Check that a challenge that came here is of a report that this agency sent; any other alert passes.

    Raises:
        NotCoveredError: it is of something else, or of another's report.
    """
    reference = alert.in_reply_to
    if not isinstance(alert.details, RevocationChallenge) or reference is None:
        return
    is_own = find_message_by_digest(snapshot, reference.digest) is not None
    if not is_own or find_document_reference(snapshot, reference.digest) is None:
        raise NotCoveredError("a challenge is of one document's report, and goes to who sent that", code=MISPLACED)


def take_received(transaction: Transaction, digest: str, alert: Alert, *, sender: str, said_at: datetime) -> None:
    """Record what an opened message, kept in this transaction, says of challenges. `digest` is its envelope's."""
    _take(transaction, digest, alert, lodger=sender, said_at=said_at, is_own=False)


def take_own(transaction: Transaction, digest: str, alert: Alert, *, agency: str, said_at: datetime) -> None:
    """Record what a message sealed in this transaction says of challenges.

    Raises:
        UsageError: it challenges something that is no report of one document, or was not received.
    """
    reference = alert.in_reply_to
    if isinstance(alert.details, RevocationChallenge) and reference is not None:
        came = find_sender(transaction, reference.digest) is not None
        if not came or find_document_reference(transaction, reference.digest) is None:
            raise UsageError(
                f"message {reference.id} is no report of one document that came here",
                fix="challenge what a partner reported: agency inbox --kind document-status",
                code=MISPLACED,
            )
    _take(transaction, digest, alert, lodger=agency, said_at=said_at, is_own=True)


def _take(transaction: Transaction, digest: str, alert: Alert, *, lodger: str, said_at: datetime, is_own: bool) -> None:
    details, about = alert.details, alert.in_reply_to
    if isinstance(details, DocumentStatus) and details.challenge is not None:
        reference = find_document_reference(transaction, digest)
        told = details.challenge
        if reference is not None:
            record_told(transaction, StoredTold(digest, reference, told.status.value, told.lodged_on, said_at, is_own))
    if isinstance(details, RevocationChallenge) and about is not None:
        reference = find_document_reference(transaction, about.digest)
        if reference is not None:
            record_challenge(transaction, _describe(digest, about.digest, reference, details, lodger, said_at, is_own))


def _describe(
    digest: str,
    target: str,
    reference: bytes,
    details: RevocationChallenge,
    lodger: str,
    said_at: datetime,
    is_own: bool,
) -> StoredChallenge:
    return StoredChallenge(
        digest=digest,
        target=target,
        reference=reference,
        lodger=lodger,
        is_own=is_own,
        ground=details.ground.value,
        on_behalf_of=details.on_behalf_of or "",
        lodged_on=details.lodged_on,
        said_at=said_at,
        acknowledge_by=details.acknowledge_by,
    )
