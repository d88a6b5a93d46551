"""A log that lies about its leaves: what does not hash is not believed at all, and two histories are a proof."""

from datetime import timedelta
from typing import Any

import pytest

from agency_client.local_store.checkpoints import load_walk
from agency_client.local_store.contradictions import EquivocationError, list_contradictions
from agency_client.local_store.suspicions import list_suspicions
from agency_client.node import Node
from agency_client.witness.observer import LogError
from agency_client.witness.prefix import PrefixProof, verify_prefix_proof
from agency_client.witness.walker import walk_log
from schemas.api import CONSISTENCY_PATH, LEAVES_PATH, LeavesAnswer
from schemas.codec import b64u_encode
from schemas.log.checkpoint import parse_checkpoint
from schemas.log.note import parse_note
from schemas.log.tree import MerkleTree
from tests.support.log_simulator import LogSimulator
from tests.support.members import START, derive_seed, make_member

LATER = START + timedelta(hours=1)


def tamper_leaves(change: Any) -> Any:
    return lambda path, answer: change(answer) if path == LEAVES_PATH else answer


def replace_leaf(answer: LeavesAnswer, position: int, **changes: Any) -> LeavesAnswer:
    leaves = list(answer.leaves)
    leaves[position] = leaves[position].model_copy(update=changes)
    return answer.model_copy(update={"leaves": tuple(leaves)})


def _drop_last(answer: LeavesAnswer) -> LeavesAnswer:
    return answer.model_copy(update={"leaves": answer.leaves[:-1]}) if answer.start == 0 else answer


def _hide_record(answer: LeavesAnswer) -> LeavesAnswer:
    return replace_leaf(answer, 0, record=None, salt=None)


def _show_another_record(answer: LeavesAnswer) -> LeavesAnswer:
    return replace_leaf(answer, 0, record=answer.leaves[1].record, salt=answer.leaves[1].salt)


def _change_commitment(answer: LeavesAnswer) -> LeavesAnswer:
    return replace_leaf(answer, 2, commitment=b64u_encode(derive_seed("other")))


def _change_class(answer: LeavesAnswer) -> LeavesAnswer:
    return replace_leaf(answer, 0, leaf_class="private", record=None, salt=None)


def _shift(answer: LeavesAnswer) -> LeavesAnswer:
    return answer.model_copy(update={"start": answer.start + 1})


def _answer_nothing(answer: LeavesAnswer) -> LeavesAnswer:
    return answer.model_copy(update={"leaves": ()})


def _answer_too_much(answer: LeavesAnswer) -> LeavesAnswer:
    return answer.model_copy(update={"leaves": (*answer.leaves, answer.leaves[-1])})


@pytest.mark.parametrize(
    "lie",
    [
        _hide_record,
        _show_another_record,
        _change_commitment,
        _change_class,
        _shift,
        _answer_nothing,
        _answer_too_much,
    ],
)
def test_leaves_that_do_not_hash_to_the_checkpoint_are_not_believed(log: LogSimulator, node: Node, lie: Any) -> None:
    log.append_member(make_member("VN"))
    log.append_private(2)
    log.tamper = tamper_leaves(lie)
    with pytest.raises(LogError):
        walk_log(node)
    with node.store.read() as snapshot:
        assert load_walk(snapshot, node.sheet.origin) is None
    assert node.directory.list_agencies() == []


def test_fewer_leaves_than_asked_for_are_an_honest_answer(log: LogSimulator, node: Node) -> None:
    log.append_member(make_member("VN"))
    log.append_private(3)
    log.tamper = tamper_leaves(_drop_last)
    assert walk_log(node).size == 5
    assert [query for path, query in log.asked if path == LEAVES_PATH] == [
        {"start": 0, "end": 5},
        {"start": 4, "end": 5},
    ]


def test_another_history_of_the_same_size_stops_everything_and_is_kept(log: LogSimulator, node: Node) -> None:
    log.append_private(4)
    walk_log(node)
    log.tree, log.leaves = MerkleTree(), []
    log.append_private(2, at=LATER)
    log.append_private(2)
    with pytest.raises(EquivocationError):
        walk_log(node)
    with node.store.read() as snapshot:
        (found,) = list_contradictions(snapshot)
    assert found.signer == node.sheet.origin


@pytest.mark.parametrize("size", [3, 4], ids=["by the exchange's own path", "by the leaves it shows"])
def test_a_log_that_forgot_proves_it_by_its_own_larger_head(log: LogSimulator, node: Node, size: int) -> None:
    log.append_private(size)
    walk_log(node)
    log.tree, log.leaves = MerkleTree(), []
    log.append_private(6, at=LATER)
    with pytest.raises(EquivocationError):
        walk_log(node)
    with node.store.read() as snapshot:
        (kept,) = list_contradictions(snapshot)
    assert kept.proof is not None
    smaller, larger = (parse_checkpoint(parse_note(note).text) for note in (kept.first, kept.second))
    assert (smaller.size, larger.size) == (size, 6)
    verify_prefix_proof(PrefixProof.from_canonical(kept.proof), smaller, larger)


def test_a_log_that_forgot_and_shows_no_path_is_not_followed(log: LogSimulator, node: Node) -> None:
    log.append_private(4)
    walk_log(node)
    log.tree, log.leaves = MerkleTree(), []
    log.append_private(6, at=LATER)
    log.tamper = lambda path, answer: answer.model_copy(update={"proof": ()}) if path == CONSISTENCY_PATH else answer
    with pytest.raises(LogError):
        walk_log(node)
    with node.store.read() as snapshot:
        assert list_contradictions(snapshot) == []
        assert [item.leaf_index for item in list_suspicions(snapshot)] == [6]
