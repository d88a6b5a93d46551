"""Sealing and opening: what is sealed opens for its recipient alone, and nothing changed opens at all."""

import hashlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.errors import EnvelopeError, KeysError, OpeningError, SignatureError
from keys.sealing import (
    ParsedEnvelope,
    decrypt_content,
    encrypt_content,
    open_envelope,
    parse_envelope,
    seal_message,
    unwrap_content_key,
    verify_envelope_signatures,
    verify_message,
    wrap_content_key,
)
from schemas.codec import CodecError, b64u_decode, b64u_encode, decode_canonical, encode_canonical
from schemas.envelope import MAX_CIPHERTEXT_BYTES, PADDING_BUCKETS, Envelope, Header, Payload, compute_commitment
from schemas.signed import DocumentType, KeyUse
from tests.support.members import derive_seed, make_member
from tests.support.messages import make_message, seal

GB, BE, VN = make_member("GB"), make_member("BE"), make_member("VN")
MESSAGE = make_message(GB, BE)
SEALED = seal(MESSAGE, GB, BE)
WIRE = SEALED.envelope.canonical()

JSON = st.recursive(
    st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcdefgh", max_size=6), inner, max_size=4),
    max_leaves=12,
)


def rewrap(parsed: ParsedEnvelope, **changes: Any) -> bytes:
    """Return the envelope with some members changed, unsigned anew."""
    return parsed.envelope.model_copy(update=changes).canonical()


def sign_again(payload: Payload, ciphertext: bytes, member: str = "GB") -> Envelope:
    """Return an envelope whose payload `member` signed: what a hostile sender could make."""
    text = b64u_encode(payload.canonical())
    signatures = make_member(member).signers[KeyUse.MESSAGE].sign(DocumentType.ENVELOPE, text)
    return Envelope(payload=text, signatures=signatures, ciphertext=b64u_encode(ciphertext))


def test_what_is_sealed_opens_for_its_recipient() -> None:
    parsed = parse_envelope(WIRE)
    verify_envelope_signatures(parsed, GB.signers[KeyUse.MESSAGE].jwks)
    opened = open_envelope(parsed, "BE", BE.opening_key)
    assert opened.message_bytes == SEALED.message_bytes
    assert opened.message.model_copy(update={"padding": ""}) == MESSAGE
    assert parsed.digest == SEALED.digest


@settings(max_examples=60)
@given(st.dictionaries(st.text("abcdefghijk", max_size=8), JSON, max_size=6), st.text("0123456789abc", max_size=5))
def test_any_content_survives(alert: dict[str, Any], name: str) -> None:
    message = make_message(GB, BE, name=name, alert={"kind": "x", **alert})
    opened = open_envelope(parse_envelope(seal(message, GB, BE).envelope.canonical()), "BE", BE.opening_key)
    assert opened.message.alert == {"kind": "x", **alert}


def test_a_shared_envelope_opens_for_each_recipient() -> None:
    sealed = seal(make_message(GB, BE, VN), GB, BE, VN)
    parsed = parse_envelope(sealed.envelope.canonical())
    for member in (BE, VN):
        assert open_envelope(parsed, member.agency, member.opening_key).message_bytes == sealed.message_bytes


@settings(max_examples=300)
@given(st.integers(0, len(WIRE) - 1), st.integers(1, 255))
def test_no_changed_byte_is_accepted(position: int, flip: int) -> None:
    data = bytearray(WIRE)
    data[position] ^= flip
    with pytest.raises((CodecError, KeysError)):
        verify_envelope_signatures(parse_envelope(bytes(data)), GB.signers[KeyUse.MESSAGE].jwks)


