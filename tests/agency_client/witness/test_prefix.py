"""A path to the larger head from another root proves two histories; every other path proves nothing."""

import pytest

from agency_client.witness.prefix import PrefixProof, make_prefix_proof, read_shown_prefix, verify_prefix_proof
from schemas.codec import b64u_encode
from schemas.log.checkpoint import Checkpoint
from schemas.log.tree import LogProofError, MerkleTree, hash_leaf

ORIGIN = "exchange.example/1"
TRUE = MerkleTree(hash_leaf(b"%d" % number) for number in range(9))
OTHER = MerkleTree(hash_leaf(b"another %d" % number) for number in range(9))


def head(tree: MerkleTree, size: int) -> Checkpoint:
    return Checkpoint(ORIGIN, size, tree.root(size))


def test_the_path_that_a_log_shows_may_convict_it() -> None:
    smaller, larger, path = head(OTHER, 5), head(TRUE, 9), TRUE.consistency_proof(5, 9)
    proof = read_shown_prefix(smaller, larger, path)
    assert proof is not None
    assert proof.root == b64u_encode(TRUE.root(5))
    verify_prefix_proof(PrefixProof.from_canonical(proof.canonical()), smaller, larger)


def test_an_honest_path_convicts_nobody() -> None:
    assert read_shown_prefix(head(TRUE, 5), head(TRUE, 9), TRUE.consistency_proof(5, 9)) is None


def test_a_path_that_leads_elsewhere_convicts_nobody() -> None:
    assert read_shown_prefix(head(OTHER, 5), head(TRUE, 9), OTHER.consistency_proof(5, 9)) is None


def test_from_a_power_of_two_the_other_root_must_come_from_the_leaves() -> None:
    smaller, larger, path = head(OTHER, 4), head(TRUE, 9), TRUE.consistency_proof(4, 9)
    assert read_shown_prefix(smaller, larger, path) is None
    proof = make_prefix_proof(smaller, larger, TRUE.root(4), path)
    assert proof is not None
    verify_prefix_proof(proof, smaller, larger)
    assert make_prefix_proof(smaller, larger, OTHER.root(4), path) is None


@pytest.mark.parametrize(
    ("smaller", "larger"),
    [
        (head(TRUE, 5), head(TRUE, 9)),
        (head(OTHER, 6), head(TRUE, 9)),
        (head(OTHER, 5), head(OTHER, 9)),
        (head(OTHER, 5), head(TRUE, 8)),
        (Checkpoint(ORIGIN, 0, MerkleTree().root(0)), head(TRUE, 9)),
    ],
    ids=["the tree that was signed", "another size", "another larger head", "another larger size", "an empty log"],
)
def test_a_proof_proves_nothing_about_other_heads(smaller: Checkpoint, larger: Checkpoint) -> None:
    proof = read_shown_prefix(head(OTHER, 5), head(TRUE, 9), TRUE.consistency_proof(5, 9))
    assert proof is not None
    with pytest.raises(LogProofError):
        verify_prefix_proof(proof, smaller, larger)
