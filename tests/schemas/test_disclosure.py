"""A disclosure leaves out what stands elsewhere, and gives back M byte for byte."""

import pytest
from hypothesis import given, settings

from schemas.codec import CodecError, b64u_encode
from schemas.disclosure import disclose, disclose_whole, parse_disclosure, rebuild_message
from schemas.envelope import PADDING_BUCKETS, Message, Provenance, pad_message
from schemas.model import DocumentError
from schemas.signed import SignedDocument
from tests.strategies.documents import messages
from tests.support.members import make_member
from tests.support.messages import make_message, seal

GB, BE = make_member("GB"), make_member("BE")
MESSAGE = make_message(GB, BE)
SEALED = seal(MESSAGE, GB, BE)
ACCEPTANCE = b"the exchange's proof"
DOCUMENT = SignedDocument(payload=SEALED.envelope.payload, signatures=SEALED.envelope.signatures)
DISCLOSURE = disclose(DOCUMENT, MESSAGE, ACCEPTANCE)


def test_a_message_is_put_together_again_to_the_letter() -> None:
    parsed = parse_disclosure(DISCLOSURE)

    assert rebuild_message(parsed, MESSAGE.alert) == SEALED.message_bytes
    assert (parsed.digest, parsed.header) == (SEALED.digest, SEALED.header)
    assert (parsed.reference.id, parsed.reference.digest) == (SEALED.header.id, SEALED.digest)


@given(messages)
@settings(max_examples=25)
def test_the_rest_of_any_message_is_all_that_is_missing(message: Message) -> None:
    plain = message.model_copy(update={"header": MESSAGE.header, "padding": ""})
    parsed = parse_disclosure(disclose(DOCUMENT, plain, ACCEPTANCE))

    assert rebuild_message(parsed, plain.alert) == pad_message(plain)


def test_nothing_of_the_alert_stands_in_the_rest() -> None:
    assert set(DISCLOSURE.rest.to_wire()) == {"salt", "checkpoint", "purpose", "necessity", "attachments"}
    assert DISCLOSURE.acceptance == b64u_encode(ACCEPTANCE)
    whole = disclose_whole(DOCUMENT, MESSAGE, ACCEPTANCE)
    assert whole.to_wire() == DISCLOSURE.to_wire() | {"alert": MESSAGE.alert}


def test_what_was_passed_on_is_shown_by_its_original_alone() -> None:
    passed_on = MESSAGE.model_copy(update={"provenance": Provenance(original=DISCLOSURE, path=("GB", "BE"))})
    for show in (disclose, disclose_whole):
        with pytest.raises(ValueError, match=r"^provenance: "):
            show(DOCUMENT, passed_on, ACCEPTANCE)


def test_what_is_longer_than_any_message_is_refused() -> None:
    with pytest.raises(CodecError, match="at most"):
        rebuild_message(parse_disclosure(DISCLOSURE), {"kind": "x", "text": "a" * PADDING_BUCKETS[-1]})


def test_a_payload_of_another_form_is_no_disclosure() -> None:
    other = DISCLOSURE.model_copy(update={"payload": b64u_encode(b"{}")})
    with pytest.raises(DocumentError):
        parse_disclosure(other)
