"""Public keys as JSON Web Keys, and their thumbprints, which are the only names keys have here.

Ed25519 is an OKP key (RFC 8037); ML-DSA and the HPKE key are AKP keys (RFC 9964). Whether the bytes are a sound key (a
point of prime order, say) is `keys.algorithms`' business: this module has no cryptography.
"""

import hashlib
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from schemas.codec import b64u_decode, b64u_encode, encode_canonical
from schemas.model import Base64Url, Digest, WireModel


class Algorithm(StrEnum):
    """JOSE algorithm names of the one suite `v: 1`."""

    ED25519 = "Ed25519"
    ML_DSA_44 = "ML-DSA-44"
    ML_DSA_65 = "ML-DSA-65"
    ML_DSA_87 = "ML-DSA-87"
    HPKE_9_KE = "HPKE-9-KE"


PUBLIC_KEY_BYTES = {
    Algorithm.ED25519: 32,
    Algorithm.ML_DSA_44: 1312,
    Algorithm.ML_DSA_65: 1952,
    Algorithm.ML_DSA_87: 2592,
    Algorithm.HPKE_9_KE: 1216,
}


class OkpJwk(WireModel):
    """An Ed25519 public key (RFC 8037 §2); `x` is 32 bytes."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: Digest

    @property
    def algorithm(self) -> Algorithm:
        """Return the algorithm this key is for."""
        return Algorithm.ED25519

    @property
    def public_bytes(self) -> bytes:
        """Return the raw public key."""
        return b64u_decode(self.x)


class AkpJwk(WireModel):
    """An ML-DSA or HPKE public key (RFC 9964 §3); `pub` is the raw key."""

    kty: Literal["AKP"]
    alg: Literal["ML-DSA-44", "ML-DSA-65", "ML-DSA-87", "HPKE-9-KE"]
    pub: Annotated[Base64Url, Field(max_length=3456)]

    @property
    def algorithm(self) -> Algorithm:
        """Return the algorithm this key is for."""
        return Algorithm(self.alg)

    @property
    def public_bytes(self) -> bytes:
        """Return the raw public key."""
        return b64u_decode(self.pub)


def _kty_of(value: object) -> object:
    return value.get("kty") if isinstance(value, dict) else getattr(value, "kty", None)


Jwk = Annotated[Annotated[OkpJwk, Tag("OKP")] | Annotated[AkpJwk, Tag("AKP")], Discriminator(_kty_of)]


def make_jwk(algorithm: Algorithm, public_bytes: bytes) -> OkpJwk | AkpJwk:
    """Return the JWK of a raw public key.

    Raises:
        ValueError: the length is not the algorithm's.
    """
    if len(public_bytes) != PUBLIC_KEY_BYTES[algorithm]:
        raise ValueError(f"a {algorithm} public key has {PUBLIC_KEY_BYTES[algorithm]} bytes, not {len(public_bytes)}")
    text = b64u_encode(public_bytes)
    if algorithm is Algorithm.ED25519:
        return OkpJwk(kty="OKP", crv="Ed25519", x=text)
    return AkpJwk.from_wire({"kty": "AKP", "alg": algorithm.value, "pub": text})


@lru_cache(maxsize=2048)
def thumbprint(jwk: OkpJwk | AkpJwk) -> str:
    """Return the key's name, its thumbprint as base64url (RFC 7638 §3; RFC 9964 §6 for AKP keys).

    All members of our two forms are the required ones, so the canonical JSON is the thumbprint's input.
    """
    return b64u_encode(hashlib.sha256(encode_canonical(jwk.to_wire())).digest())
