"""Header, payload and message: their form, their three hashes, and a length that says little."""

import hashlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import envelope as module
from schemas.codec import b64u_decode, b64u_encode
from schemas.envelope import (
    CONFIDENTIAL_KIND,
    CONTENT_ENCRYPTION,
    KEM_OUTPUT_BYTES,
    MAX_ACCEPTANCE_CHARACTERS,
    MAX_ATTACHMENTS,
    MAX_CIPHERTEXT_BYTES,
    MAX_CLOCK_AHEAD_SECONDS,
    MAX_DELIVERY_DAYS,
    MAX_ENVELOPE_BYTES,
    MAX_PATH,
    MAX_RECIPIENTS,
    PADDING_BUCKETS,
    TOMBSTONE_DAYS,
    Body,
    DisclosedMessage,
    DisclosedRest,
    Disclosure,
    Envelope,
    Header,
    HeaderRecipient,
    HeaderSender,
    Message,
    MessageAttachment,
    Payload,
    Provenance,
    Reference,
    Routing,
    SealedAttachment,
    SeenCheckpoint,
    WrappedKey,
    compute_commitment,
    compute_envelope_digest,
    compute_header_hash,
    pad_message,
)
from schemas.model import DocumentError, WireModel
from tests.schemas.wire_form import list_models, verify_wire_form
from tests.strategies.documents import (
    bodies,
    checkpoints,
    disclosed_messages,
    disclosed_rests,
    disclosures,
    envelopes,
    header_recipients,
    header_senders,
    headers,
    message_attachments,
    messages,
    onward_copies,
    payloads,
    provenances,
    references,
    routings,
    sealed_attachments,
    signatures,
    wrapped_keys,
)

MODELS: dict[type[WireModel], st.SearchStrategy[Any]] = {
    Body: bodies,
    DisclosedMessage: disclosed_messages,
    DisclosedRest: disclosed_rests,
    Disclosure: disclosures,
    Envelope: envelopes,
    Header: headers,
    HeaderRecipient: header_recipients,
    HeaderSender: header_senders,
    Message: messages | onward_copies,
    MessageAttachment: message_attachments,
    Payload: payloads,
    Provenance: provenances,
    Reference: references,
    Routing: routings,
    SealedAttachment: sealed_attachments,
    SeenCheckpoint: checkpoints,
    WrappedKey: wrapped_keys,
}


@pytest.mark.parametrize("kind", MODELS)
@given(data=st.data())
@settings(max_examples=15)
def test_each_model_keeps_its_wire_form(kind: type[WireModel], data: st.DataObject) -> None:
    verify_wire_form(data.draw(MODELS[kind]))


def test_no_model_is_left_out() -> None:
    assert list_models(module) == set(MODELS)


def hash_by_hand(name: str, data: bytes) -> bytes:
    return hashlib.sha256(f"bilateral-{name}/1".encode() + b"\x00" + data).digest()


@given(st.binary(max_size=50))
def test_the_three_hashes_are_of_three_domains(data: bytes) -> None:
    assert b64u_decode(compute_commitment(data)) == hash_by_hand("commitment", data)
    assert compute_header_hash(data) == hash_by_hand("header", data)
    assert b64u_decode(compute_envelope_digest(data)) == hash_by_hand("envelope", data)


@given(envelopes)
@settings(max_examples=10)
def test_an_envelope_gives_back_its_payload_and_its_ciphertext(envelope: Envelope) -> None:
    assert b64u_encode(envelope.ciphertext_bytes) == envelope.ciphertext
    payload = Payload.from_canonical(envelope.payload_bytes)
    assert Header.from_canonical(b64u_decode(payload.header)).recipients


def make_largest_envelope(header: Header, wrapped: WrappedKey, attachment: SealedAttachment) -> dict[str, Any]:
    """Return an envelope at every limit of its parts."""
    crowded = header.to_wire() | {"recipients": [header.to_wire()["recipients"][0]] * MAX_RECIPIENTS}
    payload = {
        "header": b64u_encode(Header.from_wire(crowded).canonical()),
        "body": {"enc": "Cobblestone-256", "sha256": "A" * 43, "size": MAX_CIPHERTEXT_BYTES},
        "attachments": [attachment.to_wire()] * MAX_ATTACHMENTS,
        "recipients": [wrapped.to_wire()] * MAX_RECIPIENTS,
    }
    return {
        "payload": b64u_encode(Payload.from_wire(payload).canonical()),
        "ciphertext": b64u_encode(bytes(MAX_CIPHERTEXT_BYTES)),
    }


