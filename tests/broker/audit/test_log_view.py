"""A view of the log proves what its checkpoint covers, and nothing beyond it, however the tree under it grows."""

import pytest

from broker.audit.errors import BeyondCheckpointError
from broker.audit.log_view import LogView
from schemas.codec import b64u_decode
from schemas.log.checkpoint import Checkpoint
from schemas.log.tree import MerkleTree, hash_leaf, verify_consistency, verify_inclusion
from tests.broker.ports import ORIGIN

SIZE = 5
HASHES = [hash_leaf(bytes([index])) for index in range(SIZE + 3)]


@pytest.fixture
def view() -> LogView:
    """A view of five leaves, whose tree has grown by three since."""
    tree = MerkleTree(HASHES[:SIZE])
    view = LogView(Checkpoint(ORIGIN, SIZE, tree.root()), "the note", tree)
    tree.extend(HASHES[SIZE:])
    return view


def test_it_tells_the_root_of_each_size_that_it_covers_and_of_no_other(view: LogView) -> None:
    found = [view.find_root(size) for size in range(-1, SIZE + 2)]
    assert found == [None, *(MerkleTree(HASHES[:size]).root() for size in range(SIZE + 1)), None]
    assert found[-2] == view.checkpoint.root


def test_it_proves_each_leaf_under_its_checkpoint(view: LogView) -> None:
    for index in range(SIZE):
        proof = [b64u_decode(part) for part in view.prove_inclusion(index)]
        verify_inclusion(HASHES[index], index, SIZE, proof, view.checkpoint.root)


def test_it_proves_that_any_size_goes_on_from_any_smaller_one(view: LogView) -> None:
    for new in range(1, SIZE + 1):
        for old in range(1, new + 1):
            proof = [b64u_decode(part) for part in view.prove_consistency(old, new)]
            verify_consistency(old, new, MerkleTree(HASHES[:old]).root(), MerkleTree(HASHES[:new]).root(), proof)
    assert view.prove_consistency(2) == view.prove_consistency(2, SIZE)


@pytest.mark.parametrize("index", [-1, SIZE, SIZE + 1])
def test_a_leaf_beyond_its_checkpoint_is_not_proved_though_the_tree_has_it(view: LogView, index: int) -> None:
    with pytest.raises(BeyondCheckpointError, match=f"position {index} is beyond .* covers {SIZE} leaves"):
        view.prove_inclusion(index)


@pytest.mark.parametrize(("old", "new"), [(1, SIZE + 1), (SIZE + 1, None), (3, 2), (-1, 3)])
def test_sizes_that_are_no_past_of_its_checkpoint_are_refused(view: LogView, old: int, new: int | None) -> None:
    with pytest.raises(BeyondCheckpointError):
        view.prove_consistency(old, new)
