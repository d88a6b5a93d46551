"""Sealing and opening attachments as streams: a fresh key each, bound to one message and one place in it.

Memory stays flat whatever the size: bytes come in and go out in pieces. Nothing that `AttachmentOpener.update` returns
may be used before `verify_end` has returned: whoever writes it down keeps it where nobody looks. Files, names and the
network are others' business.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag

from keys.errors import OpeningError
from schemas.codec import b64u_decode, b64u_encode
from schemas.envelope import MessageAttachment, SealedAttachment

_CONTEXT = b"bilateral-attachment/1\x00"


@dataclass(frozen=True, slots=True)
class Measured:
    """SHA-256 (base64url) and size in bytes of a stream that has ended."""

    sha256: str
    size: int


class StreamMeter:
    """Counts and hashes what passes."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.size = 0

    def add(self, data: bytes) -> None:
        """Take the next piece."""
        self._hash.update(data)
        self.size += len(data)

    @property
    def measured(self) -> Measured:
        """Return what has passed so far."""
        return Measured(b64u_encode(self._hash.digest()), self.size)


class AttachmentSealer:
    """Encrypts one attachment piece by piece, measuring both sides. `content_key` is 32 fresh random bytes."""

    def __init__(self, message_id: str, attachment_id: str, *, content_key: bytes) -> None:
        self._encryptor = Cobblestone256Encryptor(content_key, make_context(message_id, attachment_id))
        self._plain, self._sealed = StreamMeter(), StreamMeter()

    def update(self, plaintext: bytes) -> bytes:
        """Return the ciphertext that is ready after this piece."""
        self._plain.add(plaintext)
        return self._keep(self._encryptor.update(plaintext))

    def finalize(self) -> bytes:
        """Return the rest of the ciphertext; the plaintext is complete."""
        return self._keep(self._encryptor.finalize())

    @property
    def plain(self) -> Measured:
        """Return what went in."""
        return self._plain.measured

    @property
    def sealed(self) -> Measured:
        """Return what came out."""
        return self._sealed.measured

    def _keep(self, ciphertext: bytes) -> bytes:
        self._sealed.add(ciphertext)
        return ciphertext


class AttachmentOpener:
    """Decrypts one attachment piece by piece and holds it to what P and M say of it."""

    def __init__(self, message_id: str, sealed: SealedAttachment, inside: MessageAttachment) -> None:
        self._expected, self._inside = sealed, inside
        self._decryptor = Cobblestone256Decryptor(b64u_decode(inside.key), make_context(message_id, inside.id))
        self._plain, self._sealed = StreamMeter(), StreamMeter()

    def update(self, ciphertext: bytes) -> bytes:
        """Return the plaintext that is ready after this piece. It may not be used yet.

        Raises:
            OpeningError: a byte was changed, the order is another, or there is more than there may be.
        """
        self._sealed.add(ciphertext)
        if self._sealed.size > self._expected.size:
            raise OpeningError("the attachment is longer than was signed for")
        return self._take(partial(self._decryptor.update, ciphertext))

    def verify_end(self) -> bytes:
        """Return the rest of the plaintext if all of it is what was promised, to the last byte.

        1. Every chunk is authentic, and the last is the last. 2. Size and SHA-256 of the ciphertext are those P was
        signed with. 3. Size and SHA-256 of the plaintext are those M was committed with.

        Raises:
            OpeningError: naming the step that failed.
        """
        rest = self._take(self._decryptor.finalize)
        if self._sealed.measured != Measured(self._expected.sha256, self._expected.size):
            raise OpeningError("the attachment's ciphertext is not the one that was signed for")
        if self._plain.measured != Measured(self._inside.sha256, self._inside.size):
            raise OpeningError("the attachment's content is not the one its sender named")
        return rest

    def _take(self, decrypt: Callable[[], bytes]) -> bytes:
        try:
            plaintext = decrypt()
        except (InvalidTag, ValueError) as error:
            raise OpeningError("the attachment does not open: it was changed, or is another one") from error
        self._plain.add(plaintext)
        return plaintext


def make_context(message_id: str, attachment_id: str) -> bytes:
    """Return what binds a ciphertext to its message and its place there."""
    return _CONTEXT + message_id.encode("ascii") + b"\x00" + attachment_id.encode("ascii")
