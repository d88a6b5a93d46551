"""Evidence must be about what was handed in: the proof of another record proves nothing of this one."""

from typing import Any

import pytest

from agency_client.node import Node
from agency_client.witness.evidence import accept_evidence, verify_record_says
from agency_client.witness.observer import LogError
from schemas.api import Evidence
from schemas.codec import b64u_encode
from schemas.log.records import Record, RecordType
from schemas.signed import DocumentType
from tests.support.log_simulator import LogSimulator
from tests.support.members import START, derive_seed, make_member

VN = make_member("VN")
EXPECTED = {"agency": "VN", "digest": VN.verified.digest}


@pytest.fixture
def log() -> LogSimulator:
    log = LogSimulator()
    log.append_private(3)
    log.append_member(VN)
    log.append_private(2)
    return log


def make_evidence(log: LogSimulator, index: int, **changes: Any) -> Evidence:
    _, logged = log.leaves[index]
    proof = tuple(b64u_encode(item) for item in log.tree.inclusion_proof(index))
    return Evidence(leaf=logged, proof=proof, checkpoint=log.note()).model_copy(update=changes)


def test_evidence_of_this_very_record_is_taken(log: LogSimulator, node: Node) -> None:
    leaf = accept_evidence(node.observer, make_evidence(log, 3), RecordType.KEY_SET, EXPECTED)
    assert (leaf.index, leaf.record.document) == (3, VN.verified.document)


def test_evidence_of_another_record_is_not(log: LogSimulator, node: Node) -> None:
    with pytest.raises(LogError, match="key-set is expected"):
        accept_evidence(node.observer, make_evidence(log, 4), RecordType.KEY_SET, EXPECTED)
    other = {"agency": "VN", "digest": b64u_encode(derive_seed("other"))}
    with pytest.raises(LogError, match="digest"):
        accept_evidence(node.observer, make_evidence(log, 3), RecordType.KEY_SET, other)


def test_a_proof_that_does_not_lead_to_the_root_is_not_taken(log: LogSimulator, node: Node) -> None:
    evidence = make_evidence(log, 3)
    salt = evidence.leaf.model_copy(update={"salt": b64u_encode(derive_seed("salt"))})
    moved = evidence.leaf.model_copy(update={"index": 4})
    for changes in ({"proof": evidence.proof[:-1]}, {"leaf": salt}, {"leaf": moved}, {"proof": evidence.proof[::-1]}):
        with pytest.raises(LogError):
            accept_evidence(node.observer, evidence.model_copy(update=changes), RecordType.KEY_SET, EXPECTED)


def test_a_checkpoint_of_another_log_is_not_taken(log: LogSimulator, node: Node) -> None:
    other = LogSimulator(name="other.example")
    other.append_document("VN", DocumentType.KEY_SET, VN.verified.document)
    with pytest.raises(LogError):
        accept_evidence(node.observer, make_evidence(other, 0), RecordType.KEY_SET, EXPECTED)


def test_a_private_record_under_a_public_leaf_is_not_taken(log: LogSimulator, node: Node) -> None:
    record = Record(v=1, type=RecordType.TOKENS_ISSUED, time=START, concerns=(), agency="VN", count=1)
    log.append(record, "public")
    evidence = make_evidence(log, len(log.leaves) - 1)
    with pytest.raises(LogError):
        accept_evidence(node.observer, evidence, RecordType.TOKENS_ISSUED, {"agency": "VN"})


def test_members_that_are_absent_are_compared_too() -> None:
    record = Record(v=1, type=RecordType.TOKENS_ISSUED, time=START, concerns=(), agency="VN", count=1)
    verify_record_says(record, RecordType.TOKENS_ISSUED, {"partner": None})
    with pytest.raises(LogError, match="partner is None"):
        verify_record_says(record, RecordType.TOKENS_ISSUED, {"partner": "GB"})
