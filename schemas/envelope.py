"""The envelope: commit, encrypt, sign. Header H, payload P, message M, and their digests.

The broker sees the envelope and in it P and H; M is inside the ciphertext and repeats the header, so that nobody can
send it on under another name. Sealing and opening are in `keys.sealing`; this module only knows the shapes and the
hashes.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from schemas.codec import b64u_decode, b64u_encode, encode_canonical, hash_domain
from schemas.key_documents import LogOrigin
from schemas.markings import Purpose, Tlp, Urgency
from schemas.model import (
    AgencyId,
    Base64Url,
    Code,
    Counter,
    Digest,
    ExchangeName,
    Kid,
    Line,
    Paragraph,
    Salt,
    Size,
    StreamId,
    Timestamp,
    Uuid,
    WireModel,
)
from schemas.signed import SignedDocument

MAX_CIPHERTEXT_BYTES = 256 * 1024
MAX_ENVELOPE_BYTES = 512 * 1024
MAX_ENVELOPE_VALUES = 1024
"""Brackets and commas of an envelope, and of what was signed: with all recipients and attachments it has a fifth."""
MAX_RECIPIENTS = 8
MAX_ATTACHMENTS = 32
MAX_DELIVERY_DAYS = 30
MAX_PATH = 8
MAX_ACCEPTANCE_CHARACTERS = 64 * 1024
MAX_CLOCK_AHEAD_SECONDS = 300
TOMBSTONE_DAYS = 7
CONTENT_ENCRYPTION: Final = "Cobblestone-256"
CONFIDENTIAL_KIND = "confidential"
SAFEGUARDING_KIND = "victim-safeguarding"
KEM_OUTPUT_BYTES = 1120

PADDING_BUCKETS = (2048, 4096, 8192, 16384, 32768, 65536, 131072, 255 * 1024)
"""Lengths of M in bytes: a message is padded up to the next one, so that its size says little."""


class Reference(WireModel):
    """Another message, by id and by the digest of its envelope."""

    id: Uuid
    digest: Digest


class HeaderSender(WireModel):
    """Who signs: the agency, its key set's number, and the message pair (Ed25519, ML-DSA-65)."""

    agency: AgencyId
    keyset: Counter
    kids: Annotated[tuple[Kid, ...], Field(min_length=2, max_length=2)]


class HeaderRecipient(WireModel):
    """To whom: the encryption key, the agreement that allows it, and the number in the sender's stream to it."""

    agency: AgencyId
    kid: Kid
    agreement: Digest
    stream: StreamId
    n: Counter


class Routing(WireModel):
    """All that the broker may know of the content."""

    kind: Code
    marking: Tlp
    urgency: Urgency


class Header(WireModel):
    """H: what the sender signs for everyone to see. `commitment` is absent only in M's copy."""

    v: Literal[1]
    exchange: ExchangeName
    id: Uuid
    issued_at: Timestamp
    expires_at: Timestamp
    sender: HeaderSender
    recipients: Annotated[tuple[HeaderRecipient, ...], Field(min_length=1, max_length=MAX_RECIPIENTS)]
    routing: Routing
    refers_to: Reference | None = None
    commitment: Digest | None = None


class Body(WireModel):
    """The ciphertext's cipher, SHA-256 and size in bytes."""

    enc: Literal["Cobblestone-256"]
    sha256: Digest
    size: Annotated[int, Field(ge=1, le=MAX_CIPHERTEXT_BYTES)]


class SealedAttachment(WireModel):
    """An attachment as the broker sees it: SHA-256 and size of its ciphertext."""

    id: Uuid
    sha256: Digest
    size: Size


class WrappedKey(WireModel):
    """The content key wrapped for one recipient (HPKE, `ek` is the KEM output of 1,120 bytes)."""

    kid: Kid
    alg: Literal["HPKE-9-KE"]
    ek: Annotated[Base64Url, Field(max_length=1494)]
    encrypted_key: Annotated[Base64Url, Field(max_length=64)]


class Payload(WireModel):
    """P: the bytes both signatures cover; its digest is the envelope's digest."""

    header: Annotated[Base64Url, Field(max_length=16384)]
    body: Body
    attachments: Annotated[tuple[SealedAttachment, ...], Field(max_length=MAX_ATTACHMENTS)]
    recipients: Annotated[tuple[WrappedKey, ...], Field(min_length=1, max_length=MAX_RECIPIENTS)]


