"""No changed byte string of a signed document is accepted: not with other content, nor with fewer valid signatures."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.encryption_keys import verify_encryption_keys
from keys.errors import KeysError
from keys.key_sets import verify_key_set
from keys.receipts import open_receipt, seal_receipt
from keys.signing import sign_document, verify_document
from schemas.agreements.steps import Step, StepAction
from schemas.codec import CodecError, b64u_encode
from schemas.receipts import Receipt, ReceiptedMessage, ReceiptType, SealedReceipt
from schemas.signed import DocumentType, KeyUse, SignedDocument
from tests.strategies.agreements import make_step, make_terms
from tests.support.members import EXCHANGE, START, derive_seed, make_member
from tests.support.messages import make_id

GB, BE = make_member("GB"), make_member("BE")
RECEIPT = Receipt(
    v=1,
    exchange=EXCHANGE,
    salt=b64u_encode(derive_seed("salt")),
    type=ReceiptType.ACTED,
    from_agency="BE",
    to_agency="GB",
    time=START,
    late=False,
    messages=(ReceiptedMessage(id=make_id("first"), digest=b64u_encode(derive_seed("digest"))),),
)
STEP = make_step("GB-HO", StepAction.SUSPEND, make_terms())
AGREEMENT_SIGNER = GB.signers[KeyUse.AGREEMENT]


def accept_step(data: bytes) -> None:
    document = SignedDocument.from_canonical(data)
    verify_document(document, DocumentType.AGREEMENT_STEP, AGREEMENT_SIGNER.jwks)
    Step.from_canonical(document.payload_bytes)


def accept_key_set(data: bytes) -> None:
    verify_key_set(SignedDocument.from_canonical(data), None, exchange=EXCHANGE, now=START + timedelta(days=1))


def accept_encryption_keys(data: bytes) -> None:
    verify_encryption_keys(SignedDocument.from_canonical(data), GB.verified, None)


def accept_receipt(data: bytes) -> None:
    opened = open_receipt(SealedReceipt.from_canonical(data), GB.opening_key)
    verify_document(opened.document, DocumentType.RECEIPT, BE.signers[KeyUse.RECEIPT].jwks)


CASES: dict[str, tuple[bytes, Callable[[bytes], None]]] = {
    "agreement step": (
        sign_document(STEP.canonical(), DocumentType.AGREEMENT_STEP, [AGREEMENT_SIGNER]).canonical(),
        accept_step,
    ),
    "key set": (GB.verified.document.canonical(), accept_key_set),
    "encryption keys": (GB.encryption.document.canonical(), accept_encryption_keys),
    "receipt": (
        seal_receipt(RECEIPT, BE.signers[KeyUse.RECEIPT], GB.opening_key.jwk, content_key=bytes(32)).canonical(),
        accept_receipt,
    ),
}


@pytest.mark.parametrize(("data", "accept"), CASES.values(), ids=CASES)
def test_the_unchanged_bytes_are_accepted(data: bytes, accept: Callable[[bytes], None]) -> None:
    accept(data)


@pytest.mark.parametrize(("data", "accept"), CASES.values(), ids=CASES)
@settings(max_examples=120)
@given(drawn=st.data())
def test_no_replaced_byte_is_accepted(data: bytes, accept: Callable[[bytes], None], drawn: st.DataObject) -> None:
    position = drawn.draw(st.integers(0, len(data) - 1))
    replaced = drawn.draw(st.integers(0, 255).filter(lambda byte: byte != data[position]))
    with pytest.raises((CodecError, KeysError)):
        accept(data[:position] + bytes([replaced]) + data[position + 1 :])


@pytest.mark.parametrize(("data", "accept"), CASES.values(), ids=CASES)
@settings(max_examples=60)
@given(drawn=st.data())
def test_no_dropped_or_added_bytes_are_accepted(
    data: bytes, accept: Callable[[bytes], None], drawn: st.DataObject
) -> None:
    position = drawn.draw(st.integers(0, len(data)))
    dropped = drawn.draw(st.integers(0, 40))
    added = drawn.draw(st.binary(max_size=40))
    changed = data[:position] + added + data[position + dropped :]
    if changed != data:
        with pytest.raises((CodecError, KeysError)):
            accept(changed)


@pytest.mark.parametrize("name", ["agreement step", "key set", "encryption keys"])
def test_no_signature_can_be_left_out(name: str) -> None:
    data, accept = CASES[name]
    document = SignedDocument.from_canonical(data)
    for left_out in range(len(document.signatures)):
        fewer = document.signatures[:left_out] + document.signatures[left_out + 1 :]
        with pytest.raises((CodecError, KeysError)):
            accept(document.model_copy(update={"signatures": fewer}).canonical())
