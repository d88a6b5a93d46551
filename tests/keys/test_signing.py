"""Pairs of signatures: both, in order, of the right keys, for the right type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.algorithms import SigningKey, check_public_key
from keys.errors import KeyNotSoundError, SignatureError
from keys.signing import sign_document, verify_document
from schemas.codec import CodecError, b64u_decode, b64u_encode, encode_canonical
from schemas.jwk import AkpJwk, Algorithm, make_jwk
from schemas.model import DocumentError
from schemas.signed import DocumentType, KeyUse, Signature, SignedDocument
from tests.support.members import derive_seed, make_signer

SIGNER = make_signer("GB", KeyUse.MESSAGE)
OTHER = make_signer("BE", KeyUse.MESSAGE)
DOCUMENT = sign_document(b'{"a":1}', DocumentType.STATUS, [SIGNER])


def replace_signatures(*signatures: Signature) -> SignedDocument:
    return SignedDocument(payload=DOCUMENT.payload, signatures=signatures)


def test_a_pair_verifies() -> None:
    verify_document(DOCUMENT, DocumentType.STATUS, SIGNER.jwks)


def test_one_signature_stripped_is_refused() -> None:
    for kept in DOCUMENT.signatures:
        with pytest.raises(SignatureError, match="2 signatures are required"):
            verify_document(replace_signatures(kept), DocumentType.STATUS, SIGNER.jwks)


def test_one_signature_twice_is_no_pair() -> None:
    first = DOCUMENT.signatures[0]
    with pytest.raises(SignatureError, match="another key"):
        verify_document(replace_signatures(first, first), DocumentType.STATUS, SIGNER.jwks)


def test_the_other_order_is_refused() -> None:
    with pytest.raises(SignatureError):
        verify_document(replace_signatures(*reversed(DOCUMENT.signatures)), DocumentType.STATUS, SIGNER.jwks)


def test_half_of_anothers_pair_is_refused() -> None:
    foreign = sign_document(b'{"a":1}', DocumentType.STATUS, [OTHER])
    mixed = replace_signatures(DOCUMENT.signatures[0], foreign.signatures[1])
    with pytest.raises(SignatureError, match="another key"):
        verify_document(mixed, DocumentType.STATUS, SIGNER.jwks)


@pytest.mark.parametrize("wrong", [kind for kind in DocumentType if kind is not DocumentType.STATUS])
def test_a_signature_for_one_type_is_none_for_another(wrong: DocumentType) -> None:
    with pytest.raises(DocumentError, match="is expected"):
        verify_document(DOCUMENT, wrong, SIGNER.jwks)


@given(st.integers(0, 10**6), st.integers(1, 255), st.integers(0, 1))
def test_no_changed_signature_verifies(position: int, flip: int, which: int) -> None:
    data = bytearray(b64u_decode(DOCUMENT.signatures[which].signature))
    data[position % len(data)] ^= flip
    changed = list(DOCUMENT.signatures)
    changed[which] = changed[which].model_copy(update={"signature": b64u_encode(bytes(data))})
    with pytest.raises(SignatureError):
        verify_document(replace_signatures(*changed), DocumentType.STATUS, SIGNER.jwks)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none", "kid": SIGNER.kids[0], "typ": "bilateral-status"},
        {"alg": "HS256", "kid": SIGNER.kids[0], "typ": "bilateral-status"},
        {"alg": "Ed25519", "b64": False, "crit": ["b64"], "kid": SIGNER.kids[0], "typ": "bilateral-status"},
        {"alg": "Ed25519", "kid": SIGNER.kids[0]},
    ],
)
def test_a_protected_header_of_another_form_is_refused(header: dict[str, object]) -> None:
    forged = Signature(protected=b64u_encode(encode_canonical(header)), signature=DOCUMENT.signatures[0].signature)
    with pytest.raises(CodecError):
        verify_document(replace_signatures(forged, DOCUMENT.signatures[1]), DocumentType.STATUS, SIGNER.jwks)


def test_another_algorithm_under_the_right_kid_is_refused() -> None:
    header = {"alg": "ML-DSA-44", "kid": SIGNER.kids[0], "typ": "bilateral-status"}
    forged = Signature(protected=b64u_encode(encode_canonical(header)), signature=b64u_encode(bytes(2420)))
    with pytest.raises(SignatureError, match="another key"):
        verify_document(replace_signatures(forged, DOCUMENT.signatures[1]), DocumentType.STATUS, SIGNER.jwks)


def test_a_seed_of_another_length_is_refused() -> None:
    with pytest.raises(KeyNotSoundError, match="32 bytes"):
        SigningKey(Algorithm.ED25519, bytes(31))


def test_an_encryption_key_does_not_sign() -> None:
    with pytest.raises(KeyNotSoundError, match="does not sign"):
        SigningKey(Algorithm.HPKE_9_KE, derive_seed("x"))


def test_a_small_order_key_is_not_sound() -> None:
    with pytest.raises(KeyNotSoundError, match="prime order"):
        check_public_key(make_jwk(Algorithm.ED25519, bytes([1]) + bytes(31)))


def test_an_ml_dsa_key_cut_short_is_not_sound() -> None:
    with pytest.raises(KeyNotSoundError, match="1952 bytes"):
        check_public_key(AkpJwk(kty="AKP", alg="ML-DSA-65", pub=b64u_encode(bytes(1951))))
