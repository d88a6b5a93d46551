"""Documents of another implementation, written in another language from the page alone, verify and open here."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from keys.algorithms import OpeningKey
from keys.anchors import parse_anchor
from keys.encryption_keys import verify_encryption_keys, verify_revocation
from keys.errors import KeysError, SignatureError
from keys.key_sets import VerifiedKeySet, verify_anchor, verify_key_set
from keys.receipts import open_receipt
from keys.sealing import open_envelope, parse_envelope, verify_envelope_signatures
from keys.signing import verify_document
from keys.tokens import verify_assertion
from schemas.agreements.lifecycle import view_agreement
from schemas.agreements.steps import ChainedStep, Step, digest_step, verify_continuation
from schemas.codec import b64u_decode, encode_canonical
from schemas.jwk import OkpJwk
from schemas.model import parse_timestamp
from schemas.receipts import SealedReceipt
from schemas.signed import DocumentType, KeyUse, SignedDocument, read_signatures
from schemas.status import digest_status

FOLDER = Path(__file__).parent / "foreign"
EXCHANGE = "exchange.example"
NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)


def load(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text("utf-8"))


def load_key_set(agency: str) -> VerifiedKeySet:
    document = SignedDocument.from_wire(load("agencies")[agency]["key_set"]["document"])
    return verify_key_set(document, None, exchange=EXCHANGE, now=NOW)


def verify_signed(document: SignedDocument, kind: DocumentType, agency: str, use: KeyUse) -> None:
    kids = tuple(slot.header.kid for slot in read_signatures(document.payload, document.signatures, kind))
    verify_document(document, kind, load_key_set(agency).find_keys(use, kids))


@pytest.mark.parametrize("agency", ["NL", "LU"])
def test_key_sets_anchors_words_and_encryption_keys_verify(agency: str) -> None:
    case = load("agencies")[agency]
    verify_anchor(load_key_set(agency), case["anchor"])
    assert parse_anchor(case["words"]) == case["anchor"]
    verify_encryption_keys(SignedDocument.from_wire(case["encryption_keys"]["document"]), load_key_set(agency), None)


def test_changed_roots_verify_with_both_thresholds() -> None:
    case = load("key-sets")
    first = verify_key_set(SignedDocument.from_wire(case["first"]["document"]), None, exchange=EXCHANGE, now=NOW)
    second = SignedDocument.from_wire(case["second"]["document"])
    assert verify_key_set(second, first, exchange=EXCHANGE, now=NOW).digest == case["second"]["digest"]
    for refused in case["refused_as_second"].values():
        with pytest.raises(KeysError):
            verify_key_set(SignedDocument.from_wire(refused["document"]), first, exchange=EXCHANGE, now=NOW)


def test_an_envelope_opens() -> None:
    case = load("envelope-nl-lu")
    parsed = parse_envelope(encode_canonical(case["envelope"]))
    verify_envelope_signatures(parsed, load_key_set("NL").find_keys(KeyUse.MESSAGE, parsed.header.sender.kids))
    opened = open_envelope(parsed, "LU", OpeningKey(b64u_decode(case["recipient_seed"])))
    assert opened.message_bytes.decode() == case["message"]
    assert parsed.digest == case["digest"]


def test_a_receipt_opens() -> None:
    case = load("receipt-lu-nl")
    opened = open_receipt(SealedReceipt.from_wire(case["sealed"]), OpeningKey(b64u_decode(case["recipient_seed"])))
    assert opened.receipt.to_wire() == case["receipt"]
    verify_signed(opened.document, DocumentType.RECEIPT, "LU", KeyUse.RECEIPT)


def test_four_versions_with_rivals_have_the_same_states_at_every_moment() -> None:
    case = load("agreements")
    chains: dict[str, list[ChainedStep]] = {}
    moments = 0
    for item in [*case["steps"], *case["later"]]:
        if "document" in item:
            document = SignedDocument.from_wire(item["document"])
            step = Step.from_canonical(document.payload_bytes)
            verify_signed(document, DocumentType.AGREEMENT_STEP, step.agency, KeyUse.AGREEMENT)
            chain = chains.setdefault(step.agency, [])
            verify_continuation(chain, step)
            chain.append(ChainedStep(step, digest_step(document.payload_bytes)))
        now = parse_timestamp(item["judged_at"])
        states = {name: view_agreement(digest, chains, now).state for name, digest in case["versions"].items()}
        assert states == item["states"]
        moments += 1
    assert moments > 10


def test_a_revocation_and_a_status_verify() -> None:
    revocation = SignedDocument.from_wire(load("revocation")["document"])
    assert verify_revocation(revocation, load_key_set("NL")).digest == load("revocation")["digest"]
    status = SignedDocument.from_wire(load("status")["document"])
    verify_signed(status, DocumentType.STATUS, "NL", KeyUse.RECEIPT)
    assert digest_status(status.payload_bytes) == load("status")["digest"]


def test_an_assertion_verifies() -> None:
    case = load("token")

    def find_key(agency: str, kid: str) -> OkpJwk:
        (jwk,) = load_key_set(agency).find_keys(KeyUse.REQUEST, (kid,))
        assert isinstance(jwk, OkpJwk)
        return jwk

    issued = datetime.fromtimestamp(case["claims"]["iat"], UTC)
    assert verify_assertion(case["assertion"], find_key, exchange=EXCHANGE, now=issued).to_wire() == case["claims"]


def test_a_signature_that_only_cofactored_verification_accepts_is_refused() -> None:
    document = SignedDocument.from_wire(load("ed25519-mixed-order-step")["document"])
    with pytest.raises(SignatureError, match="Ed25519"):
        verify_signed(document, DocumentType.AGREEMENT_STEP, "NL", KeyUse.AGREEMENT)
