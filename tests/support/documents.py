"""Key documents as members (and forgers) sign them: the next one of each chain, with what a test changes."""

from datetime import datetime, timedelta
from typing import Any

from keys.algorithms import OpeningKey
from keys.certificates import make_tls_ca
from keys.key_sets import sign_key_set
from keys.signing import SeedSigner, sign_document
from schemas.codec import b64u_encode
from schemas.key_documents import EncryptionKey, EncryptionKeys, KeySet, Revocation
from schemas.signed import DocumentType, EncryptionUse, KeyUse, SignedDocument
from tests.support.members import Member, derive_seed, succeed


def sign_next_key_set(member: Member, *signers: SeedSigner, **changes: Any) -> SignedDocument:
    """Return key set 2 of a member, signed by two of its roots unless others are given."""
    return sign_key_set(succeed(member, **changes), signers or member.roots[:2])


def make_next_ca(member: Member) -> str:
    """Return a second TLS CA of a member, as key sets name it; its key is of the seed (agency, "tls-ca", 2)."""
    issued_at, seed = member.key_set.issued_at, derive_seed(member.agency, "tls-ca", 2)
    first, last = issued_at - timedelta(days=1), issued_at + timedelta(days=300)
    return b64u_encode(make_tls_ca(seed, serial=9, not_before=first, not_after=last))


def make_next_encryption_keys(member: Member, now: datetime, **changes: Any) -> EncryptionKeys:
    """Return the second document of encryption keys of a member, unsigned, with one fresh key."""
    whole: dict[str, Any] = {
        "v": 1,
        "exchange": member.key_set.exchange,
        "agency": member.agency,
        "seq": 2,
        "prev": member.encryption.digest,
        "issued_at": now,
        "keys": (make_encryption_key(now, derive_seed(member.agency, "encryption", 2)),),
    }
    return EncryptionKeys(**whole | changes)


def make_encryption_key(now: datetime, seed: bytes, **changes: Any) -> EncryptionKey:
    """Return an encryption key that lives 45 days from `now`."""
    whole: dict[str, Any] = {
        "use": EncryptionUse.ENCRYPTION,
        "jwk": OpeningKey(seed).jwk,
        "not_before": now,
        "expires_at": now + timedelta(days=45),
    }
    return EncryptionKey(**whole | changes)


def make_revocation(member: Member, now: datetime, *uses: KeyUse, **changes: Any) -> Revocation:
    """Return a revocation of a member's keys of these uses, unsigned."""
    whole: dict[str, Any] = {
        "v": 1,
        "exchange": member.key_set.exchange,
        "agency": member.agency,
        "kids": tuple(kid for use in uses for kid in member.signers[use].kids),
        "effective_from": now,
        "issued_at": now,
        "reason": "lost-laptop",
    }
    return Revocation(**whole | changes)


def sign_by(
    member: Member,
    model: KeySet | EncryptionKeys | Revocation,
    document_type: DocumentType,
    use: KeyUse = KeyUse.ROTATION,
) -> SignedDocument:
    """Return a document signed by a member's key of one use, as a document of one type."""
    return sign_document(model.canonical(), document_type, [member.signers[use]])
