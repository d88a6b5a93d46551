"""Where randomness enters: seeds, salts, content keys and ids. The only file of `keys` that may draw any."""

import secrets
import uuid

from keys.algorithms import SEED_BYTES
from schemas.codec import b64u_encode


def generate_seed() -> bytes:
    """Return 32 random bytes: the seed of a private key, a content key, or a nonce's worth of secret."""
    return secrets.token_bytes(SEED_BYTES)


def generate_salt() -> str:
    """Return 32 random bytes as base64url."""
    return b64u_encode(secrets.token_bytes(32))


def generate_stream_id() -> str:
    """Return 16 random bytes as base64url."""
    return b64u_encode(secrets.token_bytes(16))


def generate_bytes(length: int) -> bytes:
    """Return so many random bytes."""
    return secrets.token_bytes(length)


def generate_id() -> str:
    """Return a random UUID (RFC 9562 §5.4)."""
    return str(uuid.uuid4())
