"""Sealing and opening: the content cipher, the wrapped key, and the envelope made of them.

Commit, encrypt, sign, in that order. The header's hash stands in the key wrapping and in the cipher's context, so
nobody can sign the ciphertext again as his own; header and recipients are repeated under the encryption, so nobody can
pass it on under another name. Which keys and agreements are good is decided before; this module takes them as they
come.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke

from keys.algorithms import OpeningKey, load_encryption_key
from keys.errors import EnvelopeError, OpeningError
from keys.signing import Signer, verify_signatures
from schemas.codec import b64u_decode, b64u_encode, demand_few_values, hash_bytes
from schemas.envelope import (
    CONTENT_ENCRYPTION,
    KEM_OUTPUT_BYTES,
    MAX_ENVELOPE_BYTES,
    MAX_ENVELOPE_VALUES,
    PADDING_BUCKETS,
    Body,
    Envelope,
    Header,
    Message,
    Payload,
    SealedAttachment,
    WrappedKey,
    compute_commitment,
    compute_envelope_digest,
    compute_header_hash,
    pad_message,
)
from schemas.jwk import AkpJwk, OkpJwk
from schemas.signed import DocumentType

_SUITE = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.SHAKE256, hpke.AEAD.AES_256_GCM)
_BODY_CONTEXT = b"bilateral-body/1\x00"
_WRAPPED_KEY_BYTES = 48


@dataclass(frozen=True, slots=True)
class SealedMessage:
    """An envelope just made, with what its sender keeps: the digest, and M's exact bytes."""

    envelope: Envelope
    header: Header
    digest: str
    message_bytes: bytes


@dataclass(frozen=True, slots=True)
class ParsedEnvelope:
    """An envelope taken apart: its form is checked, its body is the one signed for, its signatures are not verified."""

    envelope: Envelope
    payload: Payload
    header: Header
    header_bytes: bytes
    ciphertext: bytes
    digest: str

    @property
    def header_hash(self) -> bytes:
        """Return hash("header", H)."""
        return compute_header_hash(self.header_bytes)


@dataclass(frozen=True, slots=True)
class OpenedMessage:
    """What a recipient found inside: M, and its exact bytes, with which anybody can be convinced."""

    message: Message
    message_bytes: bytes


def encrypt_content(plaintext: bytes, content_key: bytes, context: bytes) -> bytes:
    """Encrypt with Cobblestone-256 (C2SP chunked-encryption) under a fresh 32-byte key."""
    encryptor = Cobblestone256Encryptor(content_key, context)
    return encryptor.update(plaintext) + encryptor.finalize()


def decrypt_content(ciphertext: bytes, content_key: bytes, context: bytes) -> bytes:
    """Decrypt what `encrypt_content` made under the same key and context.

    Raises:
        OpeningError: a byte was changed, or key or context are others.
    """
    try:
        decryptor = Cobblestone256Decryptor(content_key, context)
        return decryptor.update(ciphertext) + decryptor.finalize()
    except (InvalidTag, ValueError) as error:
        raise OpeningError("the content does not open: it was changed, or it is under another key") from error


def wrap_content_key(content_key: bytes, recipient: AkpJwk, kid: str, binding: bytes) -> WrappedKey:
    """Wrap a 32-byte content key for one recipient, bound to 32 bytes (a header hash or a receipt's digest)."""
    sealed = _SUITE.encrypt(content_key, load_encryption_key(recipient), info=_make_info(kid, binding))
    return WrappedKey(
        kid=kid,
        alg="HPKE-9-KE",
        ek=b64u_encode(sealed[:KEM_OUTPUT_BYTES]),
        encrypted_key=b64u_encode(sealed[KEM_OUTPUT_BYTES:]),
    )


def unwrap_content_key(wrapped: WrappedKey, key: OpeningKey, binding: bytes) -> bytes:
    """Return the content key that was wrapped for `key` with this binding.

    Raises:
        OpeningError: it was wrapped for another key, or bound to something else.
    """
    if wrapped.kid != key.kid:
        raise OpeningError("the content key was wrapped for another key")
    ek, encrypted_key = b64u_decode(wrapped.ek), b64u_decode(wrapped.encrypted_key)
    if len(ek) != KEM_OUTPUT_BYTES or len(encrypted_key) != _WRAPPED_KEY_BYTES:
        raise OpeningError("the wrapped key has the wrong length")
    try:
        return _SUITE.decrypt(ek + encrypted_key, key.private, info=_make_info(key.kid, binding))
    except (InvalidTag, ValueError) as error:
        raise OpeningError("the content key does not unwrap: wrong key, or bound to another header") from error