def test_the_numbers_and_words_are_those_of_the_protocol() -> None:
    assert (MAX_CIPHERTEXT_BYTES, MAX_ENVELOPE_BYTES, MAX_RECIPIENTS, MAX_ATTACHMENTS) == (262_144, 524_288, 8, 32)
    assert (MAX_PATH, MAX_ACCEPTANCE_CHARACTERS) == (8, 65_536)
    assert (MAX_DELIVERY_DAYS, MAX_CLOCK_AHEAD_SECONDS, TOMBSTONE_DAYS) == (30, 300, 7)
    assert (CONTENT_ENCRYPTION, CONFIDENTIAL_KIND, KEM_OUTPUT_BYTES) == ("Cobblestone-256", "confidential", 1120)
    assert PADDING_BUCKETS == (2048, 4096, 8192, 16_384, 32_768, 65_536, 131_072, 261_120)


@given(headers, wrapped_keys, sealed_attachments, signatures())
@settings(max_examples=3)
def test_an_envelope_at_all_its_limits_fits(
    header: Header, wrapped: WrappedKey, attachment: SealedAttachment, signature: Any
) -> None:
    wire = make_largest_envelope(header, wrapped, attachment) | {"signatures": [signature.to_wire()] * 2}
    envelope = Envelope.from_wire(wire)

    assert len(envelope.canonical()) <= MAX_ENVELOPE_BYTES
    with pytest.raises(DocumentError) as refusal:
        Envelope.from_wire(wire | {"ciphertext": b64u_encode(bytes(MAX_CIPHERTEXT_BYTES + 1))})
    assert refusal.value.field == "ciphertext"


@given(payloads)
@settings(max_examples=5)
def test_more_recipients_or_attachments_than_allowed_are_refused(payload: Payload) -> None:
    wire = payload.to_wire()
    one = {"id": "3f0f6d0a-7c57-4c2c-9d3a-0d2f9a4b1c77", "sha256": "A" * 43, "size": 0}
    for name, items in (
        ("recipients", []),
        ("recipients", [wire["recipients"][0]] * (MAX_RECIPIENTS + 1)),
        ("attachments", [one] * (MAX_ATTACHMENTS + 1)),
    ):
        with pytest.raises(DocumentError) as refusal:
            Payload.from_wire(wire | {name: items})
        assert refusal.value.field == name


@given(payloads, messages, st.data())
@settings(max_examples=2)
def test_a_header_a_message_and_its_padding_have_a_length(payload: Payload, message: Message, data: Any) -> None:
    wire = payload.to_wire()
    for length, is_accepted in ((16_384, True), (16_386, False)):
        longer = wire | {"header": "A" * length}
        assert is_read(Payload, longer) is is_accepted
    wire = message.to_wire()
    attachment = data.draw(message_attachments).to_wire()
    for changed, is_accepted in (
        ({"attachments": [attachment] * 32}, True),
        ({"attachments": [attachment] * 33}, False),
        ({"padding": "0" * 261_120}, True),
        ({"padding": "0" * 261_121}, False),
    ):
        assert is_read(Message, wire | changed) is is_accepted


@given(header_recipients, header_senders)
@settings(max_examples=2)
def test_a_header_names_from_one_to_eight_recipients(recipient: HeaderRecipient, sender: HeaderSender) -> None:
    whole = {
        "v": 1,
        "exchange": "exchange.example",
        "id": "3f0f6d0a-7c57-4c2c-9d3a-0d2f9a4b1c77",
        "issued_at": "2026-11-21T08:00:00Z",
        "expires_at": "2026-11-22T08:00:00Z",
        "sender": sender.to_wire(),
        "routing": {"kind": "advisory", "marking": "green", "urgency": "routine"},
    }
    for count in (0, 1, 8, 9):
        assert is_read(Header, whole | {"recipients": [recipient.to_wire()] * count}) is (1 <= count <= 8)


