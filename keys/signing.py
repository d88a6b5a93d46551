"""Signing and verifying documents in pairs: Ed25519 then ML-DSA, both required.

`sign_document` and `verify_document` are the two halves; whose key it is and whether it is in force is decided before,
by `keys.key_sets` and `keys.timeline`. A `Signer` is the port behind which a hardware module can stand.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from keys.algorithms import SigningKey, verify_signature
from keys.errors import SignatureError
from schemas.codec import b64u_encode
from schemas.jwk import AkpJwk, OkpJwk, thumbprint
from schemas.signed import (
    DocumentType,
    Signature,
    SignatureSlot,
    SignedDocument,
    encode_protected,
    make_signing_input,
    read_signatures,
)


class Signer(Protocol):
    """Signs with every key of one logical key, in order."""

    @property
    def kids(self) -> tuple[str, ...]:
        """Return the thumbprints of its keys, in signing order."""

    @property
    def jwks(self) -> tuple[OkpJwk | AkpJwk, ...]:
        """Return its public keys, in signing order."""

    def sign(self, document_type: DocumentType, payload: str) -> tuple[Signature, ...]:
        """Return one signature a key over a base64url payload."""


@dataclass(frozen=True, slots=True)
class SeedSigner:
    """A signer whose private keys are in memory."""

    keys: tuple[SigningKey, ...]

    @property
    def kids(self) -> tuple[str, ...]:
        """Return the thumbprints of its keys, in signing order."""
        return tuple(key.kid for key in self.keys)

    @property
    def jwks(self) -> tuple[OkpJwk | AkpJwk, ...]:
        """Return its public keys, in signing order."""
        return tuple(key.jwk for key in self.keys)

    def sign(self, document_type: DocumentType, payload: str) -> tuple[Signature, ...]:
        """Return one signature a key over a base64url payload."""
        return tuple(_sign_once(key, document_type, payload) for key in self.keys)


def _sign_once(key: SigningKey, document_type: DocumentType, payload: str) -> Signature:
    protected = encode_protected(key.algorithm, key.kid, document_type)
    return Signature(protected=protected, signature=b64u_encode(key.sign(make_signing_input(protected, payload))))


def sign_document(payload: bytes, document_type: DocumentType, signers: Sequence[Signer]) -> SignedDocument:
    """Return the signed document; several signers stand in the order of their thumbprints."""
    text = b64u_encode(payload)
    ordered = sorted(signers, key=lambda signer: signer.kids)
    signatures = tuple(item for signer in ordered for item in signer.sign(document_type, text))
    return SignedDocument(payload=text, signatures=signatures)


def verify_document(document: SignedDocument, expected: DocumentType, jwks: Sequence[OkpJwk | AkpJwk]) -> None:
    """Verify that exactly the keys `jwks` signed `document` as the type expected, in that order.

    Raises:
        SignatureError: a signature missing, superfluous, of another key, or false.
        CodecError: a protected header of another form.
    """
    verify_signatures(document.payload, document.signatures, expected, jwks)


def verify_signatures(
    payload: str, signatures: tuple[Signature, ...], expected: DocumentType, jwks: Sequence[OkpJwk | AkpJwk]
) -> None:
    """Do what `verify_document` does with the parts of a document: its base64url payload, and its signatures.

    Raises:
        SignatureError, CodecError: as there.
    """
    slots = read_signatures(payload, signatures, expected)
    if len(slots) != len(jwks):
        raise SignatureError(f"{len(jwks)} signatures are required, {len(slots)} are there")
    for slot, jwk in zip(slots, jwks, strict=True):
        verify_slot(slot, jwk)


def verify_slot(slot: SignatureSlot, jwk: OkpJwk | AkpJwk) -> None:
    """Verify one signature that was taken apart.

    Raises:
        SignatureError: it names another key or algorithm, or does not verify.
    """
    if slot.header.kid != thumbprint(jwk) or slot.header.alg != jwk.algorithm.value:
        raise SignatureError("a signature is by another key than the one required here")
    verify_signature(jwk, slot.signature, slot.signing_input)
