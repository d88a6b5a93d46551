"""Receipts name messages, never an officer, and travel sealed."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import receipts as module
from schemas.codec import b64u_encode, hash_text
from schemas.model import DocumentError, WireModel
from schemas.receipts import (
    MAX_MESSAGES_PER_RECEIPT,
    MAX_RECEIPT_BYTES,
    Receipt,
    ReceiptedMessage,
    SealedReceipt,
    compute_receipt_digest,
)
from schemas.signed import SIGNATURE_BYTES
from tests.schemas.wire_form import list_models, verify_wire_form
from tests.strategies.documents import receipted_messages, receipts, sealed_receipts

MODELS: dict[type[WireModel], st.SearchStrategy[Any]] = {
    Receipt: receipts,
    ReceiptedMessage: receipted_messages,
    SealedReceipt: sealed_receipts,
}
NO_PERSON = {"officer", "user", "name", "actor", "node"}


@pytest.mark.parametrize("kind", MODELS)
@given(data=st.data())
@settings(max_examples=15)
def test_each_model_keeps_its_wire_form(kind: type[WireModel], data: st.DataObject) -> None:
    verify_wire_form(data.draw(MODELS[kind]))


def test_no_model_is_left_out() -> None:
    assert list_models(module) == set(MODELS)


def test_no_receipt_has_a_place_for_a_person() -> None:
    for kind in MODELS:
        assert not NO_PERSON & set(kind.model_fields)


def test_what_travels_shows_neither_messages_nor_time() -> None:
    assert not {"messages", "time", "salt", "late"} & set(SealedReceipt.model_fields)


def test_a_receipt_is_named_by_the_hash_of_its_payload() -> None:
    assert compute_receipt_digest(b"payload") == hash_text("receipt", b"payload")


@given(receipts)
@settings(max_examples=5)
def test_a_receipt_covers_at_least_one_message_and_not_too_many(receipt: Receipt) -> None:
    wire = receipt.to_wire()
    one = wire["messages"][0] | {"reason": "x" * 64}
    full = Receipt.from_wire(wire | {"messages": [one] * MAX_MESSAGES_PER_RECEIPT})
    signed_bytes = (len(full.canonical()) + sum(SIGNATURE_BYTES.values())) * 4 // 3

    assert signed_bytes < MAX_RECEIPT_BYTES
    for messages in ([], [one] * (MAX_MESSAGES_PER_RECEIPT + 1)):
        with pytest.raises(DocumentError) as refusal:
            Receipt.from_wire(wire | {"messages": messages})
        assert refusal.value.field == "messages"


@given(sealed_receipts)
@settings(max_examples=3)
def test_a_sealed_receipt_may_have_exactly_the_bytes_allowed(sealed: SealedReceipt) -> None:
    most = b64u_encode(bytes(MAX_RECEIPT_BYTES))

    assert SealedReceipt.from_wire(sealed.to_wire() | {"ciphertext": most}).ciphertext == most
    with pytest.raises(DocumentError) as refusal:
        SealedReceipt.from_wire(sealed.to_wire() | {"ciphertext": b64u_encode(bytes(MAX_RECEIPT_BYTES + 1))})
    assert refusal.value.field == "ciphertext"
