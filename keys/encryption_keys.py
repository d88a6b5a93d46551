"""Encryption keys and revocations: what the online rotation key alone may say, and how it is verified."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from keys.algorithms import check_public_key
from keys.errors import EncryptionKeysError, KeysError, RevocationError
from keys.key_sets import VerifiedKeySet
from keys.signing import Signer, sign_document, verify_document
from schemas.jwk import Algorithm
from schemas.key_documents import (
    MAX_ENCRYPTION_KEY_DAYS,
    MAX_ENCRYPTION_KEYS_PER_USE,
    MAX_KEY_DOCUMENT_BYTES,
    EncryptionKey,
    EncryptionKeys,
    Revocation,
    digest_key_document,
)
from schemas.signed import DocumentType, EncryptionUse, KeyUse, SignedDocument, read_signatures


@dataclass(frozen=True, slots=True)
class VerifiedEncryptionKeys:
    """Encryption keys all of whose checks passed, with the document's digest."""

    encryption_keys: EncryptionKeys
    document: SignedDocument
    digest: str

    def find_key(self, kid: str) -> EncryptionKey | None:
        """Return the key of this name, if the document has it."""
        return next((key for key in self.encryption_keys.keys if key.kid == kid), None)

    def choose_key(self, use: EncryptionUse, now: datetime) -> EncryptionKey | None:
        """Return the key to encrypt to now: of those alive the one that lives longest."""
        alive = [key for key in self.encryption_keys.keys if key.use is use and key.not_before <= now < key.expires_at]
        return max(alive, key=lambda key: (key.expires_at, key.kid), default=None)


@dataclass(frozen=True, slots=True)
class VerifiedRevocation:
    """A revocation all of whose checks passed, with the document's digest."""

    revocation: Revocation
    document: SignedDocument
    digest: str


def sign_encryption_keys(encryption_keys: EncryptionKeys, rotation: Signer) -> SignedDocument:
    """Return the encryption keys signed by the rotation key."""
    return sign_document(encryption_keys.canonical(), DocumentType.ENCRYPTION_KEYS, [rotation])


def sign_revocation(revocation: Revocation, rotation: Signer) -> SignedDocument:
    """Return the revocation signed by the rotation key."""
    return sign_document(revocation.canonical(), DocumentType.REVOCATION, [rotation])


def verify_encryption_keys(
    document: SignedDocument, signer: VerifiedKeySet, previous: VerifiedEncryptionKeys | None
) -> VerifiedEncryptionKeys:
    """Verify a document of encryption keys against its agency's key set and the document before it.

    1. Form, exchange and agency. 2. A rotation key of the key set signed. 3. Number and predecessor continue the chain.
    4. Every key is sound, lives at most 45 days, and at most two of a use are there.

    Raises:
        EncryptionKeysError, SignatureError, KeySetError, CodecError: naming what failed.
    """
    payload = document.payload_bytes
    keys = EncryptionKeys.from_canonical(payload, max_bytes=MAX_KEY_DOCUMENT_BYTES)
    if (keys.exchange, keys.agency) != (signer.key_set.exchange, signer.agency):
        raise EncryptionKeysError("agency: the document is of another agency or exchange")
    _verify_rotation(document, DocumentType.ENCRYPTION_KEYS, signer)
    expected = (1, None) if previous is None else (previous.encryption_keys.seq + 1, previous.digest)
    if (keys.seq, keys.prev) != expected:
        raise EncryptionKeysError(f"seq: number {expected[0]} of the chain is expected, with its predecessor")
    if previous is not None and keys.issued_at < previous.encryption_keys.issued_at:
        raise EncryptionKeysError("issued_at: it cannot be older than the document before it")
    _check_keys(keys)
    return VerifiedEncryptionKeys(keys, document, digest_key_document(DocumentType.ENCRYPTION_KEYS, payload))


def verify_revocation(document: SignedDocument, signer: VerifiedKeySet) -> VerifiedRevocation:
    """Verify a revocation against its agency's key set.

    Raises:
        RevocationError, SignatureError, KeySetError, CodecError: naming what failed.
    """
    payload = document.payload_bytes
    revocation = Revocation.from_canonical(payload, max_bytes=MAX_KEY_DOCUMENT_BYTES)
    if (revocation.exchange, revocation.agency) != (signer.key_set.exchange, signer.agency):
        raise RevocationError("agency: the revocation is of another agency or exchange")
    _verify_rotation(document, DocumentType.REVOCATION, signer)
    if revocation.effective_from > revocation.issued_at + timedelta(days=1):
        raise RevocationError("effective_from: a revocation takes effect at once or in the past")
    return VerifiedRevocation(revocation, document, digest_key_document(DocumentType.REVOCATION, payload))


def _verify_rotation(document: SignedDocument, document_type: DocumentType, signer: VerifiedKeySet) -> None:
    slots = read_signatures(document.payload, document.signatures, document_type)
    jwks = signer.find_keys(KeyUse.ROTATION, tuple(slot.header.kid for slot in slots))
    verify_document(document, document_type, jwks)


def _check_keys(keys: EncryptionKeys) -> None:
    names = [key.kid for key in keys.keys]
    if len(set(names)) != len(names):
        raise EncryptionKeysError("keys: a key stands twice")
    for position, key in enumerate(keys.keys):
        if key.jwk.algorithm is not Algorithm.HPKE_9_KE:
            raise EncryptionKeysError(f"keys.{position}: an HPKE-9-KE key is expected")
        try:
            check_public_key(key.jwk)
        except KeysError as error:
            raise EncryptionKeysError(f"keys.{position}: {error}") from error
        if not key.not_before < key.expires_at <= key.not_before + timedelta(days=MAX_ENCRYPTION_KEY_DAYS):
            raise EncryptionKeysError(f"keys.{position}: it must live, and at most {MAX_ENCRYPTION_KEY_DAYS} days")
    for use in EncryptionUse:
        count = sum(1 for key in keys.keys if key.use is use)
        if count > MAX_ENCRYPTION_KEYS_PER_USE:
            raise EncryptionKeysError(f"keys: {count} of use {use.value}, at most {MAX_ENCRYPTION_KEYS_PER_USE}")
