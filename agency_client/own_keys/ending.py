"""When private keys end: nothing that could still be needed is destroyed, and nothing is kept that is not needed.

What was destroyed comes back from nowhere, so the host's clock alone ends no opening key: the exchange, which gives no
token to a clock that is wrong, must have shown an empty inbox since.
"""

from datetime import datetime, timedelta

from agency_client.local_store.engine import Snapshot
from agency_client.local_store.inbox import InboxState, list_unfinished, load_by_digest
from agency_client.local_store.settings import Setting, read_moment_setting
from agency_client.local_store.trust import load_key_chain
from agency_client.node import Node
from agency_client.own_keys.documents import load_own_encryption_keys, load_own_key_sets, load_revoked_kids
from agency_client.profiles.key_store import StoredKey
from agency_client.receiving.errors import UnprovenError
from agency_client.receiving.sealed import read_sealed
from agency_client.witness.standing import is_leaf_witnessed, read_quorum
from schemas.api import LoggedRecord
from schemas.key_documents import EncryptionKey
from schemas.signed import DocumentType, SignedDocument

MAX_DELIVERY_DAYS = 30
"""How long after its acceptance a message may still be handed over (docs/protocol.md §3)."""


def destroy_ended_keys(node: Node) -> list[StoredKey]:
    """Destroy the private keys that nothing can need any more, and return them."""
    return [key for key in list_ended_keys(node) if node.keys.destroy_key(key.use, key.kid)]


def list_ended_keys(node: Node) -> list[StoredKey]:
    """Return the private keys on this node that nothing can need any more.

    An opening key ends when the last message that could be sealed to it has passed its delivery deadline, the inbox was
    empty after that, and nothing that came waits to be opened with it; a signing key when a newer key set without it
    stands where the quorum has seen it, or when it has expired or was revoked itself.
    """
    now = node.clock.now()
    with node.store.read() as snapshot:
        ended = {*_list_ended_opening_keys(node, snapshot, now), *_list_replaced_signing_keys(node, snapshot, now)}
    return [key for key in node.keys.list_keys() if key in ended]


def list_overdue_opening_keys(node: Node, snapshot: Snapshot) -> list[StoredKey]:
    """Return the opening keys that are kept beyond their last deadline: the inbox was not empty since, or they wait."""
    now = node.clock.now()
    ended = set(_list_ended_opening_keys(node, snapshot, now))
    published = _load_published(node, snapshot)
    over = {StoredKey(key.use, kid) for kid, key in published.items() if now >= find_last_deadline(key)} - ended
    return [key for key in node.keys.list_keys() if key in over]


def find_last_deadline(key: EncryptionKey) -> datetime:
    """Return until when a message may be handed over that was accepted in the last second of an encryption key."""
    return key.expires_at + timedelta(days=MAX_DELIVERY_DAYS)


def _list_ended_opening_keys(node: Node, snapshot: Snapshot, now: datetime) -> list[StoredKey]:
    emptied_at = read_moment_setting(snapshot, Setting.INBOX_EMPTIED)
    until = now if emptied_at is None else min(now, emptied_at)
    past = {kid: key for kid, key in _load_published(node, snapshot).items() if until >= find_last_deadline(key)}
    if emptied_at is None or not past:
        return []
    awaited = _list_awaited_kids(node, snapshot)
    return [StoredKey(key.use, kid) for kid, key in past.items() if kid not in awaited]


def _load_published(node: Node, snapshot: Snapshot) -> dict[str, EncryptionKey]:
    documents = load_own_encryption_keys(snapshot, node.agency)
    return {key.kid: key for item in documents for key in item.encryption_keys.keys}


def _list_awaited_kids(node: Node, snapshot: Snapshot) -> frozenset[str]:
    """Return the keys for which messages are sealed that came and were not opened yet."""
    kids = set()
    for digest in list_unfinished(snapshot, (InboxState.NEW, InboxState.SEALED, InboxState.VERIFIED)):
        stored = load_by_digest(snapshot, digest)
        if stored.envelope is None:
            continue  # Its time was over before anybody opened it.
        document = SignedDocument.from_canonical(stored.evidence, max_bytes=1 << 20)
        try:
            kids.add(read_sealed(document).find_recipient(node.agency).kid)
        except UnprovenError:
            continue  # Of another form, or not for this agency: no key opens it.
    return frozenset(kids)


def is_replacement_unwitnessed(node: Node, snapshot: Snapshot) -> bool:
    """Return whether the newest key set took another's place in a part of the log that the quorum has not seen.

    An exchange that showed it to this node alone would otherwise have it destroy the keys that all others go by.
    """
    chain = load_key_chain(snapshot, node.agency, DocumentType.KEY_SET)
    if len(chain) < 2 or chain[-1].leaf is None:
        return False
    place = LoggedRecord.from_canonical(chain[-1].leaf).index
    return not is_leaf_witnessed(node, read_quorum(node, snapshot), chain[-1].origin or "", place)


def _list_replaced_signing_keys(node: Node, snapshot: Snapshot, now: datetime) -> list[StoredKey]:
    sets = load_own_key_sets(snapshot, node.agency)
    if len(sets) < 2 or not sets[-1].is_logged:
        return []
    kept = {key.kids[0] for key in sets[-1].key_set.keys}
    waits, revoked = is_replacement_unwitnessed(node, snapshot), load_revoked_kids(snapshot, node.agency)
    return [
        StoredKey(key.use, key.kids[0])
        for own in sets[:-1]
        for key in own.key_set.keys
        if key.kids[0] not in kept and (not waits or now >= own.key_set.expires_at or not revoked.isdisjoint(key.kids))
    ]
