"""The algorithms of the one suite: raw keys in and out, one signature at a time.

A private key is a 32-byte seed everywhere: of Ed25519 (RFC 8032), of ML-DSA (FIPS 204) and of X-Wing. Seeds come in as
arguments; `keys.generation` is the only place that makes them.
"""

import hashlib
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import ed25519, mldsa, mlkem, x25519

from keys.edwards import is_sound_public_key
from keys.errors import KeyNotSoundError, SignatureError
from schemas.jwk import PUBLIC_KEY_BYTES, AkpJwk, Algorithm, OkpJwk, make_jwk, thumbprint

SEED_BYTES = 32
_MLKEM_PUBLIC_BYTES = 1184

_SigningPrivateKey = (
    ed25519.Ed25519PrivateKey | mldsa.MLDSA44PrivateKey | mldsa.MLDSA65PrivateKey | mldsa.MLDSA87PrivateKey
)
_SigningPublicKey = ed25519.Ed25519PublicKey | mldsa.MLDSA44PublicKey | mldsa.MLDSA65PublicKey | mldsa.MLDSA87PublicKey


class SigningKey:
    """One private signing key, made from its seed; its name is the public key's thumbprint."""

    __slots__ = ("_private", "algorithm", "jwk", "kid")

    def __init__(self, algorithm: Algorithm, seed: bytes) -> None:
        """Load a 32-byte seed.

        Raises:
            KeyNotSoundError: the seed has another length, or the algorithm does not sign.
        """
        self.algorithm = algorithm
        self._private = _load_private(algorithm, seed)
        self.jwk: OkpJwk | AkpJwk = make_jwk(algorithm, self._private.public_key().public_bytes_raw())
        self.kid = thumbprint(self.jwk)

    def sign(self, data: bytes) -> bytes:
        """Return the signature: Ed25519 pure, or ML-DSA with an empty context."""
        return self._private.sign(data)


class OpeningKey:
    """One private X-Wing key (ML-KEM-768 with X25519) made from its seed (draft-connolly-cfrg-xwing-kem §5.2)."""

    __slots__ = ("jwk", "kid", "private")

    def __init__(self, seed: bytes) -> None:
        """Load a 32-byte seed.

        Raises:
            KeyNotSoundError: the seed has another length.
        """
        _check_seed(seed)
        expanded = hashlib.shake_256(seed).digest(96)
        kem = mlkem.MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
        dh = x25519.X25519PrivateKey.from_private_bytes(expanded[64:])
        self.private = hpke.MLKEM768X25519PrivateKey(kem, dh)
        public = kem.public_key().public_bytes_raw() + dh.public_key().public_bytes_raw()
        jwk = make_jwk(Algorithm.HPKE_9_KE, public)
        assert isinstance(jwk, AkpJwk)  # noqa: S101 - make_jwk gives an AKP key for every algorithm but Ed25519
        self.jwk = jwk
        self.kid = thumbprint(jwk)


def check_public_key(jwk: OkpJwk | AkpJwk) -> None:
    """Check that a public key is one anybody may rely on.

    Raises:
        KeyNotSoundError: wrong length, no point of prime order, or not in the one spelling of its value.
    """
    data = jwk.public_bytes
    if len(data) != PUBLIC_KEY_BYTES[jwk.algorithm]:
        raise KeyNotSoundError(f"a {jwk.algorithm} key has {PUBLIC_KEY_BYTES[jwk.algorithm]} bytes, not {len(data)}")
    if jwk.algorithm is Algorithm.ED25519:
        if not is_sound_public_key(data):
            raise KeyNotSoundError("an Ed25519 key is a canonical point of prime order, and this is none")
    elif jwk.algorithm is Algorithm.HPKE_9_KE:
        load_encryption_key(jwk)
    else:
        load_verifying_key(jwk.algorithm, data)


def verify_signature(jwk: OkpJwk | AkpJwk, signature: bytes, data: bytes) -> None:
    """Verify one signature.

    Raises:
        SignatureError: it does not verify.
    """
    try:
        _find_verifying_key(jwk).verify(signature, data)
    except InvalidSignature as error:
        raise SignatureError(f"the {jwk.algorithm} signature does not verify") from error


@lru_cache(maxsize=2048)
def _find_verifying_key(jwk: OkpJwk | AkpJwk) -> _SigningPublicKey:
    # Loading costs more than looking it up; even decoding two kilobytes for each signature shows in a message's cost.
    return load_verifying_key(jwk.algorithm, jwk.public_bytes)


def load_verifying_key(algorithm: Algorithm, data: bytes) -> _SigningPublicKey:
    """Return the loaded public key.

    Raises:
        KeyNotSoundError: the bytes are no key of this algorithm.
    """
    try:
        match algorithm:
            case Algorithm.ED25519:
                return ed25519.Ed25519PublicKey.from_public_bytes(data)
            case Algorithm.ML_DSA_44:
                return mldsa.MLDSA44PublicKey.from_public_bytes(data)
            case Algorithm.ML_DSA_65:
                return mldsa.MLDSA65PublicKey.from_public_bytes(data)
            case Algorithm.ML_DSA_87:
                return mldsa.MLDSA87PublicKey.from_public_bytes(data)
    except ValueError as error:
        raise KeyNotSoundError(f"the bytes are no {algorithm} public key") from error
    raise KeyNotSoundError(f"{algorithm} does not sign")


def load_encryption_key(jwk: OkpJwk | AkpJwk) -> hpke.MLKEM768X25519PublicKey:
    """Return the loaded X-Wing public key: ML-KEM-768 (1,184 bytes) then X25519 (32 bytes).

    Raises:
        KeyNotSoundError: the bytes are no such key.
    """
    data = jwk.public_bytes
    if jwk.algorithm is not Algorithm.HPKE_9_KE or len(data) != PUBLIC_KEY_BYTES[Algorithm.HPKE_9_KE]:
        raise KeyNotSoundError("not an HPKE-9-KE public key")
    try:
        kem = mlkem.MLKEM768PublicKey.from_public_bytes(data[:_MLKEM_PUBLIC_BYTES])
        dh = x25519.X25519PublicKey.from_public_bytes(data[_MLKEM_PUBLIC_BYTES:])
    except ValueError as error:
        raise KeyNotSoundError("the bytes are no HPKE-9-KE public key") from error
    return hpke.MLKEM768X25519PublicKey(kem, dh)


def _load_private(algorithm: Algorithm, seed: bytes) -> _SigningPrivateKey:
    _check_seed(seed)
    match algorithm:
        case Algorithm.ED25519:
            return ed25519.Ed25519PrivateKey.from_private_bytes(seed)
        case Algorithm.ML_DSA_44:
            return mldsa.MLDSA44PrivateKey.from_seed_bytes(seed)
        case Algorithm.ML_DSA_65:
            return mldsa.MLDSA65PrivateKey.from_seed_bytes(seed)
        case Algorithm.ML_DSA_87:
            return mldsa.MLDSA87PrivateKey.from_seed_bytes(seed)
    raise KeyNotSoundError(f"{algorithm} does not sign")


def _check_seed(seed: bytes) -> None:
    if len(seed) != SEED_BYTES:
        raise KeyNotSoundError(f"a seed has {SEED_BYTES} bytes, not {len(seed)}")
