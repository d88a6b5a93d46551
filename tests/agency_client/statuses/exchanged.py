"""Statuses as they go from VN to GB by a real exchange."""

from agency_client.local_store.statuses import StoredStatus, load_newest_partner_status
from agency_client.node import Node
from agency_client.statuses.partners import VerifiedStatus
from agency_client.statuses.signing import STATUS_ROUTES, sign_status
from agency_client.syncing.submitting import submit_due
from keys.signing import sign_document
from schemas.api import LoggedRecord
from schemas.signed import DocumentType, KeyUse, SignedDocument
from schemas.status import Status, digest_status


def hand_over(vn: Node) -> Status:
    """Let VN sign a status for GB and hand in all that waits."""
    status = sign_status(vn, "GB")
    assert digest_status(status.canonical()) in submit_due(vn, STATUS_ROUTES).logged
    return status


def load_stored(node: Node) -> StoredStatus:
    """Return the newest status this node holds of VN."""
    with node.store.read() as snapshot:
        newest = load_newest_partner_status(snapshot, "VN")
    assert newest is not None
    return newest


def read(stored: StoredStatus) -> Status:
    """Return the status a stored document holds."""
    return Status.from_canonical(SignedDocument.from_canonical(stored.document).payload_bytes)


def make_verified(vn: Node, status: Status) -> VerifiedStatus:
    """Return a status as if it had been verified: signed by VN's true key."""
    payload = status.canonical()
    document = sign_document(payload, DocumentType.STATUS, [vn.signer(KeyUse.RECEIPT)])
    return VerifiedStatus(status, digest_status(payload), document, find_leaf(vn))


def find_leaf(node: Node) -> LoggedRecord:
    """Return some leaf of the log, for a finding to point at."""
    with node.store.read() as snapshot:
        leaf = snapshot.fetch_value("SELECT leaf FROM key_document WHERE leaf IS NOT NULL LIMIT 1")
    return LoggedRecord.from_canonical(leaf)
