"""Record a key document of this agency's own, queue it for the exchange, and hand it in.

Whatever is published counts for others from its leaf on. The walk of the log notes that leaf, not the answer to the
hand-in: a directory must not know a document before those that stand in front of it.
"""

from collections.abc import Mapping
from datetime import datetime

from agency_client.local_store.dispatch import Dispatch, DispatchKind, queue_document
from agency_client.local_store.engine import Transaction
from agency_client.local_store.trust import KeyDocument, record_key_document
from agency_client.node import Node
from agency_client.syncing.submitting import Route, submit_queued
from agency_client.witness.walker import WalkReport, walk_log
from schemas.api import ENCRYPTION_KEYS_PATH, KEY_SETS_PATH, REVOCATIONS_PATH, LoggedRecord
from schemas.log.records import RecordType
from schemas.signed import DocumentType, SignedDocument

DOCUMENT_TYPES = {
    DispatchKind.KEY_SET: DocumentType.KEY_SET,
    DispatchKind.ENCRYPTION_KEYS: DocumentType.ENCRYPTION_KEYS,
    DispatchKind.REVOCATION: DocumentType.REVOCATION,
}


def publish_queued(node: Node, digest: str) -> WalkReport:
    """Hand in a key document just queued, and walk the log until its leaf has been read.

    Raises:
        OfflineError: it stays queued; `agency sync` hands it in.
        RefusedError, RefusedConflictError: the exchange will not take it.
        LogError, EquivocationError: the exchange's evidence does not hold.
    """
    submit_queued(node, digest, KEY_ROUTES)
    return walk_log(node)


def record_own_document(
    node: Node,
    transaction: Transaction,
    kind: DispatchKind,
    document: SignedDocument,
    digest: str,
    seq: int | None,
    *,
    at: datetime,
    is_queued: bool = True,
) -> None:
    """Record a verified key document, and queue it unless it goes to the exchange by hand."""
    body = document.canonical()
    stored = KeyDocument(digest, node.agency, DOCUMENT_TYPES[kind], seq, body, None, at)
    record_key_document(transaction, stored)
    if is_queued:
        queue_document(transaction, digest=digest, kind=kind, body=body, at=at)


def _describe(node: Node, item: Dispatch) -> Mapping[str, object]:
    return {"agency": node.agency, "digest": item.digest}


def _leave_to_the_walk(transaction: Transaction, item: Dispatch, leaf: LoggedRecord) -> None:
    pass


KEY_ROUTES: dict[DispatchKind, Route] = {
    DispatchKind.KEY_SET: Route(KEY_SETS_PATH, RecordType.KEY_SET, _describe, _leave_to_the_walk),
    DispatchKind.ENCRYPTION_KEYS: Route(
        ENCRYPTION_KEYS_PATH, RecordType.ENCRYPTION_KEYS, _describe, _leave_to_the_walk
    ),
    DispatchKind.REVOCATION: Route(REVOCATIONS_PATH, RecordType.REVOCATION, _describe, _leave_to_the_walk),
}
"""Where key documents are handed in (`agency_client.syncing.submitting`)."""
