"""Disclosure: one message shown to somebody it was not sent to, without any key (`schemas.envelope.Disclosure`).

P is signed and its header commits to M, so P, the signatures and M convince anybody; the proof of its acceptance says
which keys counted then. Of M only what stands nowhere else travels; the whole is put together here, byte for byte.
Whether it is the content that was signed for, and by whom, is `keys.disclosure`'s business.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas.codec import CodecError, b64u_decode, b64u_encode
from schemas.envelope import (
    MAX_ENVELOPE_BYTES,
    DisclosedMessage,
    DisclosedRest,
    Disclosure,
    Header,
    Message,
    Payload,
    Reference,
    compute_envelope_digest,
    pad_message,
)
from schemas.signed import SignedDocument


@dataclass(frozen=True, slots=True)
class ParsedDisclosure:
    """A disclosure taken apart; `digest` is the digest of the envelope it shows. Nothing of it is verified."""

    disclosure: Disclosure
    payload: Payload
    header: Header
    digest: str

    @property
    def reference(self) -> Reference:
        """Return id and digest, as other documents name the message shown."""
        return Reference(id=self.header.id, digest=self.digest)


def disclose(document: SignedDocument, message: Message, acceptance: bytes) -> Disclosure:
    """Return the disclosure of a message, from its envelope without ciphertext, its M, and the proof of its acceptance.

    Raises:
        ValueError: the message was itself passed on: what is shown then is the original in its provenance.
    """
    if message.provenance is not None:
        raise ValueError("provenance: a message that was passed on is shown by its original")
    return Disclosure(
        payload=document.payload,
        signatures=document.signatures,
        rest=_take_rest(message),
        acceptance=b64u_encode(acceptance),
    )


def disclose_whole(document: SignedDocument, message: Message, acceptance: bytes) -> DisclosedMessage:
    """Return the disclosure of a message with its alert.

    Raises:
        ValueError: as `disclose`.
    """
    shown = disclose(document, message, acceptance)
    return DisclosedMessage(
        payload=shown.payload,
        signatures=shown.signatures,
        rest=shown.rest,
        acceptance=shown.acceptance,
        alert=dict(message.alert),
    )


def parse_disclosure(disclosure: Disclosure) -> ParsedDisclosure:
    """Take a disclosure apart.

    Raises:
        CodecError: payload or header are of another form.
    """
    payload_bytes = disclosure.payload_bytes
    payload = Payload.from_canonical(payload_bytes, max_bytes=MAX_ENVELOPE_BYTES)
    header = Header.from_canonical(b64u_decode(payload.header))
    return ParsedDisclosure(disclosure, payload, header, compute_envelope_digest(payload_bytes))


def read_original_header(message: Message) -> Header | None:
    """Return the header of the message whose alert is passed on in this one; None where it says its own.

    Raises:
        CodecError: the disclosure is of another form.
    """
    return None if message.provenance is None else parse_disclosure(message.provenance.original).header


def rebuild_message(parsed: ParsedDisclosure, alert: Mapping[str, Any]) -> bytes:
    """Return M's exact bytes from a disclosure and the alert that is said to belong to it.

    Raises:
        CodecError: together they are longer than any message.
    """
    rest = parsed.disclosure.rest
    message = Message(
        header=parsed.header.model_copy(update={"commitment": None}),
        salt=rest.salt,
        checkpoint=rest.checkpoint,
        purpose=rest.purpose,
        necessity=rest.necessity,
        alert=dict(alert),
        attachments=rest.attachments,
        replaces=rest.replaces,
        padding="",
    )
    try:
        return pad_message(message)
    except ValueError as error:
        raise CodecError(str(error)) from error


def _take_rest(message: Message) -> DisclosedRest:
    return DisclosedRest(
        salt=message.salt,
        checkpoint=message.checkpoint,
        purpose=message.purpose,
        necessity=message.necessity,
        attachments=message.attachments,
        replaces=message.replaces,
    )
