"""Cosign the newest checkpoint that this node has walked, and hand it in: this agency as a witness for its partners.

A cosignature says: of all I have signed, this is the newest state, and it continues the others. So nothing is signed
that was not walked and kept; never two trees of one size; never less after more; and nothing by a restored node that
does not know yet what it signed after its backup was made. What is signed is kept before anybody sees it.
"""

from agency_client.errors import ClientError, VerificationFailedError
from agency_client.local_store.checkpoints import SignedCheckpoint, load_checkpoint_within, load_walk
from agency_client.local_store.contradictions import has_log_contradiction
from agency_client.local_store.cosignatures import (
    OwnCosignature,
    load_own_cosignature,
    note_handed_in,
    record_own_cosignature,
)
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.restored import demand_not_restored, note_caught_up
from agency_client.node import Node
from agency_client.own_keys.documents import load_own_key_sets
from keys.cosignatures import Cosigned, cosign_checkpoint, find_cosigner, list_witness_keys, verify_cosignature
from keys.errors import KeysError
from schemas.api import COSIGNATURES_PATH, Cosignature, CosignatureAnswer, CosignedNotes
from schemas.codec import CodecError, b64u_decode, b64u_encode
from schemas.log.checkpoint import Checkpoint
from schemas.log.cosignature import attach_cosignature, format_witness_name
from schemas.signed import KeyUse


def cosign_newest(node: Node) -> OwnCosignature | None:
    """Cosign the newest walked checkpoint if it is larger than the last, hand in what was not; return what was.

    Raises:
        OfflineError, RefusedError: the exchange did not take it; it is handed in again, or something larger instead.
        LogError, EquivocationError: its answer does not hold.
        DeniedError: no witness key may be used, or the node was restored and has not caught up.
    """
    newest = sign_newest(node)
    if newest is None or newest.handed_in_at is not None:
        return None
    body = Cosignature(note=newest.note.decode()).canonical()
    answer = node.connection.post(COSIGNATURES_PATH, body, CosignatureAnswer)
    node.observer.observe(answer.checkpoint)
    with node.store.write() as transaction:
        note_handed_in(transaction, newest, at=node.clock.now())
    return newest


def show_held_head(node: Node) -> None:
    """Hand in the newest head this node has cosigned, once more: by it an exchange that lost its leaves learns so.

    A broker over an older database goes on signing until somebody shows it a head of its own that it does not have.
    Whatever it answers is of no use.
    """
    try:
        newest = sign_newest(node)
        if newest is not None:
            body = Cosignature(note=newest.note.decode()).canonical()
            node.connection.post(COSIGNATURES_PATH, body, CosignatureAnswer)
    except ClientError:
        return


def sign_newest(node: Node) -> OwnCosignature | None:
    """Return the newest cosignature: of the newest walked checkpoint, signed now if it is larger than the last one.

    None before the first walk, and for a log that is proven to have two histories.

    Raises:
        DeniedError: no witness key may be used, or the node was restored and has not caught up.
    """
    with node.store.write() as transaction:
        demand_not_restored(transaction, "cosignatures")
        last, walked = load_own_cosignature(transaction, node.sheet.origin), _find_walked(node, transaction)
        if walked is None or (last is not None and walked.size <= last.size):
            return last
        if has_log_contradiction(transaction, node.sheet.origin):
            return None
        signed = _sign(node, transaction, walked)
        record_own_cosignature(transaction, signed)
    return signed


def take_over_own_cosignature(node: Node) -> None:
    """Learn from the exchange what this agency cosigned last: what a restored node lost with its disk.

    The head is one of this log's, or proof against it. An exchange that hides it cannot be seen through from here.

    Raises:
        VerificationFailedError: what it shows was not signed by a witness key of this agency.
        LogError, EquivocationError: the head is not shown to be of this log.
        OfflineError: it was not reached.
    """
    answer = node.connection.get(COSIGNATURES_PATH, CosignedNotes, {"agencies": node.agency})
    node.observer.observe(answer.checkpoint)
    for item in answer.notes:
        if item.agency == node.agency:
            cosigned = _verify_own(node, item.note)
            node.observer.observe(item.note)
            _record_taken_over(node, cosigned, item.note)
    with node.store.write() as transaction:
        note_caught_up(transaction, "cosignatures")


def _sign(node: Node, snapshot: Snapshot, walked: SignedCheckpoint) -> OwnCosignature:
    checkpoint = Checkpoint(walked.origin, walked.size, b64u_decode(walked.root))
    now, signer = node.clock.now(), node.read_signer(snapshot, KeyUse.WITNESS)
    line = cosign_checkpoint(checkpoint, format_witness_name(node.exchange, node.agency), signer.keys[0], now)
    return OwnCosignature(walked.origin, walked.size, walked.root, attach_cosignature(walked.note, line), now)


def _find_walked(node: Node, snapshot: Snapshot) -> SignedCheckpoint | None:
    walk = load_walk(snapshot, node.sheet.origin)
    found = None if walk is None else load_checkpoint_within(snapshot, node.sheet.origin, walk.size)
    return None if found is None or found.size == 0 else found


def _verify_own(node: Node, unverified_note: str) -> Cosigned:
    with node.store.read() as snapshot:
        sets = load_own_key_sets(snapshot, node.agency)
    keys = [key for own in sets for key in list_witness_keys(own.key_set)]
    name, note = format_witness_name(node.exchange, node.agency), unverified_note.encode()
    try:
        return verify_cosignature(note, name, find_cosigner(note, name, keys))
    except (KeysError, CodecError) as error:
        raise VerificationFailedError(
            f"the exchange shows a cosignature of ours that is none: {error}", code="own-cosignature-refused"
        ) from error


def _record_taken_over(node: Node, cosigned: Cosigned, note: str) -> None:
    checkpoint, now = cosigned.checkpoint, node.clock.now()
    with node.store.write() as transaction:
        last = load_own_cosignature(transaction, checkpoint.origin)
        if last is None or last.size < checkpoint.size:
            root = b64u_encode(checkpoint.root)
            taken = OwnCosignature(checkpoint.origin, checkpoint.size, root, note.encode(), cosigned.time, now)
            record_own_cosignature(transaction, taken)
