"""The key documents of this agency itself, published or about to be: which keys it signs and opens with now.

They were verified before they were recorded, and only this node writes its store; here they are read, not judged. What
partners may believe of them is in the log, hence in the directory.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from agency_client.local_store.engine import Snapshot
from agency_client.local_store.trust import KeyDocument, load_key_chain, load_origin
from keys.key_sets import read_key_set
from schemas.key_documents import MAX_KEY_DOCUMENT_BYTES, EncryptionKeys, KeySet, Revocation
from schemas.signed import DocumentType, KeyUse, SignedDocument

Model = TypeVar("Model", EncryptionKeys, Revocation)


@dataclass(frozen=True, slots=True)
class OwnKeySet:
    """An installed key set: content, digest, signed document, and whether the present log has it yet."""

    key_set: KeySet
    digest: str
    document: SignedDocument
    is_logged: bool

    def list_signing_kids(self, use: KeyUse, revoked: frozenset[str]) -> list[tuple[str, ...]]:
        """Return the unrevoked logical keys of a use, each as its kids in signing order."""
        return [key.kids for key in self.key_set.keys if key.use is use and revoked.isdisjoint(key.kids)]


@dataclass(frozen=True, slots=True)
class OwnEncryptionKeys:
    """A document of encryption keys: content, digest, and whether the present log has it yet."""

    encryption_keys: EncryptionKeys
    digest: str
    is_logged: bool


def load_own_key_sets(snapshot: Snapshot, agency: str) -> list[OwnKeySet]:
    """Return every installed key set, oldest first."""
    origin = load_origin(snapshot)
    return [_read_key_set(item, origin) for item in load_key_chain(snapshot, agency, DocumentType.KEY_SET)]


def load_own_encryption_keys(snapshot: Snapshot, agency: str) -> list[OwnEncryptionKeys]:
    """Return every document of encryption keys, oldest first."""
    chain = load_key_chain(snapshot, agency, DocumentType.ENCRYPTION_KEYS)
    origin = load_origin(snapshot)
    return [OwnEncryptionKeys(_read(item, EncryptionKeys), item.digest, _is_logged(item, origin)) for item in chain]


def load_own_revocations(snapshot: Snapshot, agency: str) -> list[Revocation]:
    """Return every revocation."""
    return [_read(item, Revocation) for item in load_key_chain(snapshot, agency, DocumentType.REVOCATION)]


def load_revoked_kids(snapshot: Snapshot, agency: str) -> frozenset[str]:
    """Return the kids this agency has revoked, whether or not the log says so yet."""
    return frozenset(kid for item in load_own_revocations(snapshot, agency) for kid in item.kids)


def _read_key_set(stored: KeyDocument, origin: str | None) -> OwnKeySet:
    document, key_set = _parse_key_set(stored.document)
    return OwnKeySet(key_set, stored.digest, document, _is_logged(stored, origin))


@lru_cache(maxsize=64)
def _parse_key_set(document: bytes) -> tuple[SignedDocument, KeySet]:
    # Every request and every signature asks which keys count; an installed key set never changes.
    signed = SignedDocument.from_canonical(document)
    return signed, read_key_set(signed)


def _is_logged(stored: KeyDocument, origin: str | None) -> bool:
    return stored.leaf is not None and stored.shown_in == origin


def _read(stored: KeyDocument, model: type[Model]) -> Model:
    payload = SignedDocument.from_canonical(stored.document).payload_bytes
    return model.from_canonical(payload, max_bytes=MAX_KEY_DOCUMENT_BYTES)
