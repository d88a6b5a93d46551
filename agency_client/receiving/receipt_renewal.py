"""Receipts that waited while keys changed: sealed for the partner's key of now, and signed by this agency's key of now.

The words stay, and with them salt and digest, so a receipt handed in twice is one. The exchange sees no signature of a
receipt: what a replaced key signed it would pass on, and only its reader would find that nothing proves it.
"""

from agency_client.errors import DeniedError, NotFoundError, VerificationFailedError
from agency_client.local_store.dispatch import Dispatch, DispatchKind, list_due_dispatches, replace_dispatch_body
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.receipts import load_receipt
from agency_client.node import KeySetUnusableError, Node
from agency_client.own_keys.documents import load_own_key_sets
from agency_client.receiving.own_receipts import NoReceiptKeyError, seal_again
from agency_client.witness.walker import walk_log
from schemas.receipts import MAX_RECEIPT_BYTES, SealedReceipt
from schemas.signed import DocumentType, KeyUse, SignedDocument, read_signatures

MAX_WAITING = 10_000


def renew_waiting_receipts(node: Node) -> int:
    """Seal and sign anew what is due and was made for keys that others have replaced; return how many that were.

    Raises:
        OfflineError, LogError: the log may have an own key set that was not read yet, and cannot be read now.
    """
    _learn_own_key_set(node)
    with node.store.read() as snapshot:
        outdated = _find_outdated(node, snapshot)
    return sum(_renew(node, item) for item in outdated)


def _learn_own_key_set(node: Node) -> None:
    """Read on in the log where it may have a key set that was installed here and not read there yet."""
    with node.store.read() as snapshot:
        due = _list_due(node, snapshot, limit=1)
        sets = load_own_key_sets(snapshot, node.agency) if due else []
    if len(sets) > 1 and not sets[-1].is_logged:
        walk_log(node)


def _find_outdated(node: Node, snapshot: Snapshot) -> list[Dispatch]:
    due = _list_due(node, snapshot)
    if not due:
        return []
    kids = {partner: _list_current_kids(node, snapshot, partner) for partner in {item.partner for item in due}}
    own = _find_own_kids(node, snapshot)
    return [
        item
        for item in due
        if _is_sealed_for_others(item, kids[item.partner]) or _is_signed_by_others(snapshot, item, own)
    ]


def _list_due(node: Node, snapshot: Snapshot, *, limit: int = MAX_WAITING) -> list[Dispatch]:
    return list_due_dispatches(snapshot, now=node.clock.now(), limit=limit, kinds=[DispatchKind.RECEIPT])


def _list_current_kids(node: Node, snapshot: Snapshot, partner: str) -> frozenset[str]:
    try:
        timeline = node.directory.read_trusted_timeline(snapshot, partner)
    except (DeniedError, NotFoundError, VerificationFailedError):
        return frozenset()
    newest, now = timeline.newest_encryption_keys, node.clock.now()
    keys = () if newest is None else newest.encryption_keys.keys
    return frozenset(key.kid for key in keys if key.not_before <= now < key.expires_at)


def _is_sealed_for_others(item: Dispatch, current: frozenset[str]) -> bool:
    # Where the partner has no key just now nothing better can be sealed: the exchange takes what is recent.
    return bool(current) and SealedReceipt.from_canonical(item.body).recipient.kid not in current


def _find_own_kids(node: Node, snapshot: Snapshot) -> tuple[str, ...] | None:
    """Return the kids of the receipt key that counts; None where only one key set ever did, or none may sign now."""
    if len(load_own_key_sets(snapshot, node.agency)) < 2:
        return None
    try:
        return node.read_signer(snapshot, KeyUse.RECEIPT).kids
    except KeySetUnusableError:
        return None


def _is_signed_by_others(snapshot: Snapshot, item: Dispatch, own: tuple[str, ...] | None) -> bool:
    stored = None if own is None else load_receipt(snapshot, item.digest)
    if stored is None:
        return False
    document = SignedDocument.from_canonical(stored.document, max_bytes=MAX_RECEIPT_BYTES)
    slots = read_signatures(document.payload, document.signatures, DocumentType.RECEIPT)
    return tuple(slot.header.kid for slot in slots) != own


def _renew(node: Node, item: Dispatch) -> bool:
    with node.store.write() as transaction:
        stored = load_receipt(transaction, item.digest)
        try:
            sealed = None if stored is None else seal_again(node, transaction, stored)
        except (NoReceiptKeyError, KeySetUnusableError):
            return False  # Nothing better can be sealed or signed now.
        if sealed is not None:
            replace_dispatch_body(transaction, item.digest, sealed.canonical(), at=node.clock.now())
    return sealed is not None
