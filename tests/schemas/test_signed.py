"""The signed form: closed tables of types, uses and lengths, and headers that say exactly three things."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import signed as module
from schemas.codec import CodecError, b64u_decode, b64u_encode, encode_canonical
from schemas.jwk import Algorithm
from schemas.model import DocumentError, WireModel
from schemas.signed import (
    MAX_SIGNATURES,
    ROOT_ALGORITHMS,
    SIGNATURE_BYTES,
    SIGNING_USE,
    USE_ALGORITHMS,
    DocumentType,
    KeyUse,
    ProtectedHeader,
    Signature,
    SignedDocument,
    encode_protected,
    make_signing_input,
    read_signatures,
)
from tests.schemas.wire_form import list_models, verify_wire_form
from tests.strategies.documents import protected_headers, signatures, signed_documents

KID = "A" * 43
MODELS: dict[type[WireModel], st.SearchStrategy[Any]] = {
    ProtectedHeader: protected_headers,
    Signature: signatures(),
    SignedDocument: signed_documents,
}


@pytest.mark.parametrize("kind", MODELS)
@given(data=st.data())
@settings(max_examples=20)
def test_each_model_keeps_its_wire_form(kind: type[WireModel], data: st.DataObject) -> None:
    verify_wire_form(data.draw(MODELS[kind]))


def test_no_model_is_left_out() -> None:
    assert list_models(module) == set(MODELS)


def test_every_type_but_two_is_signed_by_one_use_and_every_use_has_its_algorithms() -> None:
    assert set(DocumentType) - set(SIGNING_USE) == {DocumentType.KEY_SET, DocumentType.KEY_POSSESSION}
    assert set(USE_ALGORITHMS) == set(KeyUse)


def test_every_document_is_signed_by_a_pair() -> None:
    for use in SIGNING_USE.values():
        assert USE_ALGORITHMS[use] == (Algorithm.ED25519, Algorithm.ML_DSA_65)
    assert ROOT_ALGORITHMS == (Algorithm.ED25519, Algorithm.ML_DSA_87)


def test_the_longest_signature_and_the_longest_header_fit() -> None:
    longest = max(
        (encode_protected(algorithm, KID, typ) for algorithm in SIGNATURE_BYTES for typ in DocumentType), key=len
    )
    raw = bytes(max(SIGNATURE_BYTES.values()))

    assert Signature.from_wire({"protected": longest, "signature": b64u_encode(raw)}).protected == longest


def sign(document_type: DocumentType, algorithm: Algorithm, **changes: Any) -> Signature:
    """Return a signature in form: zeros of the algorithm's length."""
    protected = encode_protected(algorithm, KID, document_type)
    zeros = b64u_encode(bytes(SIGNATURE_BYTES[algorithm]))
    return Signature(**{"protected": protected, "signature": zeros} | changes)


@pytest.mark.parametrize("algorithm", SIGNATURE_BYTES)
@pytest.mark.parametrize("document_type", DocumentType)
def test_signatures_are_taken_apart(document_type: DocumentType, algorithm: Algorithm) -> None:
    signature = sign(document_type, algorithm)
    [slot] = read_signatures("cGF5bG9hZA", (signature,), document_type)

    assert slot.header == ProtectedHeader(alg=algorithm.value, kid=KID, typ=document_type)  # type: ignore[arg-type]
    assert slot.signing_input == f"{signature.protected}.cGF5bG9hZA".encode()
    assert slot.signature == bytes(SIGNATURE_BYTES[algorithm])


def test_what_is_signed_is_header_and_payload_as_rfc_7515_writes_them() -> None:
    assert (
        make_signing_input("eyJhbGciOiJIUzI1NiJ9", "eyJpc3MiOiJqb2UifQ") == b"eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UifQ"
    )
    assert b64u_decode(encode_protected(Algorithm.ED25519, KID, DocumentType.STATUS)) == (
        b'{"alg":"Ed25519","kid":"%s","typ":"bilateral-status"}' % KID.encode()
    )


def test_a_signature_of_another_type_is_refused_where_it_stands() -> None:
    pair = (
        sign(DocumentType.ENVELOPE, Algorithm.ED25519),
        sign(DocumentType.RECEIPT, Algorithm.ML_DSA_65),
    )

    with pytest.raises(DocumentError, match="bilateral-envelope is expected, not bilateral-receipt") as refusal:
        read_signatures("AA", pair, DocumentType.ENVELOPE)
    assert refusal.value.field == "signatures.1.typ"


@pytest.mark.parametrize("length", [0, 63, 65, 3309])
def test_a_signature_of_another_length_is_refused(length: int) -> None:
    signature = sign(DocumentType.ENVELOPE, Algorithm.ED25519, signature=b64u_encode(bytes(length)))

    with pytest.raises(DocumentError, match="not the length of Ed25519") as refusal:
        read_signatures("AA", (signature,), DocumentType.ENVELOPE)
    assert refusal.value.field == "signatures.0.signature"


GOOD = {"alg": "Ed25519", "kid": KID, "typ": "bilateral-envelope"}
HEADERS: dict[str, bytes] = {
    "no algorithm": encode_canonical({"kid": KID, "typ": "bilateral-envelope"}),
    "the algorithm none": encode_canonical(GOOD | {"alg": "none"}),
    "an algorithm of another suite": encode_canonical(GOOD | {"alg": "EdDSA"}),
    "an algorithm that encrypts": encode_canonical(GOOD | {"alg": "HPKE-9-KE"}),
    "a keyed hash": encode_canonical(GOOD | {"alg": "HS256"}),
    "no type": encode_canonical({"alg": "Ed25519", "kid": KID}),
    "an unknown type": encode_canonical(GOOD | {"typ": "JWT"}),
    "a critical member": encode_canonical(GOOD | {"crit": ["exp"]}),
    "a key inside": encode_canonical(GOOD | {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": KID}}),
    "an address of a key": encode_canonical(GOOD | {"jku": "https://keys.example"}),
    "an unencoded payload": encode_canonical(GOOD | {"b64": False}),
    "a short kid": encode_canonical(GOOD | {"kid": "A" * 42}),
    "members out of order": b'{"typ":"bilateral-envelope","alg":"Ed25519","kid":"%s"}' % KID.encode(),
    "a member twice": b'{"alg":"Ed25519","alg":"Ed25519","kid":"%s","typ":"bilateral-envelope"}' % KID.encode(),
    "a space": encode_canonical(GOOD) + b" ",
    "nothing": b"",
    "an array": b"[]",
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_a_protected_header_is_refused_with(header: bytes) -> None:
    signature = sign(DocumentType.ENVELOPE, Algorithm.ED25519, protected=b64u_encode(header))

    with pytest.raises(CodecError):
        read_signatures("AA", (signature,), DocumentType.ENVELOPE)


def test_a_document_has_at_least_one_signature_and_not_too_many() -> None:
    one = sign(DocumentType.STATUS, Algorithm.ED25519).to_wire()

    assert len(SignedDocument.from_wire({"payload": "AA", "signatures": [one] * MAX_SIGNATURES}).signatures) == 36
    for count in (0, MAX_SIGNATURES + 1):
        with pytest.raises(DocumentError, match="signatures"):
            SignedDocument.from_wire({"payload": "AA", "signatures": [one] * count})


@given(st.binary(max_size=60))
def test_the_payload_is_the_bytes_that_were_signed(data: bytes) -> None:
    signature = sign(DocumentType.STATUS, Algorithm.ED25519)
    document = SignedDocument(payload=b64u_encode(data), signatures=(signature,))

    assert document.payload_bytes == data
