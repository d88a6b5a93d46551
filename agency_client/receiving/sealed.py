"""A received envelope without its ciphertext: what both signatures cover, taken apart. Nothing is verified here.

This is what is kept as evidence when the sealed bytes are gone, so that everything but the ciphertext itself can be
verified again at any time, offline.
"""

from dataclasses import dataclass

from agency_client.receiving.errors import UnprovenError
from schemas.codec import CodecError, b64u_decode
from schemas.envelope import (
    MAX_ENVELOPE_BYTES,
    Envelope,
    Header,
    HeaderRecipient,
    Payload,
    Reference,
    compute_envelope_digest,
)
from schemas.signed import SignedDocument


@dataclass(frozen=True, slots=True)
class SealedEvidence:
    """The signed document of an envelope with its payload and header; `digest` names it everywhere."""

    document: SignedDocument
    payload: Payload
    header: Header
    digest: str

    @property
    def reference(self) -> Reference:
        """Return id and digest, as other documents name this message."""
        return Reference(id=self.header.id, digest=self.digest)

    def find_recipient(self, agency: str) -> HeaderRecipient:
        """Return the one place of an agency among the recipients.

        Raises:
            UnprovenError: it stands there not once.
        """
        found = [recipient for recipient in self.header.recipients if recipient.agency == agency]
        if len(found) != 1:
            raise UnprovenError(
                f"recipients: {agency} stands there {len(found)} times, not once", code="wrong-recipient"
            )
        return found[0]


def strip_ciphertext(envelope: Envelope) -> SignedDocument:
    """Return the signed part of an envelope."""
    return SignedDocument(payload=envelope.payload, signatures=envelope.signatures)


def read_sealed(document: SignedDocument) -> SealedEvidence:
    """Take the signed part of an envelope apart.

    Raises:
        UnprovenError: it is of another form.
    """
    try:
        payload_bytes = document.payload_bytes
        payload = Payload.from_canonical(payload_bytes, max_bytes=MAX_ENVELOPE_BYTES)
        header = Header.from_canonical(b64u_decode(payload.header))
    except CodecError as error:
        raise UnprovenError(f"the envelope is not of the agreed form: {error}", code=error.code) from error
    return SealedEvidence(document, payload, header, compute_envelope_digest(payload_bytes))