@pytest.mark.parametrize("size", [0, 1, len(WIRE) // 2, len(WIRE) - 1])
def test_no_truncated_envelope_is_accepted(size: int) -> None:
    with pytest.raises(CodecError):
        parse_envelope(WIRE[:size])


def test_nobody_else_opens_it() -> None:
    parsed = parse_envelope(WIRE)
    with pytest.raises(OpeningError, match="not addressed to VN"):
        open_envelope(parsed, "VN", VN.opening_key)
    with pytest.raises(OpeningError, match="another key"):
        open_envelope(parsed, "BE", VN.opening_key)


def test_a_key_that_wears_the_recipients_name_does_not_open_it() -> None:
    wrapped = parse_envelope(WIRE).payload.recipients[0].model_copy(update={"kid": VN.opening_key.kid})
    with pytest.raises(OpeningError, match="does not unwrap"):
        unwrap_content_key(wrapped, VN.opening_key, parse_envelope(WIRE).header_hash)


def test_the_ciphertext_signed_again_by_another_member_does_not_open() -> None:
    """VN takes GB's ciphertext and wrapped key and signs them under a header of its own."""
    parsed = parse_envelope(WIRE)
    stolen = make_message(VN, BE).header.model_copy(update={"commitment": parsed.header.commitment})
    payload = parsed.payload.model_copy(update={"header": b64u_encode(stolen.canonical())})
    forged = parse_envelope(sign_again(payload, parsed.ciphertext, "VN").canonical())
    verify_envelope_signatures(forged, VN.signers[KeyUse.MESSAGE].jwks)
    with pytest.raises(OpeningError, match="does not unwrap"):
        open_envelope(forged, "BE", BE.opening_key)


def test_a_message_passed_on_under_another_name_does_not_open() -> None:
    """BE, a true recipient, wraps GB's content key for VN: the header inside still names BE."""
    parsed = parse_envelope(WIRE)
    content_key = derive_seed("content", MESSAGE.header.id)
    onward = make_message(BE, VN).header.model_copy(update={"commitment": parsed.header.commitment})
    header_bytes = onward.canonical()
    fresh = ParsedEnvelope(parsed.envelope, parsed.payload, onward, header_bytes, b"", "")
    ciphertext = encrypt_content(SEALED.message_bytes, content_key, b"bilateral-body/1\x00" + fresh.header_hash)
    wrapped = wrap_content_key(content_key, VN.opening_key.jwk, VN.opening_key.kid, fresh.header_hash)
    body = parsed.payload.body.model_copy(update={"size": len(ciphertext), "sha256": sha256(ciphertext)})
    payload = parsed.payload.model_copy(
        update={"header": b64u_encode(header_bytes), "body": body, "recipients": (wrapped,)}
    )
    forged = parse_envelope(sign_again(payload, ciphertext, "BE").canonical())
    verify_envelope_signatures(forged, BE.signers[KeyUse.MESSAGE].jwks)
    with pytest.raises(OpeningError, match="header"):
        open_envelope(forged, "VN", VN.opening_key)


def test_a_sender_who_commits_to_one_content_and_sends_another_is_caught() -> None:
    parsed = parse_envelope(WIRE)
    content_key = derive_seed("content", MESSAGE.header.id)
    other = seal(make_message(GB, BE, alert={"kind": "other"}), GB, BE).message_bytes
    ciphertext = encrypt_content(other, content_key, b"bilateral-body/1\x00" + parsed.header_hash)
    body = parsed.payload.body.model_copy(update={"size": len(ciphertext), "sha256": sha256(ciphertext)})
    forged = parse_envelope(sign_again(parsed.payload.model_copy(update={"body": body}), ciphertext).canonical())
    verify_envelope_signatures(forged, GB.signers[KeyUse.MESSAGE].jwks)
    with pytest.raises(OpeningError, match="committed"):
        open_envelope(forged, "BE", BE.opening_key)


def test_clear_outside_and_red_inside_is_caught() -> None:
    header = parse_envelope(WIRE).header
    outside = Header.from_wire(header.to_wire() | {"routing": header.routing.to_wire() | {"marking": "clear"}})
    with pytest.raises(OpeningError, match="header"):
        verify_message(outside, SEALED.message_bytes)


def test_a_court_is_convinced_without_any_key() -> None:
    parsed = parse_envelope(WIRE)
    assert verify_message(parsed.header, SEALED.message_bytes).necessity == MESSAGE.necessity
    with pytest.raises(OpeningError, match="committed"):
        verify_message(parsed.header, SEALED.message_bytes.replace(b"tonight", b"by noon"))


def test_padding_fills_to_a_bucket_and_nothing_between() -> None:
    assert len(SEALED.message_bytes) in PADDING_BUCKETS
    wire = decode_canonical(SEALED.message_bytes)
    odd = encode_canonical(wire | {"padding": wire["padding"][:-1]})
    header = parse_envelope(WIRE).header
    with pytest.raises(OpeningError, match="padding"):
        verify_message(header.model_copy(update={"commitment": compute_commitment(odd)}), odd)


def test_a_message_that_does_not_fit_names_the_way_out() -> None:
    with pytest.raises(EnvelopeError, match="attachment"):
        seal(make_message(GB, BE, alert={"kind": "x", "text": "a" * MAX_CIPHERTEXT_BYTES}), GB, BE)


def test_one_signature_stripped_is_refused() -> None:
    parsed = parse_envelope(rewrap(parse_envelope(WIRE), signatures=SEALED.envelope.signatures[:1]))
    with pytest.raises(SignatureError):
        verify_envelope_signatures(parsed, GB.signers[KeyUse.MESSAGE].jwks)


def test_an_envelope_without_commitment_is_refused() -> None:
    parsed = parse_envelope(WIRE)
    header = parsed.header.model_copy(update={"commitment": None}).canonical()
    payload = parsed.payload.model_copy(update={"header": b64u_encode(header)})
    with pytest.raises(EnvelopeError, match="commitment"):
        parse_envelope(sign_again(payload, parsed.ciphertext).canonical())


def test_another_key_wrapped_than_the_header_names_is_refused() -> None:
    parsed = parse_envelope(WIRE)
    wrapped = wrap_content_key(bytes(32), VN.opening_key.jwk, VN.opening_key.kid, parsed.header_hash)
    payload = parsed.payload.model_copy(update={"recipients": (wrapped,)})
    with pytest.raises(EnvelopeError, match="recipients"):
        parse_envelope(sign_again(payload, parsed.ciphertext).canonical())


def test_a_ciphertext_swapped_after_signing_is_refused() -> None:
    other = seal(make_message(GB, BE, name="second"), GB, BE)
    with pytest.raises(EnvelopeError, match="ciphertext"):
        parse_envelope(rewrap(parse_envelope(WIRE), ciphertext=other.envelope.ciphertext))


def test_the_header_inside_must_have_no_commitment_when_sealing() -> None:
    spoilt = MESSAGE.model_copy(update={"header": SEALED.header})
    with pytest.raises(EnvelopeError, match="no commitment"):
        seal_message(spoilt, [BE.opening_key.jwk], GB.signers[KeyUse.MESSAGE], content_key=bytes(32))


def test_a_header_that_names_another_signing_key_is_not_sealed() -> None:
    with pytest.raises(EnvelopeError, match="another signing key"):
        seal_message(MESSAGE, [BE.opening_key.jwk], VN.signers[KeyUse.MESSAGE], content_key=bytes(32))


@pytest.mark.parametrize("length", [0, 1, 16383, 16384, 16385, 40000])
def test_content_of_any_length_comes_back(length: int) -> None:
    data = bytes(length)
    assert decrypt_content(encrypt_content(data, bytes(32), b"here"), bytes(32), b"here") == data


@pytest.mark.parametrize(("key", "context"), [(bytes([1]) * 32, b"here"), (bytes(32), b"there")])
def test_content_does_not_open_elsewhere(key: bytes, context: bytes) -> None:
    with pytest.raises(OpeningError):
        decrypt_content(encrypt_content(b"x", bytes(32), b"here"), key, context)


def test_a_wrapped_key_of_another_length_is_refused() -> None:
    wrapped = wrap_content_key(bytes(32), BE.opening_key.jwk, BE.opening_key.kid, bytes(32))
    short = wrapped.model_copy(update={"encrypted_key": b64u_encode(b64u_decode(wrapped.encrypted_key)[:-1])})
    with pytest.raises(OpeningError, match="length"):
        unwrap_content_key(short, BE.opening_key, bytes(32))


def sha256(data: bytes) -> str:
    return b64u_encode(hashlib.sha256(data).digest())