def seal_message(
    message: Message,
    encryption_keys: Sequence[AkpJwk],
    signer: Signer,
    *,
    content_key: bytes,
    attachments: Sequence[SealedAttachment] = (),
) -> SealedMessage:
    """Seal M for the recipients its header names, in their order, and sign.

    `message.header` is H without its commitment; `content_key` is 32 fresh random bytes; `attachments` are those M
    has the keys of, sealed before (`keys.attachments`).

    Raises:
        EnvelopeError: the header names other keys, or the message does not fit.
    """
    recipients = message.header.recipients
    if message.header.commitment is not None or len(encryption_keys) != len(recipients):
        raise EnvelopeError("the header inside has no commitment, and there is one encryption key a recipient")
    if message.header.sender.kids != signer.kids:
        raise EnvelopeError("the header names another signing key")
    try:
        message_bytes = pad_message(message)
    except ValueError as error:
        raise EnvelopeError(str(error)) from error
    header = message.header.model_copy(update={"commitment": compute_commitment(message_bytes)})
    header_bytes = header.canonical()
    header_hash = compute_header_hash(header_bytes)
    ciphertext = encrypt_content(message_bytes, content_key, _BODY_CONTEXT + header_hash)
    wrapped = tuple(
        wrap_content_key(content_key, jwk, recipient.kid, header_hash)
        for jwk, recipient in zip(encryption_keys, recipients, strict=True)
    )
    payload = _make_payload(header_bytes, ciphertext, tuple(attachments), wrapped).canonical()
    signatures = signer.sign(DocumentType.ENVELOPE, b64u_encode(payload))
    envelope = Envelope(payload=b64u_encode(payload), signatures=signatures, ciphertext=b64u_encode(ciphertext))
    return SealedMessage(envelope, header, compute_envelope_digest(payload), message_bytes)


def parse_envelope(unverified_data: bytes) -> ParsedEnvelope:
    """Take an envelope apart and check all that needs no key.

    1. Envelope, payload and header are canonical and of their form. 2. The commitment is there. 3. There is one wrapped
    key a recipient, in the header's order, under the key it names. 4. Size and hash of the ciphertext are the ones
    signed for.

    Raises:
        CodecError: a part of another form.
        EnvelopeError: parts that do not belong together.
    """
    demand_few_values(unverified_data, MAX_ENVELOPE_VALUES)
    envelope = Envelope.from_canonical(unverified_data, max_bytes=MAX_ENVELOPE_BYTES)
    payload_bytes = envelope.payload_bytes
    demand_few_values(payload_bytes, MAX_ENVELOPE_VALUES)
    payload = Payload.from_canonical(payload_bytes)
    header_bytes = b64u_decode(payload.header)
    header = Header.from_canonical(header_bytes)
    if header.commitment is None:
        raise EnvelopeError("commitment: the header must commit to the content")
    if tuple(item.kid for item in payload.recipients) != tuple(item.kid for item in header.recipients):
        raise EnvelopeError("recipients: the wrapped keys are not those of the header's recipients, in their order")
    ciphertext = envelope.ciphertext_bytes
    if len(ciphertext) != payload.body.size or _sha256(ciphertext) != payload.body.sha256:
        raise EnvelopeError("ciphertext: it is not the one that was signed")
    return ParsedEnvelope(envelope, payload, header, header_bytes, ciphertext, compute_envelope_digest(payload_bytes))


def verify_envelope_signatures(parsed: ParsedEnvelope, jwks: Sequence[OkpJwk | AkpJwk]) -> None:
    """Verify both signatures of an envelope with the message keys its header names.

    Raises:
        SignatureError: one is missing, of another key, or false.
    """
    envelope = parsed.envelope
    verify_signatures(envelope.payload, envelope.signatures, DocumentType.ENVELOPE, jwks)


def open_envelope(parsed: ParsedEnvelope, agency: str, key: OpeningKey) -> OpenedMessage:
    """Open an envelope whose signatures have been verified, as `agency`.

    1. It is addressed to this agency under this key. 2. The content key unwraps, bound to this very header. 3. The body
    decrypts. 4. M is what the signed commitment promised. 5. M repeats the header, every member of it.

    Raises:
        OpeningError: naming the step that failed.
        CodecError: M is of another form.
    """
    position = next((at for at, item in enumerate(parsed.header.recipients) if item.agency == agency), None)
    if position is None:
        raise OpeningError(f"the message is not addressed to {agency}")
    content_key = unwrap_content_key(parsed.payload.recipients[position], key, parsed.header_hash)
    message_bytes = decrypt_content(parsed.ciphertext, content_key, _BODY_CONTEXT + parsed.header_hash)
    if compute_commitment(message_bytes) != parsed.header.commitment:
        raise OpeningError("the content is not the one its sender committed to")
    return OpenedMessage(verify_message(parsed.header, message_bytes), message_bytes)


def verify_message(header: Header, message_bytes: bytes) -> Message:
    """Return M if it is the content a header commits to: what a court is shown, without any key.

    Raises:
        OpeningError: another content, another header inside, or a length outside the padding buckets.
        CodecError: M is of another form.
    """
    if compute_commitment(message_bytes) != header.commitment:
        raise OpeningError("the content is not the one its sender committed to")
    message = Message.from_canonical(message_bytes, max_bytes=PADDING_BUCKETS[-1])
    if message.header != header.model_copy(update={"commitment": None}):
        raise OpeningError("header: the one inside is not the one outside")
    if len(message_bytes) not in PADDING_BUCKETS:
        raise OpeningError("padding: the content is not padded to one of the lengths")
    return message


def _make_payload(
    header_bytes: bytes,
    ciphertext: bytes,
    attachments: tuple[SealedAttachment, ...],
    wrapped: tuple[WrappedKey, ...],
) -> Payload:
    body = Body(enc=CONTENT_ENCRYPTION, sha256=_sha256(ciphertext), size=len(ciphertext))
    return Payload(header=b64u_encode(header_bytes), body=body, attachments=attachments, recipients=wrapped)


def _make_info(kid: str, binding: bytes) -> bytes:
    return b"JOSE-HPKE rcpt\xff" + CONTENT_ENCRYPTION.encode("ascii") + b"\xff" + binding + kid.encode("ascii")


def _sha256(data: bytes) -> str:
    return b64u_encode(hash_bytes(data))
