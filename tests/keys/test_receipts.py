"""Receipts open for the sender of the messages alone, and say inside what they say outside."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.errors import OpeningError
from keys.receipts import open_receipt, seal_receipt
from keys.signing import verify_document
from schemas.codec import b64u_decode, b64u_encode
from schemas.receipts import Receipt, ReceiptedMessage, ReceiptType, SealedReceipt
from schemas.signed import DocumentType, KeyUse
from tests.support.members import EXCHANGE, START, derive_seed, make_member
from tests.support.messages import make_id

GB, BE = make_member("GB"), make_member("BE")
RECEIPT = Receipt(
    v=1,
    exchange=EXCHANGE,
    salt=b64u_encode(derive_seed("salt")),
    type=ReceiptType.VERIFIED,
    from_agency="BE",
    to_agency="GB",
    time=START + timedelta(days=1),
    late=False,
    messages=(ReceiptedMessage(id=make_id("first"), digest=b64u_encode(derive_seed("digest"))),),
)
SEALED = seal_receipt(RECEIPT, BE.signers[KeyUse.RECEIPT], GB.opening_key.jwk, content_key=derive_seed("key"))


def test_a_receipt_opens_and_its_signatures_verify() -> None:
    opened = open_receipt(SealedReceipt.from_canonical(SEALED.canonical()), GB.opening_key)
    assert opened.receipt == RECEIPT
    verify_document(opened.document, DocumentType.RECEIPT, BE.signers[KeyUse.RECEIPT].jwks)


def test_nobody_else_opens_it() -> None:
    with pytest.raises(OpeningError):
        open_receipt(SEALED, BE.opening_key)


@pytest.mark.parametrize(
    "changes",
    [
        {"type": ReceiptType.ACTED},
        {"from_agency": "VN"},
        {"to_agency": "VN"},
        {"exchange": "staging.example"},
        {"digest": b64u_encode(bytes(32))},
    ],
)
def test_an_outside_that_does_not_match_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(OpeningError):
        open_receipt(SEALED.model_copy(update=changes), GB.opening_key)


@settings(max_examples=100)
@given(st.integers(0, 10**6), st.integers(1, 255))
def test_no_changed_ciphertext_opens(position: int, flip: int) -> None:
    data = bytearray(b64u_decode(SEALED.ciphertext))
    data[position % len(data)] ^= flip
    with pytest.raises(OpeningError):
        open_receipt(SEALED.model_copy(update={"ciphertext": b64u_encode(bytes(data))}), GB.opening_key)
