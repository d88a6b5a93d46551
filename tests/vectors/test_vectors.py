"""The fixed files open and verify: what was promised to other implementations still holds."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from keys.algorithms import OpeningKey, SigningKey
from keys.anchors import parse_anchor
from keys.attachments import AttachmentOpener, make_context
from keys.cosignatures import CosignatureError, list_witness_keys, verify_cosignature
from keys.edwards import is_sound_public_key
from keys.encryption_keys import VerifiedEncryptionKeys, verify_encryption_keys
from keys.errors import KeysError, OpeningError
from keys.key_sets import VerifiedKeySet, verify_anchor, verify_key_set
from keys.log_keys import LogPublicKeys, verify_checkpoint, verify_proof
from keys.receipts import open_receipt
from keys.sealing import (
    decrypt_content,
    open_envelope,
    parse_envelope,
    unwrap_content_key,
    verify_envelope_signatures,
)
from keys.signing import verify_document
from keys.tokens import make_assertion, verify_assertion
from schemas.agreements.lifecycle import view_agreement
from schemas.agreements.steps import ChainedStep, Step, digest_step, verify_continuation
from schemas.agreements.terms import Terms
from schemas.alerts import parse_alert
from schemas.attachments import measure_sealed
from schemas.codec import CodecError, b64u_decode, b64u_encode, decode_canonical, encode_canonical
from schemas.envelope import MessageAttachment, SealedAttachment, WrappedKey
from schemas.jwk import AkpJwk, Algorithm, OkpJwk
from schemas.key_documents import ExchangeSheet, compute_exchange_anchor
from schemas.log.checkpoint import format_cosigned_message
from schemas.log.leaf import leaf_bytes, parse_leaf, verify_record
from schemas.log.records import Record
from schemas.log.tree import Frontier, hash_leaf, verify_consistency, verify_inclusion
from schemas.model import parse_timestamp
from schemas.receipts import SealedReceipt
from schemas.signed import DocumentType, KeyUse, SignedDocument
from schemas.status import Status, digest_status

FOLDER = Path(__file__).parent
NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)


def load(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text("utf-8"))


def load_key_set(agency: str) -> VerifiedKeySet:
    part = load("key-documents")[agency]["key_set"]
    document = SignedDocument.from_wire(part["document"])
    return verify_key_set(document, None, exchange="exchange.example", now=NOW)


def load_encryption_keys(agency: str) -> VerifiedEncryptionKeys:
    part = load("key-documents")[agency]["encryption_keys"]
    return verify_encryption_keys(SignedDocument.from_wire(part["document"]), load_key_set(agency), None)


def find_signing_jwks(agency: str, use: KeyUse) -> tuple[Any, ...]:
    key_set = load_key_set(agency)
    kids = next(key.kids for key in key_set.key_set.keys if key.use is use)
    return key_set.find_keys(use, kids)


@pytest.mark.parametrize("case", load("canonical")["accepted"])
def test_canonical_values_have_these_bytes(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["canonical_hex"])
    assert encode_canonical(case["value"]) == data
    assert decode_canonical(data) == case["value"]


@pytest.mark.parametrize("data", load("canonical")["refused_hex"])
def test_other_spellings_are_refused(data: str) -> None:
    with pytest.raises(CodecError):
        decode_canonical(bytes.fromhex(data))


@pytest.mark.parametrize("text", load("canonical")["base64url_refused"])
def test_other_base64_is_refused(text: str) -> None:
    with pytest.raises(CodecError):
        b64u_decode(text)


@pytest.mark.parametrize("case", load("ciphers")["cobblestone_256"])
def test_cobblestone_opens(case: dict[str, Any]) -> None:
    parts = [b64u_decode(case[name]) for name in ("ciphertext", "key", "context")]
    assert decrypt_content(*parts) == bytes(case["zero_bytes"])


def open_attachment(case: dict[str, Any]) -> bytes:
    sealed, inside = SealedAttachment.from_wire(case["in_p"]), MessageAttachment.from_wire(case["in_m"])
    opener = AttachmentOpener(case["message"], sealed, inside)
    return opener.update(b64u_decode(case["ciphertext"])) + opener.verify_end()


@pytest.mark.parametrize("case", load("attachments")["attachments"], ids=lambda case: case["in_m"]["size"])
def test_an_attachment_opens_in_its_message(case: dict[str, Any]) -> None:
    assert b64u_encode(make_context(case["message"], case["in_p"]["id"])) == case["context"]
    assert open_attachment(case) == b64u_decode(case["file"])
    assert case["in_p"]["size"] == measure_sealed(case["in_m"]["size"])


@pytest.mark.parametrize("case", load("attachments")["refused"], ids=["moved", "cut short"])
def test_an_attachment_opens_nowhere_else_and_not_in_part(case: dict[str, Any]) -> None:
    with pytest.raises(OpeningError):
        open_attachment(case)


def test_a_wrapped_key_unwraps() -> None:
    case = load("ciphers")["wrapped_key"]
    key = OpeningKey(b64u_decode(case["recipient_seed"]))
    assert key.jwk.to_wire() == case["recipient_jwk"]
    content_key = unwrap_content_key(WrappedKey.from_wire(case["wrapped"]), key, b64u_decode(case["binding"]))
    assert b64u_encode(content_key) == case["content_key"]


@pytest.mark.parametrize("case", load("keys")["keys"], ids=lambda case: case["algorithm"])
def test_a_seed_gives_this_key_and_name(case: dict[str, Any]) -> None:
    algorithm, seed = Algorithm(case["algorithm"]), b64u_decode(case["seed"])
    key = OpeningKey(seed) if algorithm is Algorithm.HPKE_9_KE else SigningKey(algorithm, seed)
    assert (key.jwk.to_wire(), key.kid) == (case["jwk"], case["kid"])


def test_words_give_the_anchor_and_the_anchor_the_roots() -> None:
    case = load("keys")["anchor"]
    assert parse_anchor(case["words"]) == case["anchor"]
    verify_anchor(load_key_set(case["agency"]), case["anchor"])


@pytest.mark.parametrize("key", load("keys")["refused_ed25519_hex"])
def test_unsound_keys_are_refused(key: str) -> None:
    assert not is_sound_public_key(bytes.fromhex(key))


@pytest.mark.parametrize("agency", ["GB", "BE"])
def test_key_documents_verify(agency: str) -> None:
    case = load("key-documents")[agency]
    verify_anchor(load_key_set(agency), case["anchor"])
    assert load_key_set(agency).digest == case["key_set"]["digest"]
    assert load_encryption_keys(agency).digest == case["encryption_keys"]["digest"]


def test_the_envelope_verifies_and_opens() -> None:
    case = load("envelopes")
    parsed = parse_envelope(encode_canonical(case["envelope"]))
    verify_envelope_signatures(parsed, find_signing_jwks("GB", KeyUse.MESSAGE))
    opened = open_envelope(parsed, "BE", OpeningKey(b64u_decode(case["recipient_seed"])))
    assert opened.message_bytes.decode() == case["message"]
    assert (parsed.digest, parsed.header.commitment) == (case["digest"], case["commitment"])
    assert parse_alert(opened.message.alert).kind == parsed.header.routing.kind


@pytest.mark.parametrize("spoilt", load("envelopes")["refused"].values(), ids=load("envelopes")["refused"].keys())
def test_spoilt_envelopes_are_refused(spoilt: Any) -> None:
    parsed = parse_envelope(encode_canonical(spoilt))
    with pytest.raises(KeysError):
        verify_envelope_signatures(parsed, find_signing_jwks("GB", KeyUse.MESSAGE))


def test_the_chains_verify_and_give_these_states() -> None:
    case = load("agreements")
    assert Terms.from_wire(case["terms"]).digest() == case["digest"]
    chains: dict[str, list[ChainedStep]] = {"BE": [], "GB": []}
    for item in case["steps"]:
        document = SignedDocument.from_wire(item["document"])
        step = Step.from_canonical(document.payload_bytes)
        verify_document(document, DocumentType.AGREEMENT_STEP, find_signing_jwks(step.agency, KeyUse.AGREEMENT))
        verify_continuation(chains[step.agency], step)
        chains[step.agency].append(ChainedStep(step, digest_step(document.payload_bytes)))
        assert chains[step.agency][-1].digest == item["digest"]
        assert view_agreement(case["digest"], chains, parse_timestamp(item["judged_at"])).state == item["state_after"]
    later = case["later"]
    assert view_agreement(case["digest"], chains, parse_timestamp(later["judged_at"])).state == later["state"]


def test_the_receipt_opens_and_verifies() -> None:
    case = load("receipts")
    opened = open_receipt(SealedReceipt.from_wire(case["sealed"]), OpeningKey(b64u_decode(case["recipient_seed"])))
    verify_document(opened.document, DocumentType.RECEIPT, find_signing_jwks("BE", KeyUse.RECEIPT))
    assert opened.receipt.to_wire() == case["receipt"]


def test_the_status_verifies() -> None:
    case = load("status")
    document = SignedDocument.from_wire(case["document"])
    verify_document(document, DocumentType.STATUS, find_signing_jwks("GB", KeyUse.RECEIPT))
    assert digest_status(document.payload_bytes) == case["digest"]
    assert Status.from_canonical(document.payload_bytes).partner == "BE"


def test_the_log_can_be_recomputed_and_every_proof_holds() -> None:
    case = load("log")
    sheet = ExchangeSheet.from_wire(case["sheet"])
    assert compute_exchange_anchor(sheet) == case["exchange_anchor"]
    keys = LogPublicKeys(sheet.log_keys.ed25519.public_bytes, sheet.log_keys.ml_dsa.public_bytes)
    checkpoint = verify_checkpoint(case["checkpoint"].encode(), sheet.origin, keys)
    frontier, hashes = Frontier(), []
    for index, item in enumerate(case["leaves"]):
        record, leaf = Record.from_wire(item["record"]), parse_leaf(item["leaf"].encode())
        verify_record(leaf, record.to_wire(), b64u_decode(item["salt"]))
        assert (leaf.leaf_class == "public") == record.is_public
        assert b64u_encode(frontier.root()) == case["roots"][index]
        hashes.append(hash_leaf(leaf_bytes(leaf)))
        frontier.append(hashes[-1])
    assert (checkpoint.size, checkpoint.root) == (len(hashes), frontier.root())
    for index, proof in enumerate(case["inclusion"]):
        path = [b64u_decode(part) for part in proof]
        verify_inclusion(hashes[index], index, checkpoint.size, path, checkpoint.root)
    for old, proof in case["consistency"].items():
        old_root, path = b64u_decode(case["roots"][int(old)]), [b64u_decode(part) for part in proof]
        verify_consistency(int(old), checkpoint.size, old_root, checkpoint.root, path)
    assert verify_proof(case["tlog_proof"].encode(), hashes[3], sheet.origin, keys).index == 3


def test_the_cosignature_verifies_over_the_logs_checkpoint_and_no_other_does() -> None:
    vector, log = load("cosignatures"), load("log")
    key = AkpJwk.from_wire(vector["key"])
    assert key in list_witness_keys(load_key_set("GB").key_set)
    cosigned = verify_cosignature(vector["note"].encode(), vector["name"], key)
    keys = ExchangeSheet.from_wire(log["sheet"]).log_keys
    public = LogPublicKeys(keys.ed25519.public_bytes, keys.ml_dsa.public_bytes)
    assert verify_checkpoint(vector["note"].encode(), "exchange.example/1", public) == cosigned.checkpoint
    assert (cosigned.checkpoint.size, b64u_encode(cosigned.checkpoint.root)) == (len(log["leaves"]), log["roots"][-1])
    message = format_cosigned_message(vector["name"], vector["timestamp"], cosigned.checkpoint)
    assert (cosigned.timestamp, message.hex()) == (vector["timestamp"], vector["message_hex"])
    for wrong in vector["refused"].values():
        with pytest.raises(CosignatureError):
            verify_cosignature(wrong.encode(), vector["name"], key)


def test_the_assertion_verifies_and_is_made_again() -> None:
    case = load("tokens")
    seed = b64u_decode(case["request_seed"])
    key = SigningKey(Algorithm.ED25519, seed).jwk
    assert isinstance(key, OkpJwk)
    claims = verify_assertion(case["assertion"], lambda agency, kid: key, exchange="exchange.example", now=NOW)
    assert claims.to_wire() == case["claims"]
    assert make_assertion(seed, claims) == case["assertion"]
