"""Public keys have one form, and their thumbprint is the one the RFCs define."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import jwk as module
from schemas.codec import b64u_decode, b64u_encode
from schemas.jwk import PUBLIC_KEY_BYTES, AkpJwk, Algorithm, Jwk, OkpJwk, make_jwk, thumbprint
from schemas.model import DocumentError, WireModel
from tests.schemas.wire_form import list_models, verify_wire_form
from tests.strategies.documents import any_akp_jwks, okp_jwks
from tests.strategies.primitives import some_bytes

MODELS: dict[type[WireModel], st.SearchStrategy[Any]] = {OkpJwk: okp_jwks, AkpJwk: any_akp_jwks}


class Holder(WireModel):
    """A document that holds a key of either form."""

    jwk: Jwk


@pytest.mark.parametrize("kind", MODELS)
@given(data=st.data())
@settings(max_examples=20)
def test_each_model_keeps_its_wire_form(kind: type[WireModel], data: st.DataObject) -> None:
    verify_wire_form(data.draw(MODELS[kind]))


def test_no_model_is_left_out() -> None:
    assert list_models(module) == set(MODELS)


def test_every_algorithm_has_its_key_length() -> None:
    assert set(PUBLIC_KEY_BYTES) == set(Algorithm)


@pytest.mark.parametrize("algorithm", Algorithm)
@given(data=st.data())
@settings(max_examples=5)
def test_raw_keys_become_keys_and_raw_keys_again(algorithm: Algorithm, data: st.DataObject) -> None:
    raw = data.draw(some_bytes(PUBLIC_KEY_BYTES[algorithm]))
    jwk = make_jwk(algorithm, raw)

    assert jwk.public_bytes == raw
    assert jwk.algorithm is algorithm
    assert Holder.from_wire({"jwk": jwk.to_wire()}).jwk == jwk


@pytest.mark.parametrize("algorithm", Algorithm)
@pytest.mark.parametrize("change", [-1, 1])
def test_a_raw_key_of_another_length_is_refused(algorithm: Algorithm, change: int) -> None:
    with pytest.raises(ValueError, match=f"a {algorithm} public key has"):
        make_jwk(algorithm, bytes(PUBLIC_KEY_BYTES[algorithm] + change))


def test_the_thumbprint_of_an_ed25519_key_is_that_of_rfc_8037_appendix_a_3() -> None:
    jwk = OkpJwk(kty="OKP", crv="Ed25519", x="11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")

    assert thumbprint(jwk) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_the_thumbprint_of_an_ml_dsa_key_is_that_of_rfc_9964_for_the_seed_of_zeros() -> None:
    raw = MLDSA44PrivateKey.from_seed_bytes(bytes(32)).public_key().public_bytes_raw()

    assert thumbprint(make_jwk(Algorithm.ML_DSA_44, raw)) == "T4xl70S7MT6Zeq6r9V9fPJGVn76wfnXJ21-gyo0Gu6o"


def test_the_thumbprint_names_the_algorithm_of_an_akp_key() -> None:
    raw = b64u_encode(bytes(1312))
    keys = [AkpJwk(kty="AKP", alg="ML-DSA-44", pub=raw), AkpJwk(kty="AKP", alg="ML-DSA-65", pub=raw)]

    assert len({thumbprint(key) for key in keys}) == 2
    assert all(len(b64u_decode(thumbprint(key))) == 32 for key in keys)


GOOD = {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43}


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (GOOD | {"d": "A" * 43}, "jwk.OKP.d"),
        (GOOD | {"kid": "A" * 43}, "jwk.OKP.kid"),
        (GOOD | {"alg": "Ed25519"}, "jwk.OKP.alg"),
        (GOOD | {"crv": "Ed448"}, "jwk.OKP.crv"),
        (GOOD | {"crv": "X25519"}, "jwk.OKP.crv"),
        (GOOD | {"x": "A" * 42}, "jwk.OKP.x"),
        (GOOD | {"kty": "AKP"}, "jwk.AKP.alg"),
        ({"kty": "AKP", "alg": "ML-DSA-65", "pub": "A" * 3460}, "jwk.AKP.pub"),
        ({"kty": "AKP", "alg": "SLH-DSA-SHA2-128s", "pub": "AAAA"}, "jwk.AKP.alg"),
        ({"kty": "AKP", "alg": "ML-DSA-65", "pub": "AAAA", "priv": "AAAA"}, "jwk.AKP.priv"),
        (GOOD | {"kty": "EC"}, "jwk"),
        (GOOD | {"kty": "okp"}, "jwk"),
        (GOOD | {"kty": ["OKP"]}, "jwk"),
        (GOOD | {"kty": {"OKP": 1}}, "jwk"),
        (GOOD | {"kty": True}, "jwk"),
        (GOOD | {"kty": "\x1b[31m" * 1000}, "jwk"),
        ({"crv": "Ed25519"}, "jwk"),
        ({}, "jwk"),
        ([], "jwk"),
        ("OKP", "jwk"),
        (1, "jwk"),
    ],
)
def test_a_key_of_another_form_is_refused_by_name(value: Any, field: str) -> None:
    with pytest.raises(DocumentError) as refusal:
        Holder.from_wire({"jwk": value})

    assert refusal.value.field == field
    assert str(refusal.value).isprintable()
    assert len(str(refusal.value)) < 300
