"""Encryption keys of this agency: drawn, signed by the rotation key, two alive of a use at most, renewed in time.

The key for what is confidential is renewed like the other, by whoever runs the node: its private side goes to the
safeguarding compartment as it is drawn, unread. Without a compartment there is none, and nothing confidential arrives.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from agency_client.errors import DeniedError
from agency_client.local_store.access_log import append_entry
from agency_client.local_store.compartment import find_root_key
from agency_client.local_store.dispatch import DispatchKind
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.restored import demand_not_restored
from agency_client.local_store.trust import load_key_chain
from agency_client.node import Node, NotInstalledError
from agency_client.own_keys.documents import load_own_encryption_keys
from agency_client.own_keys.key_sets import load_verified_key_sets
from agency_client.own_keys.publishing import record_own_document
from agency_client.profiles.tls_identity import CLOCK_SLACK
from keys.algorithms import OpeningKey
from keys.encryption_keys import VerifiedEncryptionKeys, sign_encryption_keys, verify_encryption_keys
from keys.errors import KeysError, KeySetError
from keys.key_sets import VerifiedKeySet
from schemas.jwk import AkpJwk
from schemas.key_documents import MAX_ENCRYPTION_KEY_DAYS, AgencyClass, EncryptionKey, EncryptionKeys
from schemas.log.records import Action
from schemas.signed import DocumentType, EncryptionUse, KeyUse, SignedDocument

ROTATE_WHEN_LEFT_DAYS = 15


def prepare_encryption_keys(node: Node, uses: Sequence[EncryptionUse] = (EncryptionUse.ENCRYPTION,)) -> str:
    """Draw a new key of each use, sign it together with those in use, queue the document, and return its digest.

    Raises:
        DeniedError: the member is of a class that receives nothing, no rotation key may be used any more, or the node
            was restored and has not caught up.
        NotInstalledError: no key set is installed, or there is no safeguarding compartment to draw a key for.
    """
    now = node.clock.now()
    if node.own_key_set().key_set.agency_class is not AgencyClass.AGENCY:
        raise DeniedError("only members of class agency receive messages, so only they have encryption keys")
    rotation = node.signer(KeyUse.ROTATION)
    with node.store.read() as snapshot:
        demand_not_restored(snapshot, "keys")
        root_key = find_root_key(snapshot)
    fresh = {use: _draw(node, use, root_key, now) for use in uses}
    with node.store.write() as transaction:
        document = _make_document(node, transaction, fresh, now)
        verified = _verify_by_any(
            sign_encryption_keys(document, rotation),
            load_verified_key_sets(node, transaction),
            load_verified_encryption_keys(node, transaction),
        )
        kind, digest = DispatchKind.ENCRYPTION_KEYS, verified.digest
        record_own_document(node, transaction, kind, verified.document, digest, document.seq, at=now)
        for use, key in fresh.items():
            append_entry(transaction, node.note_access(Action.KEYS, "keys-publish", f"{use.value} key {key.kid}"))
    return digest


def is_rotation_due(node: Node) -> bool:
    """Return whether the newest encryption key of a use has come near its end, or there is none."""
    return bool(list_due_uses(node))


def list_due_uses(node: Node) -> tuple[EncryptionUse, ...]:
    """Return the uses whose newest encryption key has come near its end, or is missing."""
    with node.store.read() as snapshot:
        documents = load_own_encryption_keys(snapshot, node.agency)
        uses = list_uses(snapshot)
    keys = documents[-1].encryption_keys.keys if documents else ()
    soon = node.clock.now() + timedelta(days=ROTATE_WHEN_LEFT_DAYS)
    return tuple(use for use in uses if not any(key.use is use and key.expires_at >= soon for key in keys))


def list_uses(snapshot: Snapshot) -> tuple[EncryptionUse, ...]:
    """Return the uses that this agency has keys of: the one for victims only where there is a compartment."""
    return tuple(EncryptionUse) if find_root_key(snapshot) is not None else (EncryptionUse.ENCRYPTION,)


def load_verified_encryption_keys(node: Node, snapshot: Snapshot) -> VerifiedEncryptionKeys | None:
    """Return this agency's newest encryption keys with every check made again, or None."""
    sets = load_verified_key_sets(node, snapshot)
    newest: VerifiedEncryptionKeys | None = None
    for stored in load_key_chain(snapshot, node.agency, DocumentType.ENCRYPTION_KEYS):
        newest = _verify_by_any(SignedDocument.from_canonical(stored.document), sets, newest)
    return newest


def _draw(node: Node, use: EncryptionUse, root_key: bytes | None, now: datetime) -> OpeningKey:
    if use is EncryptionUse.ENCRYPTION:
        return node.keys.make_opening_key(use, now)
    if root_key is None:
        raise NotInstalledError(
            "there is no safeguarding compartment on this node", fix="two officers run: agency safeguarding found"
        )
    return node.keys.make_compartment_key(AkpJwk.from_canonical(root_key), now)


def _make_document(
    node: Node, snapshot: Snapshot, fresh: Mapping[EncryptionUse, OpeningKey], now: datetime
) -> EncryptionKeys:
    documents = load_own_encryption_keys(snapshot, node.agency)
    newest = documents[-1] if documents else None
    begin = now - CLOCK_SLACK
    end = begin + timedelta(days=MAX_ENCRYPTION_KEY_DAYS)
    drawn = (EncryptionKey(use=use, jwk=key.jwk, not_before=begin, expires_at=end) for use, key in fresh.items())
    return EncryptionKeys(
        v=1,
        exchange=node.exchange,
        agency=node.agency,
        seq=newest.encryption_keys.seq + 1 if newest else 1,
        prev=newest.digest if newest else None,
        # A clock that was set back since the document before does not put this one before it.
        issued_at=max(now, newest.encryption_keys.issued_at) if newest else now,
        keys=(*drawn, *_choose_kept(newest.encryption_keys if newest else None, fresh, now)),
    )


def _choose_kept(
    newest: EncryptionKeys | None, fresh: Container[EncryptionUse], now: datetime
) -> Iterator[EncryptionKey]:
    """Give the keys that stay alive: beside a new one the one of its use that lives longest, of other uses all.

    A document names its newest key first, and of two that end in the same second the newer one stays.
    """
    alive = [key for key in newest.keys if now < key.expires_at] if newest else []
    for use in EncryptionUse:
        of_use = [key for key in alive if key.use is use]
        if use in fresh and of_use:
            yield max(of_use, key=lambda key: key.expires_at)
        else:
            yield from of_use


def _verify_by_any(
    document: SignedDocument, sets: list[VerifiedKeySet], previous: VerifiedEncryptionKeys | None
) -> VerifiedEncryptionKeys:
    refusals: list[KeysError] = []
    for key_set in reversed(sets):
        try:
            return verify_encryption_keys(document, key_set, previous)
        except KeysError as error:
            refusals.append(error)  # An older key set of ours may have signed it.
    raise next((error for error in refusals if not isinstance(error, KeySetError)), refusals[0])
