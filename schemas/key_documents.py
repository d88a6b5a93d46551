"""Documents about keys: key set, encryption keys, revocation, trust anchor and the exchange's own sheet.

Shapes only. What every verifier checks of them, in numbered steps, is in `keys.key_sets` and `keys.encryption_keys`.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from schemas.codec import encode_canonical, hash_text
from schemas.identifiers.states import StateCode
from schemas.jwk import AkpJwk, Jwk, OkpJwk, thumbprint
from schemas.model import AgencyId, Base64Url, Code, Counter, Digest, ExchangeName, Kid, Line, Timestamp, WireModel
from schemas.signed import DocumentType, EncryptionUse, KeyUse

MAX_ROOTS = 9
MAX_KEYS_PER_USE = 4
MAX_ENCRYPTION_KEY_DAYS = 45
MAX_ENCRYPTION_KEYS_PER_USE = 2
MAX_KEY_SET_DAYS = 400
MAX_KEY_DOCUMENT_BYTES = 192 * 1024

LogOrigin = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,62}[a-z0-9]/[1-9][0-9]{0,5}$")]


class AgencyClass(StrEnum):
    """What a member is; only an agency can be a party to an agreement or a recipient."""

    AGENCY = "agency"
    OVERSIGHT = "oversight"
    OPERATOR = "operator"


class RootKey(WireModel):
    """One offline root: an Ed25519 and an ML-DSA-87 key that sign together."""

    ed25519: OkpJwk
    ml_dsa: AkpJwk

    @property
    def kids(self) -> tuple[str, str]:
        """Return the thumbprints, Ed25519 first."""
        return thumbprint(self.ed25519), thumbprint(self.ml_dsa)


class Roots(WireModel):
    """The roots of an agency and how many of them must sign; ordered by their Ed25519 thumbprints."""

    threshold: Annotated[int, Field(ge=1, le=MAX_ROOTS)]
    keys: Annotated[tuple[RootKey, ...], Field(min_length=1, max_length=MAX_ROOTS)]


class PossessedKey(WireModel):
    """A public key with the signature by which it says whose it is and for what (typ `bilateral-key-possession`)."""

    jwk: Jwk
    possession: Annotated[Base64Url, Field(max_length=6170)]


class OperationalKey(WireModel):
    """One logical signing key: the pair (or single key) of one use, in the order of `schemas.signed.USE_ALGORITHMS`."""

    use: KeyUse
    keys: Annotated[tuple[PossessedKey, ...], Field(min_length=1, max_length=2)]

    @property
    def kids(self) -> tuple[str, ...]:
        """Return the thumbprints in signing order."""
        return tuple(thumbprint(key.jwk) for key in self.keys)


class KeySet(WireModel):
    """All operational keys of an agency, signed by its roots (typ `bilateral-key-set`).

    `seq` starts at 1 and only grows by one; `prev` is the digest of the set before, absent in the first.
    """

    v: Literal[1]
    exchange: ExchangeName
    agency: AgencyId
    agency_class: AgencyClass
    name: Line
    state: StateCode | None = None
    seq: Counter
    prev: Digest | None = None
    issued_at: Timestamp
    expires_at: Timestamp
    roots: Roots
    keys: Annotated[tuple[OperationalKey, ...], Field(min_length=1, max_length=len(KeyUse) * MAX_KEYS_PER_USE)]
    tls_ca: Annotated[Base64Url, Field(max_length=4096)]


class EncryptionKey(WireModel):
    """One HPKE public key and when it may be used; at most 45 days."""

    use: EncryptionUse
    jwk: AkpJwk
    not_before: Timestamp
    expires_at: Timestamp

    @property
    def kid(self) -> str:
        """Return the thumbprint."""
        return thumbprint(self.jwk)


class EncryptionKeys(WireModel):
    """The encryption keys of an agency, published by its rotation key (typ `bilateral-encryption-keys`)."""

    v: Literal[1]
    exchange: ExchangeName
    agency: AgencyId
    seq: Counter
    prev: Digest | None = None
    issued_at: Timestamp
    keys: Annotated[
        tuple[EncryptionKey, ...], Field(min_length=1, max_length=len(EncryptionUse) * MAX_ENCRYPTION_KEYS_PER_USE)
    ]


class Revocation(WireModel):
    """Operational keys no longer good from a moment on, signed by the rotation key (typ `bilateral-revocation`)."""

    v: Literal[1]
    exchange: ExchangeName
    agency: AgencyId
    kids: Annotated[tuple[Kid, ...], Field(min_length=1, max_length=64)]
    effective_from: Timestamp
    issued_at: Timestamp
    reason: Code


class LogKeys(WireModel):
    """The two keys that sign the exchange's checkpoints."""

    ed25519: OkpJwk
    ml_dsa: AkpJwk


class ExchangeSheet(WireModel):
    """What the paper says of the exchange: name, log origin (`name/epoch`), log keys, CA of its own TLS certificate."""

    v: Literal[1]
    name: ExchangeName
    origin: LogOrigin
    log_keys: LogKeys
    tls_ca: Annotated[Base64Url, Field(max_length=4096)]


KEY_DOCUMENT_DOMAINS = {
    DocumentType.KEY_SET: "key-set",
    DocumentType.ENCRYPTION_KEYS: "encryption-keys",
    DocumentType.REVOCATION: "revocation",
}


def digest_key_document(document_type: DocumentType, payload: bytes) -> str:
    """Return the digest of a key document's payload, the value `prev` names."""
    return hash_text(KEY_DOCUMENT_DOMAINS[document_type], payload)


def compute_trust_anchor(agency: str, roots: Roots) -> str:
    """Return the digest of canonical `{agency, roots, threshold}`: what two agencies exchange in person."""
    value = {"agency": agency, "roots": [key.to_wire() for key in roots.keys], "threshold": roots.threshold}
    return hash_text("trust-anchor", encode_canonical(value))


def compute_exchange_anchor(sheet: ExchangeSheet) -> str:
    """Return the digest of the exchange's sheet: what its operator hands over in person."""
    return hash_text("exchange", sheet.canonical())


def make_possession_payload(exchange: str, agency: str, use: KeyUse, kid: str) -> bytes:
    """Return what a key signs about itself: exchange, agency, use and its own thumbprint."""
    return encode_canonical({"agency": agency, "exchange": exchange, "kid": kid, "use": use.value})
