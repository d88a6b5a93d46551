"""List this agency's keys as a person reads them: what each is for, whether it still counts, whether it lies here."""

from dataclasses import dataclass
from datetime import datetime

from agency_client.node import Node
from agency_client.own_keys.documents import (
    OwnEncryptionKeys,
    OwnKeySet,
    load_own_encryption_keys,
    load_own_key_sets,
    load_revoked_kids,
)
from schemas.key_documents import EncryptionKey


@dataclass(frozen=True, slots=True)
class OwnKey:
    """One logical key: `state` is current, revoked, replaced or expired; `kids` are those of its halves."""

    use: str
    kids: tuple[str, ...]
    state: str
    expires_at: datetime
    is_here: bool
    is_logged: bool


def list_own_keys(node: Node) -> list[OwnKey]:
    """Return every key that a key document of this agency names, oldest document first."""
    with node.store.read() as snapshot:
        revoked = load_revoked_kids(snapshot, node.agency)
        sets = load_own_key_sets(snapshot, node.agency)
        documents = load_own_encryption_keys(snapshot, node.agency)
    signing = [key for own in sets for key in _describe_set(node, own, revoked, is_newest=own is sets[-1])]
    return signing + _describe_encryption(node, documents)


def _describe_set(node: Node, own: OwnKeySet, revoked: frozenset[str], *, is_newest: bool) -> list[OwnKey]:
    end, now = own.key_set.expires_at, node.clock.now()
    standing = "replaced" if not is_newest else "expired" if now >= end else "current"
    return [
        OwnKey(
            key.use.value,
            key.kids,
            standing if revoked.isdisjoint(key.kids) else "revoked",
            end,
            node.keys.has_key(key.use, key.kids[0]),
            own.is_logged,
        )
        for key in own.key_set.keys
    ]


def _describe_encryption(node: Node, documents: list[OwnEncryptionKeys]) -> list[OwnKey]:
    newest = {key.kid for key in documents[-1].encryption_keys.keys} if documents else set()
    named: dict[str, tuple[EncryptionKey, bool]] = {}
    for document in documents:
        for key in document.encryption_keys.keys:
            named.setdefault(key.kid, (key, document.is_logged))
    return [
        OwnKey(
            key.use.value,
            (kid,),
            "replaced" if kid not in newest else "expired" if node.clock.now() >= key.expires_at else "current",
            key.expires_at,
            node.keys.has_key(key.use, kid),
            is_logged,
        )
        for kid, (key, is_logged) in named.items()
    ]
