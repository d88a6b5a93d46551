"""Encryption keys of this agency: drawn, signed by the rotation key, two alive at most, renewed before they end."""

from datetime import datetime, timedelta

from agency_client.errors import DeniedError
from agency_client.local_store.access_log import append_entry
from agency_client.local_store.dispatch import DispatchKind
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.restored import demand_not_restored
from agency_client.local_store.trust import load_key_chain
from agency_client.node import Node
from agency_client.own_keys.documents import load_own_encryption_keys
from agency_client.own_keys.key_sets import load_verified_key_sets
from agency_client.own_keys.publishing import record_own_document
from agency_client.profiles.tls_identity import CLOCK_SLACK
from keys.algorithms import OpeningKey
from keys.encryption_keys import VerifiedEncryptionKeys, sign_encryption_keys, verify_encryption_keys
from keys.errors import KeysError
from keys.key_sets import VerifiedKeySet
from schemas.key_documents import MAX_ENCRYPTION_KEY_DAYS, AgencyClass, EncryptionKey, EncryptionKeys
from schemas.log.records import Action
from schemas.signed import DocumentType, EncryptionUse, KeyUse, SignedDocument

ROTATE_WHEN_LEFT_DAYS = 15


def prepare_encryption_keys(node: Node) -> str:
    """Draw a new encryption key, sign it together with the one in use, queue the document, and return its digest.

    Raises:
        DeniedError: the member is of a class that receives nothing, no rotation key may be used any more, or the node
            was restored and has not caught up.
        NotInstalledError: no key set is installed.
    """
    now = node.clock.now()
    if node.own_key_set().key_set.agency_class is not AgencyClass.AGENCY:
        raise DeniedError("only members of class agency receive messages, so only they have encryption keys")
    rotation = node.signer(KeyUse.ROTATION)
    with node.store.read() as snapshot:
        demand_not_restored(snapshot, "keys")
    fresh = node.keys.make_opening_key(EncryptionUse.ENCRYPTION, now)
    with node.store.write() as transaction:
        document = _make_document(node, transaction, fresh, now)
        verified = _verify_by_any(
            sign_encryption_keys(document, rotation),
            load_verified_key_sets(node, transaction),
            load_verified_encryption_keys(node, transaction),
        )
        kind, digest = DispatchKind.ENCRYPTION_KEYS, verified.digest
        record_own_document(node, transaction, kind, verified.document, digest, document.seq, at=now)
        append_entry(transaction, node.note_access(Action.KEYS, "keys-publish", f"encryption key {fresh.kid}"))
    return digest


def is_rotation_due(node: Node) -> bool:
    """Return whether the newest encryption key has come near its end, or there is none."""
    with node.store.read() as snapshot:
        documents = load_own_encryption_keys(snapshot, node.agency)
    ends = [key.expires_at for key in documents[-1].encryption_keys.keys] if documents else []
    return not ends or max(ends) - node.clock.now() < timedelta(days=ROTATE_WHEN_LEFT_DAYS)


def load_verified_encryption_keys(node: Node, snapshot: Snapshot) -> VerifiedEncryptionKeys | None:
    """Return this agency's newest encryption keys with every check made again, or None."""
    sets = load_verified_key_sets(node, snapshot)
    newest: VerifiedEncryptionKeys | None = None
    for stored in load_key_chain(snapshot, node.agency, DocumentType.ENCRYPTION_KEYS):
        newest = _verify_by_any(SignedDocument.from_canonical(stored.document), sets, newest)
    return newest


def _make_document(node: Node, snapshot: Snapshot, fresh: OpeningKey, now: datetime) -> EncryptionKeys:
    documents = load_own_encryption_keys(snapshot, node.agency)
    newest = documents[-1] if documents else None
    begin = now - CLOCK_SLACK
    key = EncryptionKey(
        use=EncryptionUse.ENCRYPTION,
        jwk=fresh.jwk,
        not_before=begin,
        expires_at=begin + timedelta(days=MAX_ENCRYPTION_KEY_DAYS),
    )
    return EncryptionKeys(
        v=1,
        exchange=node.exchange,
        agency=node.agency,
        seq=newest.encryption_keys.seq + 1 if newest else 1,
        prev=newest.digest if newest else None,
        issued_at=now,
        keys=(key, *_choose_kept(newest.encryption_keys if newest else None, now)),
    )


def _choose_kept(newest: EncryptionKeys | None, now: datetime) -> list[EncryptionKey]:
    """Return the key that stays alive beside a new one: of those that still live the one that lives longest.

    A document names its newest key first, and of two that end in the same second the newer one stays.
    """
    alive = [key for key in newest.keys if now < key.expires_at] if newest else []
    return [max(alive, key=lambda key: key.expires_at)] if alive else []


def _verify_by_any(
    document: SignedDocument, sets: list[VerifiedKeySet], previous: VerifiedEncryptionKeys | None
) -> VerifiedEncryptionKeys:
    for key_set in reversed(sets[1:]):
        try:
            return verify_encryption_keys(document, key_set, previous)
        except KeysError:
            continue  # An older key set of ours signed it.
    return verify_encryption_keys(document, sets[0], previous)
