"""What goes over HTTP is closed on both sides, and no answer can pair a record with another one's proof."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas import api
from schemas.codec import b64u_encode
from schemas.envelope import MAX_ENVELOPE_BYTES
from schemas.log.records import RecordType
from schemas.model import DocumentError, WireModel
from tests.schemas.wire_form import list_models, verify_wire_form
from tests.strategies.bodies import BODIES, audit_answers, evidence_lists, lease_answers, logged_records, range_leaves
from tests.strategies.primitives import digests


@pytest.mark.parametrize("kind", BODIES)
@given(data=st.data())
@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow])
def test_each_model_keeps_its_wire_form(kind: type[WireModel], data: st.DataObject) -> None:
    verify_wire_form(data.draw(BODIES[kind]))


def test_no_model_is_left_out() -> None:
    assert list_models(api) == set(BODIES)


def test_no_two_addresses_are_one() -> None:
    paths = [value for name, value in vars(api).items() if name.endswith("_PATH")]

    assert len(paths) == len(set(paths)) >= 16
    assert all(path.startswith("/") for path in paths)


def test_a_lease_carries_several_of_the_largest_envelopes() -> None:
    assert 4 * MAX_ENVELOPE_BYTES <= api.MAX_LEASE_BYTES


def refuse(kind: type[WireModel], wire: dict[str, Any], problem: str) -> None:
    with pytest.raises(DocumentError, match=problem):
        kind.from_wire(wire)


@given(evidence_lists(), logged_records)
@settings(max_examples=10)
def test_evidence_has_one_proof_for_each_record(answer: api.EvidenceList, leaf: api.LoggedRecord) -> None:
    wire = answer.to_wire()

    refuse(api.EvidenceList, wire | {"leaves": [*wire["leaves"], leaf.to_wire()]}, "proofs must be as many as leaves")
    refuse(api.EvidenceList, wire | {"proofs": [*wire["proofs"], []]}, "proofs must be as many as leaves")


@given(audit_answers(), logged_records)
@settings(max_examples=10)
def test_an_audit_answer_has_one_proof_for_each_record(answer: api.AuditAnswer, leaf: api.LoggedRecord) -> None:
    wire = answer.to_wire()

    refuse(api.AuditAnswer, wire | {"records": [*wire["records"], leaf.to_wire()]}, "as many as records")
    refuse(api.AuditAnswer, wire | {"proofs": [*wire["proofs"], []]}, "as many as records")


@given(range_leaves().filter(lambda leaf: leaf.record is not None))
@settings(max_examples=10)
def test_a_leaf_shows_its_record_when_it_is_public_and_only_then(leaf: api.RangeLeaf) -> None:
    wire = leaf.to_wire()
    sentence = "record and salt stand in a public leaf and in no other"

    refuse(api.RangeLeaf, wire | {"leaf_class": "private"}, sentence)
    for name in ("record", "salt"):
        without = {member: value for member, value in wire.items() if member != name}
        refuse(api.RangeLeaf, without, sentence)
        refuse(api.RangeLeaf, without | {"leaf_class": "private"}, sentence)
    assert api.RangeLeaf.from_wire({"leaf_class": "private", "commitment": wire["commitment"]}).record is None


@given(lease_answers().filter(lambda answer: answer.items != ()))
@settings(max_examples=10, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
def test_a_lease_stands_where_there_are_items(answer: api.LeaseAnswer) -> None:
    wire = answer.to_wire()
    sentence = "lease and leased_until stand where there are items and nowhere else"

    refuse(api.LeaseAnswer, wire | {"items": []}, sentence)
    for name in ("lease", "leased_until"):
        refuse(api.LeaseAnswer, {member: value for member, value in wire.items() if member != name}, sentence)


@given(lease_answers())
@settings(max_examples=5)
def test_an_item_of_another_type_is_refused_without_repeating_it(answer: api.LeaseAnswer) -> None:
    for item in ({"type": "\x1b[2J"}, {"type": "withdrawal", "number": 1}, {}, {"type": ["message"]}, 1):
        with pytest.raises(DocumentError) as refusal:
            api.LeaseAnswer.from_wire(answer.to_wire() | {"items": [item]})
        assert refusal.value.field == "items.0"
        assert str(refusal.value).isprintable()


LIMITS: list[tuple[type[WireModel], dict[str, Any], str]] = [
    (api.LeaseRequest, {"wait_seconds": -1, "max_items": 1}, "wait_seconds"),
    (api.LeaseRequest, {"wait_seconds": api.MAX_WAIT_SECONDS + 1, "max_items": 1}, "wait_seconds"),
    (api.LeaseRequest, {"wait_seconds": 0, "max_items": 0}, "max_items"),
    (api.LeaseRequest, {"again": True, "wait_seconds": 0, "max_items": 1}, ""),
    (api.LeaseRequest, {"wait_seconds": 0, "max_items": api.MAX_LEASE_ITEMS + 1}, "max_items"),
    (api.AuditQuery, {"reason": "a", "limit": 0}, "limit"),
    (api.AuditQuery, {"reason": "a", "limit": api.MAX_AUDIT_RECORDS + 1}, "limit"),
    (api.AuditQuery, {"limit": 1}, "reason"),
    (api.AuditQuery, {"reason": "", "limit": 1}, "reason"),
    (api.AuditQuery, {"reason": "a\nb", "limit": 1}, "reason"),
    (api.AuditQuery, {"reason": "a", "limit": 1, "types": []}, "types"),
    (api.AuditQuery, {"reason": "a", "limit": 1, "types": ["receipt"] * (len(RecordType) + 1)}, "types"),
    (api.AuditQuery, {"reason": "a", "limit": 1, "types": ["receipts"]}, "types.0"),
    (api.AuditQuery, {"reason": "a", "limit": 1, "since": "2026-11-21"}, "since"),
    (api.AcknowledgeRequest, {"lease": "3f0f6d0a-7c57-4c2c-9d3a-0d2f9a4b1c77", "numbers": []}, "numbers"),
    (api.ReceiptsRequest, {"receipts": []}, "receipts"),
    (api.CheckpointAnswer, {"checkpoint": ""}, "checkpoint"),
    (api.CheckpointAnswer, {"checkpoint": "x" * (api.MAX_NOTE_CHARACTERS + 1)}, "checkpoint"),
    (
        api.TokenAnswer,
        {"access_token": "a", "token_type": "Bearer", "expires_in": 301, "scope": "node"},
        "expires_in",
    ),
]


@pytest.mark.parametrize(("kind", "wire", "field"), LIMITS)
def test_what_is_outside_its_limits_is_refused_by_name(kind: type[WireModel], wire: dict[str, Any], field: str) -> None:
    with pytest.raises(DocumentError) as refusal:
        kind.from_wire(wire)

    assert refusal.value.field == field


@given(digests)
@settings(max_examples=5)
def test_a_proof_has_as_many_hashes_as_the_tallest_tree_needs_and_no_more(digest: str) -> None:
    wire = {"old_size": 1, "checkpoint": "note"}

    longest = api.ConsistencyAnswer.from_wire(wire | {"proof": [digest] * api.MAX_PROOF_HASHES})

    assert len(longest.proof) == api.MAX_PROOF_HASHES > 2 * 53
    refuse(api.ConsistencyAnswer, wire | {"proof": [digest] * (api.MAX_PROOF_HASHES + 1)}, "proof")
    refuse(api.ConsistencyAnswer, wire | {"proof": [b64u_encode(bytes(31))]}, r"proof\.0: 32 bytes")
