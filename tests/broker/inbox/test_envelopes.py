"""Cutting the ciphertext out of an envelope, and putting it back."""

from hypothesis import given
from hypothesis import strategies as st

from broker.inbox.envelopes import cut_ciphertext, join_envelope
from schemas.codec import b64u_encode
from schemas.envelope import Envelope
from schemas.signed import Signature, SignedDocument


@given(st.binary(max_size=400), st.binary(max_size=200), st.binary(min_size=1, max_size=100))
def test_what_is_left_is_the_canonical_signed_document_and_nothing_is_lost(
    ciphertext: bytes, payload: bytes, signature: bytes
) -> None:
    signatures = (Signature(protected=b64u_encode(signature), signature=b64u_encode(signature)),)
    envelope = Envelope(payload=b64u_encode(payload), signatures=signatures, ciphertext=b64u_encode(ciphertext))
    data = envelope.canonical()
    document = cut_ciphertext(data, envelope)
    assert document == SignedDocument(payload=envelope.payload, signatures=signatures).canonical()
    assert join_envelope(document, ciphertext) == data
