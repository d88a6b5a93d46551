"""The form of every signed document: a JWS in General JSON serialisation with pairs of signatures (RFC 7515 §7.2.1).

One pair is Ed25519 (RFC 9864) then ML-DSA (RFC 9964), and both must verify. The protected header is exactly
`{alg, kid, typ}`. The table `DOCUMENT_TYPES` says which key use may sign which type and how many pairs stand there. No
signature is checked here: `keys.signing` does that.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import Field

from schemas.codec import b64u_decode, b64u_encode, encode_canonical
from schemas.jwk import Algorithm
from schemas.model import Base64Url, DocumentError, Kid, WireModel

MAX_SIGNATURES = 36


class KeyUse(StrEnum):
    """What one operational key may do; a key has exactly one use."""

    MESSAGE = "message"
    AGREEMENT = "agreement"
    RECEIPT = "receipt"
    REQUEST = "request"
    WITNESS = "witness"
    ROTATION = "rotation"


class EncryptionUse(StrEnum):
    """What an encryption key may open."""

    ENCRYPTION = "encryption"
    SAFEGUARDING = "encryption-safeguarding"


class DocumentType(StrEnum):
    """The `typ` of a protected header (RFC 8725 §3.11: explicit typing)."""

    ENVELOPE = "bilateral-envelope"
    KEY_SET = "bilateral-key-set"
    ENCRYPTION_KEYS = "bilateral-encryption-keys"
    REVOCATION = "bilateral-revocation"
    AGREEMENT_STEP = "bilateral-agreement-step"
    RECEIPT = "bilateral-receipt"
    STATUS = "bilateral-status"
    ACCESS_LOG_HEAD = "bilateral-access-log-head"
    KEY_POSSESSION = "bilateral-key-possession"


SIGNING_USE: dict[DocumentType, KeyUse] = {
    DocumentType.ENVELOPE: KeyUse.MESSAGE,
    DocumentType.ENCRYPTION_KEYS: KeyUse.ROTATION,
    DocumentType.REVOCATION: KeyUse.ROTATION,
    DocumentType.AGREEMENT_STEP: KeyUse.AGREEMENT,
    DocumentType.RECEIPT: KeyUse.RECEIPT,
    DocumentType.STATUS: KeyUse.RECEIPT,
    DocumentType.ACCESS_LOG_HEAD: KeyUse.RECEIPT,
}
"""Which operational key signs a type. Key sets are signed by roots, a possession by its own key."""

USE_ALGORITHMS: dict[KeyUse, tuple[Algorithm, ...]] = {
    KeyUse.MESSAGE: (Algorithm.ED25519, Algorithm.ML_DSA_65),
    KeyUse.AGREEMENT: (Algorithm.ED25519, Algorithm.ML_DSA_65),
    KeyUse.RECEIPT: (Algorithm.ED25519, Algorithm.ML_DSA_65),
    KeyUse.ROTATION: (Algorithm.ED25519, Algorithm.ML_DSA_65),
    KeyUse.REQUEST: (Algorithm.ED25519,),
    KeyUse.WITNESS: (Algorithm.ML_DSA_44,),
}
ROOT_ALGORITHMS = (Algorithm.ED25519, Algorithm.ML_DSA_87)
SIGNATURE_BYTES = {
    Algorithm.ED25519: 64,
    Algorithm.ML_DSA_44: 2420,
    Algorithm.ML_DSA_65: 3309,
    Algorithm.ML_DSA_87: 4627,
}


class ProtectedHeader(WireModel):
    """What a signature covers beside the payload; nothing else may stand there (no `crit`, no `jwk`, no `b64`)."""

    alg: Literal["Ed25519", "ML-DSA-44", "ML-DSA-65", "ML-DSA-87"]
    kid: Kid
    typ: DocumentType


class Signature(WireModel):
    """One signature: the protected header's canonical bytes and the signature, both base64url."""

    protected: Annotated[Base64Url, Field(max_length=256)]
    signature: Annotated[Base64Url, Field(max_length=6170)]


class SignedDocument(WireModel):
    """A payload with its signatures. The digest of a document, everywhere, is a domain hash of the payload bytes."""

    payload: Annotated[Base64Url, Field(max_length=1 << 20)]
    signatures: Annotated[tuple[Signature, ...], Field(min_length=1, max_length=MAX_SIGNATURES)]

    @property
    def payload_bytes(self) -> bytes:
        """Return the exact bytes that were signed."""
        return b64u_decode(self.payload)


@dataclass(frozen=True, slots=True)
class SignatureSlot:
    """One signature taken apart: its header, the bytes it signs (RFC 7515 §5.1) and the signature itself."""

    header: ProtectedHeader
    signing_input: bytes
    signature: bytes


def encode_protected(algorithm: Algorithm, kid: str, document_type: DocumentType) -> str:
    """Return the protected header as base64url of its canonical JSON."""
    return b64u_encode(encode_canonical({"alg": algorithm.value, "kid": kid, "typ": document_type.value}))


@lru_cache(maxsize=2048)
def read_protected(unverified_text: str) -> ProtectedHeader:
    """Return a protected header from its base64url; a key writes the same one every time, so it is read once.

    Raises:
        DocumentError: another form.
        CodecError: not canonical.
    """
    return ProtectedHeader.from_canonical(b64u_decode(unverified_text))


def make_signing_input(protected: str, payload: str) -> bytes:
    """Return ASCII(protected ‖ "." ‖ payload), both base64url (RFC 7515 §5.1)."""
    return f"{protected}.{payload}".encode("ascii")


def read_signatures(payload: str, signatures: tuple[Signature, ...], expected: DocumentType) -> list[SignatureSlot]:
    """Take signatures apart and demand the type that is expected here.

    Raises:
        DocumentError: a header of another form, or another `typ`.
        CodecError: a header that is not canonical.
    """
    slots = []
    for position, item in enumerate(signatures):
        header = read_protected(item.protected)
        if header.typ is not expected:
            raise DocumentError("signature", f"signatures.{position}.typ", f"{expected} is expected, not {header.typ}")
        signature = b64u_decode(item.signature)
        if len(signature) != SIGNATURE_BYTES[Algorithm(header.alg)]:
            raise DocumentError("signature", f"signatures.{position}.signature", f"not the length of {header.alg}")
        slots.append(SignatureSlot(header, make_signing_input(item.protected, payload), signature))
    return slots
