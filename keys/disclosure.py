"""Verify a disclosure: a third party convinces itself of one message, without any key of its own.

Which public keys were good when the message was signed is decided before (`keys.timeline`); what the message may be
used for is decided after (`agency_client.onward.rules`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from keys.sealing import verify_message
from keys.signing import verify_document
from schemas.disclosure import ParsedDisclosure, rebuild_message
from schemas.envelope import Header, Message
from schemas.jwk import AkpJwk, OkpJwk
from schemas.signed import DocumentType


@dataclass(frozen=True, slots=True)
class VerifiedDisclosure:
    """A message as its sender signed it: header, content with its alert, and the digest of its envelope."""

    header: Header
    message: Message
    digest: str


def verify_disclosure(
    parsed: ParsedDisclosure, unverified_alert: Mapping[str, Any], jwks: Sequence[OkpJwk | AkpJwk]
) -> VerifiedDisclosure:
    """Verify that the holders of `jwks` signed a message with exactly this alert.

    1. Both signatures. 2. Header, alert and rest, put together, are the content that the signed header commits to.

    Raises:
        SignatureError: one is missing, of another key, or false.
        OpeningError: the content is another one.
        CodecError: a part is of another form.
    """
    verify_document(parsed.disclosure, DocumentType.ENVELOPE, jwks)
    message = verify_message(parsed.header, rebuild_message(parsed, unverified_alert))
    return VerifiedDisclosure(parsed.header, message, parsed.digest)
