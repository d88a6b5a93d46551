"""Record a key document of this agency's own, queue it for the exchange, and hand it in.

Whatever is published counts for others from its leaf on. The walk of the log notes that leaf, not the answer to the
hand-in: a directory must not know a document before those that stand in front of it.

A document that the exchange does not take is never given up: the next of its chain names it, so without it none could
follow. It is handed in again and again, and where a key set with another rotation key counts by then, under fresh
signatures: its words, and hence its digest, stay. No second document is ever signed for one place.
"""

from collections.abc import Mapping
from datetime import datetime

from agency_client.errors import ClientError
from agency_client.local_store.dispatch import (
    Dispatch,
    DispatchKind,
    list_dispatches,
    queue_document,
    record_dispatch_failed,
    replace_dispatch_body,
)
from agency_client.local_store.engine import Transaction
from agency_client.local_store.problems import Problem
from agency_client.local_store.trust import KeyDocument, record_key_document, replace_unlogged_document
from agency_client.node import KeySetUnusableError, Node
from agency_client.syncing.submitting import Route, SubmitReport, next_attempt_after, submit_due, submit_queued
from agency_client.witness.walker import WalkReport, walk_log
from keys.signing import SeedSigner, sign_document
from schemas.api import ENCRYPTION_KEYS_PATH, KEY_SETS_PATH, REVOCATIONS_PATH, LoggedRecord
from schemas.log.records import RecordType
from schemas.signed import DocumentType, KeyUse, SignedDocument, read_signatures

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


def publish_due(node: Node) -> SubmitReport:
    """Hand in every key document that waits and is due, under the rotation key of now. The log is not walked."""
    sign_waiting_anew(node)
    return submit_due(node, KEY_ROUTES)


def sign_waiting_anew(node: Node) -> int:
    """Sign what waits by a rotation key that counts no more by the one that does; return how many that were."""
    with node.store.write() as transaction:
        waiting = [item for item in list_dispatches(transaction) if item.kind in _BY_ROTATION]
        try:
            rotation = node.read_signer(transaction, KeyUse.ROTATION) if waiting else None
        except KeySetUnusableError:
            return 0  # Nobody else can sign them before there is a new key set.
        return sum(rotation is not None and _sign_anew(node, transaction, item, rotation) for item in waiting)


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


def _keep_waiting(node: Node, item: Dispatch, error: ClientError) -> None:
    now = node.clock.now()
    later = next_attempt_after(item.attempts, now, error)
    with node.store.write() as transaction:
        problem = Problem(error.code, error.sentence)
        record_dispatch_failed(transaction, item.digest, problem, at=now, next_attempt_at=later)


def _sign_anew(node: Node, transaction: Transaction, item: Dispatch, rotation: SeedSigner) -> bool:
    document, document_type = SignedDocument.from_canonical(item.body), DOCUMENT_TYPES[item.kind]
    slots = read_signatures(document.payload, document.signatures, document_type)
    if tuple(slot.header.kid for slot in slots) == rotation.kids:
        return False
    fresh = sign_document(document.payload_bytes, document_type, [rotation]).canonical()
    if not replace_unlogged_document(transaction, item.digest, fresh):
        return False  # An earlier log had it: there its first signatures stand.
    replace_dispatch_body(transaction, item.digest, fresh, at=node.clock.now())
    return True


_BY_ROTATION = frozenset({DispatchKind.ENCRYPTION_KEYS, DispatchKind.REVOCATION})
_RECORD_TYPES = {
    DispatchKind.KEY_SET: (KEY_SETS_PATH, RecordType.KEY_SET),
    DispatchKind.ENCRYPTION_KEYS: (ENCRYPTION_KEYS_PATH, RecordType.ENCRYPTION_KEYS),
    DispatchKind.REVOCATION: (REVOCATIONS_PATH, RecordType.REVOCATION),
}
KEY_ROUTES: dict[DispatchKind, Route] = {
    kind: Route(path, record_type, _describe, _leave_to_the_walk, _keep_waiting)
    for kind, (path, record_type) in _RECORD_TYPES.items()
}
"""Where key documents are handed in (`agency_client.syncing.submitting`)."""