def is_read(kind: type[WireModel], wire: dict[str, Any]) -> bool:
    try:
        kind.from_wire(wire)
    except DocumentError:
        return False
    return True


def test_a_body_has_at_least_a_byte_and_at_most_all_that_are_allowed() -> None:
    for size in (1, MAX_CIPHERTEXT_BYTES):
        assert Body.from_wire({"enc": "Cobblestone-256", "sha256": "A" * 43, "size": size}).size == size


@pytest.mark.parametrize("size", [0, -1, MAX_CIPHERTEXT_BYTES + 1])
def test_a_body_has_a_size_within_its_limits(size: int) -> None:
    with pytest.raises(DocumentError) as refusal:
        Body.from_wire({"enc": "Cobblestone-256", "sha256": "A" * 43, "size": size})

    assert refusal.value.field == "size"


@given(headers)
@settings(max_examples=5)
def test_a_sender_signs_with_one_pair(header: Header) -> None:
    wire = header.to_wire()
    for kids in ([], ["A" * 43], ["A" * 43] * 3):
        with pytest.raises(DocumentError) as refusal:
            Header.from_wire(wire | {"sender": wire["sender"] | {"kids": kids}})
        assert refusal.value.field == "sender.kids"


def test_a_wrapped_key_holds_the_output_of_its_kem() -> None:
    wire = {"kid": "A" * 43, "alg": "HPKE-9-KE", "ek": b64u_encode(bytes(KEM_OUTPUT_BYTES)), "encrypted_key": "AA"}

    assert WrappedKey.from_wire(wire).to_wire() == wire
    with pytest.raises(DocumentError, match="ek"):
        WrappedKey.from_wire(wire | {"ek": b64u_encode(bytes(KEM_OUTPUT_BYTES + 1))})
    assert is_read(WrappedKey, wire | {"encrypted_key": "A" * 64})
    assert not is_read(WrappedKey, wire | {"encrypted_key": "A" * 66})


@given(messages, st.text("é", max_size=3000))
@settings(max_examples=30)
def test_a_message_is_padded_to_the_next_bucket_and_stays_the_same(message: Message, text: str) -> None:
    message = message.model_copy(update={"alert": {"free_text": text}})
    data = pad_message(message)
    read = Message.from_canonical(data)

    assert len(data) in PADDING_BUCKETS
    assert read.model_copy(update={"padding": ""}) == message.model_copy(update={"padding": ""})
    assert len(data) - len(read.padding) > max((b for b in PADDING_BUCKETS if b < len(data)), default=0)


@given(messages)
@settings(max_examples=5)
def test_padding_fills_to_the_byte_at_the_edge_of_a_bucket(message: Message) -> None:
    empty = message.model_copy(update={"alert": {"text": ""}, "padding": ""})
    room = PADDING_BUCKETS[1] - len(empty.canonical())
    exact = message.model_copy(update={"alert": {"text": "x" * room}})
    over = message.model_copy(update={"alert": {"text": "x" * (room + 1)}})

    assert len(pad_message(exact)) == PADDING_BUCKETS[1]
    assert Message.from_canonical(pad_message(exact)).padding == ""
    assert len(pad_message(over)) == PADDING_BUCKETS[2]


@given(messages)
@settings(max_examples=3)
def test_a_message_beyond_the_last_bucket_is_refused_with_advice(message: Message) -> None:
    large = message.model_copy(update={"alert": {"text": "x" * PADDING_BUCKETS[-1]}})

    with pytest.raises(ValueError, match="at most 261120 fit; move content to an attachment"):
        pad_message(large)


@pytest.mark.parametrize("padding", ["1", "0 ", "00\n", "\x00", "０"])
@given(message=messages)
@settings(max_examples=1)
def test_padding_is_zeros_so_that_it_hides_nothing(message: Message, padding: str) -> None:
    with pytest.raises(DocumentError) as refusal:
        Message.from_wire(message.to_wire() | {"padding": padding})

    assert refusal.value.field == "padding"
