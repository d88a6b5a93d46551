"""Keyed references: equal texts have equal ones under one secret key, and without it they say nothing of the text.

HMAC-SHA-256 (RFC 2104) over a purpose and the text, so that a reference made for one purpose fits no other.
"""

import hashlib
import hmac

REFERENCE_KEY_BYTES = 32
REFERENCE_BYTES = 32


def compute_reference(key: bytes, purpose: str, text: str) -> bytes:
    """Return the reference of a text, 32 bytes.

    Raises:
        ValueError: the key has another length.
    """
    if len(key) != REFERENCE_KEY_BYTES:
        raise ValueError(f"a reference key is {REFERENCE_KEY_BYTES} bytes, {len(key)} were given")
    name = purpose.encode()
    # The length keeps ("a", "bc") and ("ab", "c") apart; lone surrogates in foreign names are data here, no error.
    message = len(name).to_bytes(2) + name + text.encode(errors="surrogatepass")
    return hmac.digest(key, message, hashlib.sha256)
