"""An envelope's bytes apart and together again: the signed document, and the ciphertext that goes when it is settled.

In canonical JSON `ciphertext` stands first, so cutting it out leaves the canonical signed document. Nothing is parsed
or written anew: this runs once a message.
"""

from schemas.codec import b64u_decode, b64u_encode
from schemas.envelope import MAX_ENVELOPE_BYTES, Envelope, Header, Payload
from schemas.signed import SignedDocument

_BEFORE = b'{"ciphertext":"'
_AFTER = b'",'


def cut_ciphertext(canonical_envelope: bytes, envelope: Envelope) -> bytes:
    """Return the canonical signed document (payload and signatures) inside a canonical envelope."""
    start = len(_BEFORE) + len(envelope.ciphertext) + len(_AFTER)
    return b"{" + canonical_envelope[start:]


def read_header(document: bytes) -> Header:
    """Return the header of a stored signed document; it was judged when it was accepted."""
    payload = SignedDocument.from_canonical(document, max_bytes=MAX_ENVELOPE_BYTES).payload_bytes
    return Header.from_canonical(b64u_decode(Payload.from_canonical(payload).header))


def join_envelope(document: bytes, ciphertext: bytes) -> bytes:
    """Return the canonical envelope again."""
    return _BEFORE + b64u_encode(ciphertext).encode("ascii") + _AFTER + document[1:]
