"""Documents about keys: their form, their digests, and what the two anchors commit to."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import key_documents as module
from schemas.codec import encode_canonical, hash_text
from schemas.jwk import thumbprint
from schemas.key_documents import (
    KEY_DOCUMENT_DOMAINS,
    MAX_ENCRYPTION_KEYS_PER_USE,
    MAX_KEY_DOCUMENT_BYTES,
    MAX_ROOTS,
    EncryptionKey,
    EncryptionKeys,
    ExchangeSheet,
    KeySet,
    LogKeys,
    OperationalKey,
    PossessedKey,
    Revocation,
    RootKey,
    Roots,
    compute_exchange_anchor,
    compute_trust_anchor,
    digest_key_document,
    make_possession_payload,
)
from schemas.model import DocumentError, WireModel
from schemas.signed import DocumentType, EncryptionUse, KeyUse
from tests.schemas.wire_form import list_models, verify_wire_form
from tests.strategies.documents import (
    encryption_key_documents,
    encryption_key_entries,
    exchange_sheets,
    key_sets,
    log_keys,
    operational_keys,
    possessed_keys,
    revocations,
    root_keys,
    roots,
)

MODELS: dict[type[WireModel], st.SearchStrategy[Any]] = {
    EncryptionKey: encryption_key_entries,
    EncryptionKeys: encryption_key_documents,
    ExchangeSheet: exchange_sheets,
    KeySet: key_sets,
    LogKeys: log_keys,
    OperationalKey: operational_keys,
    PossessedKey: possessed_keys,
    Revocation: revocations,
    RootKey: root_keys,
    Roots: roots,
}


@pytest.mark.parametrize("kind", MODELS)
@given(data=st.data())
@settings(max_examples=15)
def test_each_model_keeps_its_wire_form(kind: type[WireModel], data: st.DataObject) -> None:
    verify_wire_form(data.draw(MODELS[kind]))


def test_no_model_is_left_out() -> None:
    assert list_models(module) == set(MODELS)


@given(root_keys)
@settings(max_examples=5)
def test_a_root_is_named_by_both_its_keys_ed25519_first(root: RootKey) -> None:
    assert root.kids == (thumbprint(root.ed25519), thumbprint(root.ml_dsa))


@given(operational_keys)
@settings(max_examples=5)
def test_an_operational_key_is_named_in_signing_order(key: OperationalKey) -> None:
    assert key.kids == tuple(thumbprint(part.jwk) for part in key.keys)


@given(encryption_key_entries)
@settings(max_examples=5)
def test_an_encryption_key_is_named_by_its_thumbprint(key: EncryptionKey) -> None:
    assert key.kid == thumbprint(key.jwk)


@pytest.mark.parametrize("document_type", KEY_DOCUMENT_DOMAINS)
def test_a_key_document_has_a_digest_of_its_own_domain(document_type: DocumentType) -> None:
    digests = {digest_key_document(other, b"payload") for other in KEY_DOCUMENT_DOMAINS}

    assert len(digests) == len(KEY_DOCUMENT_DOMAINS) == 3
    assert digest_key_document(document_type, b"payload") == hash_text(
        document_type.removeprefix("bilateral-"), b"payload"
    )


@given(roots)
@settings(max_examples=10)
def test_the_trust_anchor_is_the_hash_of_agency_roots_and_threshold(value: Roots) -> None:
    whole = {"agency": "UTO", "roots": value.to_wire()["keys"], "threshold": value.threshold}

    assert compute_trust_anchor("UTO", value) == hash_text("trust-anchor", encode_canonical(whole))


@given(roots, root_keys)
@settings(max_examples=10)
def test_another_agency_threshold_or_root_is_another_anchor(value: Roots, other: RootKey) -> None:
    anchor = compute_trust_anchor("UTO", value)

    assert compute_trust_anchor("VN", value) != anchor
    assert (
        compute_trust_anchor("UTO", value.model_copy(update={"threshold": value.threshold % MAX_ROOTS + 1})) != anchor
    )
    assert compute_trust_anchor("UTO", value.model_copy(update={"keys": (*value.keys, other)})) != anchor


@given(exchange_sheets, st.sampled_from(sorted(ExchangeSheet.model_fields)), exchange_sheets)
@settings(max_examples=20)
def test_the_exchange_anchor_commits_to_the_whole_sheet(sheet: ExchangeSheet, name: str, other: ExchangeSheet) -> None:
    changed = sheet.model_copy(update={name: getattr(other, name)})

    assert (compute_exchange_anchor(changed) == compute_exchange_anchor(sheet)) == (changed == sheet)


def test_a_possession_says_exchange_agency_use_and_key() -> None:
    assert make_possession_payload("alerts.example", "UTO", KeyUse.MESSAGE, "A" * 43) == (
        b'{"agency":"UTO","exchange":"alerts.example","kid":"%s","use":"message"}' % (b"A" * 43)
    )


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "a.example",
        "a.example/",
        "a.example/0",
        "a.example/01",
        "a.example/1000000",
        "a.example/1\n",
        "a.example/1/2",
        "A.example/1",
        "/1",
        "a.example/-1",
        "a b/1",
    ],
)
@given(sheet=exchange_sheets)
@settings(max_examples=1)
def test_an_origin_is_a_name_and_an_epoch(sheet: ExchangeSheet, origin: str) -> None:
    with pytest.raises(DocumentError) as refusal:
        ExchangeSheet.from_wire(sheet.to_wire() | {"origin": origin})

    assert refusal.value.field == "origin"


@pytest.mark.parametrize("state", ["", "gb", "GBRX", "G1", "GBR\n", "ZZZ"])
@given(key_set=key_sets)
@settings(max_examples=1)
def test_a_state_is_one_of_the_travel_document_codes(key_set: KeySet, state: str) -> None:
    with pytest.raises(DocumentError) as refusal:
        KeySet.from_wire(key_set.to_wire() | {"state": state})

    assert refusal.value.field == "state"


@given(encryption_key_documents)
@settings(max_examples=3)
def test_two_encryption_keys_of_each_use_are_the_most(document: EncryptionKeys) -> None:
    entry = document.to_wire()["keys"][0]
    most = len(EncryptionUse) * MAX_ENCRYPTION_KEYS_PER_USE

    assert len(EncryptionKeys.from_wire(document.to_wire() | {"keys": [entry] * most}).keys) == 4
    with pytest.raises(DocumentError, match=r"keys"):
        EncryptionKeys.from_wire(document.to_wire() | {"keys": [entry] * (most + 1)})


@given(key_sets)
@settings(max_examples=3)
def test_a_key_set_of_three_roots_and_two_keys_a_use_fits_the_limit(key_set: KeySet) -> None:
    entry = {"use": "message", "keys": [key.to_wire() for key in key_set.keys[0].keys * 2][:2]}
    whole = KeySet.from_wire(key_set.to_wire() | {"keys": [entry] * (2 * len(KeyUse))})

    assert len(whole.canonical()) < MAX_KEY_DOCUMENT_BYTES
