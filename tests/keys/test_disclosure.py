"""A disclosed message convinces a third party, and nothing but the very message does."""

from typing import Any

import pytest

from keys.disclosure import verify_disclosure
from keys.errors import OpeningError, SignatureError
from schemas.codec import b64u_encode
from schemas.disclosure import disclose, parse_disclosure
from schemas.envelope import Disclosure
from schemas.markings import Purpose
from schemas.signed import DocumentType, KeyUse, SignedDocument
from tests.support.members import make_member
from tests.support.messages import make_message, seal

GB, BE, VN = make_member("GB"), make_member("BE"), make_member("VN")
MESSAGE = make_message(GB, BE)
SEALED = seal(MESSAGE, GB, BE)
JWKS = GB.signers[KeyUse.MESSAGE].jwks
DISCLOSURE = disclose(
    SignedDocument(payload=SEALED.envelope.payload, signatures=SEALED.envelope.signatures), MESSAGE, b"proof"
)


def verify(disclosure: Disclosure = DISCLOSURE, alert: dict[str, Any] = MESSAGE.alert, jwks: Any = JWKS) -> Any:
    """Verify a disclosure as a third party does."""
    return verify_disclosure(parse_disclosure(disclosure), alert, jwks)


def test_a_third_party_sees_what_was_sent_and_by_whom() -> None:
    shown = verify()

    assert shown.message.alert == MESSAGE.alert
    assert shown.message.purpose is MESSAGE.purpose
    assert (shown.header, shown.digest) == (SEALED.header, SEALED.digest)


@pytest.mark.parametrize(
    "alert",
    [MESSAGE.alert | {"subject": "Another passport"}, MESSAGE.alert | {"more": "said"}, {"kind": "document-fraud"}],
)
def test_another_alert_is_not_what_was_signed_for(alert: dict[str, Any]) -> None:
    with pytest.raises(OpeningError, match="committed"):
        verify(alert=alert)


@pytest.mark.parametrize(
    "change",
    [{"purpose": Purpose.BORDER_CONTROL}, {"necessity": "Another reason."}, {"salt": b64u_encode(bytes(32))}],
)
def test_another_rest_is_not_what_was_signed_for(change: dict[str, Any]) -> None:
    changed = DISCLOSURE.model_copy(update={"rest": DISCLOSURE.rest.model_copy(update=change)})
    with pytest.raises(OpeningError, match="committed"):
        verify(changed)


def test_the_keys_of_another_agency_prove_nothing() -> None:
    with pytest.raises(SignatureError):
        verify(jwks=VN.signers[KeyUse.MESSAGE].jwks)


def test_one_signature_of_the_pair_is_not_enough() -> None:
    with pytest.raises(SignatureError):
        verify(DISCLOSURE.model_copy(update={"signatures": DISCLOSURE.signatures[:1]}))


def test_a_payload_that_somebody_else_signed_is_not_the_originators() -> None:
    signatures = VN.signers[KeyUse.MESSAGE].sign(DocumentType.ENVELOPE, DISCLOSURE.payload)
    with pytest.raises(SignatureError):
        verify(DISCLOSURE.model_copy(update={"signatures": signatures}))


def test_the_signatures_of_another_message_do_not_fit() -> None:
    other = seal(make_message(GB, BE, name="second"), GB, BE)
    with pytest.raises(SignatureError):
        verify(DISCLOSURE.model_copy(update={"signatures": other.envelope.signatures}))
    with pytest.raises(OpeningError):
        verify(
            DISCLOSURE.model_copy(update={"payload": other.envelope.payload, "signatures": other.envelope.signatures})
        )