class Envelope(SignedDocument):
    """What travels: P, its pair of signatures, and the ciphertext."""

    ciphertext: Annotated[Base64Url, Field(max_length=(MAX_CIPHERTEXT_BYTES * 4 + 2) // 3)]

    @property
    def ciphertext_bytes(self) -> bytes:
        """Return the encrypted body."""
        return b64u_decode(self.ciphertext)


class SeenCheckpoint(WireModel):
    """A tree head somebody saw: gossip inside messages and statuses."""

    origin: LogOrigin
    size: Size
    root: Digest


class MessageAttachment(WireModel):
    """An attachment as its reader sees it: the key that opens it, and what is inside."""

    id: Uuid
    key: Salt
    name: Line
    media_type: Line
    size: Size
    sha256: Digest


class DisclosedRest(WireModel):
    """M without what stands elsewhere or follows from it: header (in P), alert (beside it), padding (by the length)."""

    salt: Salt
    checkpoint: SeenCheckpoint
    purpose: Purpose
    necessity: Paragraph
    attachments: Annotated[tuple[MessageAttachment, ...], Field(max_length=MAX_ATTACHMENTS)]
    replaces: Reference | None = None


class Disclosure(SignedDocument):
    """A message shown to a third party: P, its signatures, and the rest of M; its alert stands beside it.

    `acceptance` is the proof that the exchange's log took it in (canonical `schemas.api.Evidence`): its leaf, not its
    signer, says when it was signed at the latest.
    """

    rest: DisclosedRest
    acceptance: Annotated[Base64Url, Field(max_length=MAX_ACCEPTANCE_CHARACTERS)]


class DisclosedMessage(Disclosure):
    """A message shown to a third party as a whole, its alert too."""

    alert: dict[str, Any]


class Provenance(WireModel):
    """Where a message that is passed on comes from; the message's alert is the original's, to the letter.

    `path` are the agencies that passed it on, the originator first and the sender of this message last. `consent` is
    the originator's decision (`release-decision`) by which it goes to this recipient.
    """

    original: Disclosure
    consent: DisclosedMessage | None = None
    path: Annotated[tuple[AgencyId, ...], Field(min_length=2, max_length=MAX_PATH)]


class Message(WireModel):
    """M: what only a recipient reads. `header` equals H without its commitment; `alert` is one of `schemas.alerts`."""

    header: Header
    salt: Salt
    checkpoint: SeenCheckpoint
    purpose: Purpose
    necessity: Paragraph
    alert: dict[str, Any]
    attachments: Annotated[tuple[MessageAttachment, ...], Field(max_length=MAX_ATTACHMENTS)]
    replaces: Reference | None = None
    provenance: Provenance | None = None
    padding: Annotated[str, Field(pattern=r"^0*$", max_length=PADDING_BUCKETS[-1])]


def compute_commitment(message_bytes: bytes) -> str:
    """Return hash("commitment", M), the signed and salted promise of one content."""
    return b64u_encode(hash_domain("commitment", message_bytes))


def compute_header_hash(header_bytes: bytes) -> bytes:
    """Return hash("header", H), 32 raw bytes that bind key wrapping and body to this header."""
    return hash_domain("header", header_bytes)


def compute_envelope_digest(payload_bytes: bytes) -> str:
    """Return hash("envelope", P), an envelope's digest everywhere."""
    return b64u_encode(hash_domain("envelope", payload_bytes))


def pad_message(message: Message) -> bytes:
    """Return M's canonical bytes, padded to the next bucket.

    Raises:
        ValueError: M is longer than the last bucket; what is large belongs into an attachment.
    """
    wire = message.to_wire() | {"padding": ""}
    length = len(encode_canonical(wire))
    for bucket in PADDING_BUCKETS:
        if length <= bucket:
            return encode_canonical(wire | {"padding": "0" * (bucket - length)})
    raise ValueError(
        f"the message has {length} bytes, at most {PADDING_BUCKETS[-1]} fit; move content to an attachment"
    )
