"""The tree against published vectors, against RFC 9162 written out, and against damaged proofs."""

from collections.abc import Callable
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.log.tree import (
    EMPTY_ROOT,
    ConsistencyError,
    Frontier,
    InclusionError,
    LogProofError,
    MerkleTree,
    TreePositionError,
    compute_prefix_root,
    hash_leaf,
    verify_consistency,
    verify_inclusion,
)
from schemas.problems import PROBLEMS
from tests.schemas.log import reference

# The vectors of the Certificate Transparency projects (google/certificate-transparency, transparency-dev/merkle).
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    bytes.fromhex(text)
    for text in (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]
INCLUSION = {  # (index, size) -> proof
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCY = {  # (old size, new size) -> proof
    (1, 1): [],
    (1, 8): INCLUSION[0, 8],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
    (6, 7): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
}
LEAF_HASHES = [hash_leaf(leaf) for leaf in LEAVES]

NUMBERED = [hash_leaf(str(number).encode()) for number in range(300)]
SIZES = st.integers(1, len(NUMBERED))
FOREIGN_HASH = sha256(b"of no tree").digest()


def from_hex(texts: list[str]) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]


def test_the_published_roots_come_out_at_every_size() -> None:
    tree = MerkleTree(LEAF_HASHES)
    assert [tree.root(size) for size in range(9)] == ROOTS
    assert tree.root() == ROOTS[8]
    assert ROOTS[0] == EMPTY_ROOT == MerkleTree().root()


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_the_published_inclusion_proofs_are_made_and_verify(index: int, size: int) -> None:
    expected = from_hex(INCLUSION[index, size])
    assert MerkleTree(LEAF_HASHES).inclusion_proof(index, size) == expected
    verify_inclusion(LEAF_HASHES[index], index, size, expected, ROOTS[size])


@pytest.mark.parametrize(("old", "new"), CONSISTENCY)
def test_the_published_consistency_proofs_are_made_and_verify(old: int, new: int) -> None:
    expected = from_hex(CONSISTENCY[old, new])
    assert MerkleTree(LEAF_HASHES).consistency_proof(old, new) == expected
    verify_consistency(old, new, ROOTS[old], ROOTS[new], expected)


def test_every_root_and_every_proof_of_small_trees_is_that_of_the_rfc() -> None:
    tree = MerkleTree(NUMBERED[:40])
    for size in range(1, 41):
        leaves = NUMBERED[:size]
        root = reference.mth(leaves)
        assert tree.root(size) == root
        for index in range(size):
            proof = tree.inclusion_proof(index, size)
            assert proof == reference.path(index, leaves)
            verify_inclusion(leaves[index], index, size, proof, root)
        for old in range(1, size):
            growth = tree.consistency_proof(old, size)
            assert growth == reference.proof(old, leaves)
            verify_consistency(old, size, tree.root(old), root, growth)


@given(leaves=st.lists(st.binary(max_size=8), min_size=1, max_size=260), data=st.data())
def test_a_random_tree_agrees_with_the_rfc_and_so_do_its_verifiers(leaves: list[bytes], data: st.DataObject) -> None:
    hashes = [hash_leaf(leaf) for leaf in leaves]
    tree = MerkleTree(hashes)
    size = data.draw(st.integers(1, len(hashes)))
    index = data.draw(st.integers(0, size - 1))
    root = tree.root(size)
    assert root == reference.mth(hashes[:size])
    proof = tree.inclusion_proof(index, size)
    assert proof == reference.path(index, hashes[:size])
    assert reference.inclusion_holds(hashes[index], index, size, proof, root)
    verify_inclusion(hashes[index], index, size, proof, root)
    old = data.draw(st.integers(0, size))
    growth = tree.consistency_proof(old, size)
    verify_consistency(old, size, tree.root(old), root, growth)
    if 0 < old < size:
        assert growth == reference.proof(old, hashes[:size])
        assert reference.consistency_holds(old, size, tree.root(old), root, growth)


Damage = Callable[[list[bytes]], list[bytes]]


@st.composite
def damages(draw: st.DrawFn, length: int) -> Damage:
    """Ways to spoil a proof of `length` hashes: flip a bit, drop, double, insert, swap for another hash."""
    insertion = draw(st.integers(0, length))
    position = draw(st.integers(0, max(length - 1, 0)))
    bit = draw(st.integers(0, 255))
    short = draw(st.integers(0, 31))
    insert: list[Damage] = [
        lambda proof: [*proof[:insertion], FOREIGN_HASH, *proof[insertion:]],
        lambda proof: [*proof[:insertion], b"", *proof[insertion:]],
    ]
    change: list[Damage] = [
        lambda proof: [*proof[:position], flip_bit(proof[position], bit), *proof[position + 1 :]],
        lambda proof: [*proof[:position], FOREIGN_HASH, *proof[position + 1 :]],
        lambda proof: [*proof[:position], proof[position][:short], *proof[position + 1 :]],
        lambda proof: [*proof[:position], *proof[position + 1 :]],
        lambda proof: [*proof[: position + 1], *proof[position:]],
        lambda proof: [],
    ]
    return draw(st.sampled_from(insert + change if length else insert))


def flip_bit(value: bytes, bit: int) -> bytes:
    changed = bytearray(value)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@given(size=SIZES, data=st.data())
def test_a_damaged_inclusion_proof_never_verifies(size: int, data: st.DataObject) -> None:
    tree = MerkleTree(NUMBERED[:size])
    index = data.draw(st.integers(0, size - 1))
    proof = tree.inclusion_proof(index)
    damaged = data.draw(damages(len(proof)))(proof)
    with pytest.raises(InclusionError):
        verify_inclusion(NUMBERED[index], index, size, damaged, tree.root())


@given(size=SIZES, data=st.data())
def test_an_inclusion_proof_verifies_nothing_but_what_it_was_made_for(size: int, data: st.DataObject) -> None:
    tree = MerkleTree(NUMBERED[:size])
    index = data.draw(st.integers(0, size - 1))
    other_index = data.draw(st.integers(-2, 2 * size).filter(lambda value: value != index))
    proof, leaf, root = tree.inclusion_proof(index), NUMBERED[index], tree.root()
    bit = data.draw(st.integers(0, 255))
    for changed in (
        (leaf, other_index, size, proof, root),
        (flip_bit(leaf, bit), index, size, proof, root),
        (leaf, index, size, proof, flip_bit(root, bit)),
        (leaf[:-1], index, size, proof, root),
        (leaf, index, size, proof, root + b"\x00"),
        (leaf, index, index, proof, root),
        (leaf, index, 0, proof, root),
    ):
        with pytest.raises(InclusionError):
            verify_inclusion(*changed)


@given(old=st.integers(1, 299), data=st.data())
def test_a_damaged_consistency_proof_never_verifies(old: int, data: st.DataObject) -> None:
    new = data.draw(st.integers(old + 1, 300))
    tree = MerkleTree(NUMBERED[:new])
    proof = tree.consistency_proof(old)
    damaged = data.draw(damages(len(proof)))(proof)
    with pytest.raises(ConsistencyError):
        verify_consistency(old, new, tree.root(old), tree.root(new), damaged)


@given(old=st.integers(1, 299), data=st.data())
def test_a_consistency_proof_verifies_nothing_but_what_it_was_made_for(old: int, data: st.DataObject) -> None:
    new = data.draw(st.integers(old + 1, 300))
    tree = MerkleTree(NUMBERED[:new])
    proof, old_root, new_root = tree.consistency_proof(old), tree.root(old), tree.root(new)
    bit = data.draw(st.integers(0, 255))
    for changed in (
        (old, new, flip_bit(old_root, bit), new_root, proof),
        (old, new, old_root, flip_bit(new_root, bit), proof),
        (old, new, new_root, old_root, proof),
        (old, new, old_root[:-1], new_root, proof),
        (old, old, old_root, new_root, proof),
        (new, old, new_root, old_root, proof),
        (-old, new, old_root, new_root, proof),
        (0, new, old_root, new_root, proof),
        (0, new, EMPTY_ROOT, new_root, proof),
    ):
        with pytest.raises(ConsistencyError):
            verify_consistency(*changed)


@given(old=st.integers(1, 299), data=st.data())
def test_a_proof_shows_the_older_root_by_itself_but_from_a_power_of_two(old: int, data: st.DataObject) -> None:
    new = data.draw(st.integers(old + 1, 300))
    tree = MerkleTree(NUMBERED[:new])
    root, proof = tree.root(new), tree.consistency_proof(old, new)
    if old.bit_count() == 1:
        with pytest.raises(ConsistencyError):
            compute_prefix_root(old, new, root, proof)
        return
    assert compute_prefix_root(old, new, root, proof) == tree.root(old)
    with pytest.raises(ConsistencyError):
        compute_prefix_root(old, new, tree.root(old), proof)
    with pytest.raises(ConsistencyError):
        compute_prefix_root(old, new, root, proof[1:])


@pytest.mark.parametrize(("old", "new"), [(0, 3), (3, 3), (5, 3)])
def test_no_older_root_is_shown_where_there_is_no_path(old: int, new: int) -> None:
    with pytest.raises(ConsistencyError):
        compute_prefix_root(old, new, EMPTY_ROOT, [])


def test_two_hashes_split_at_another_byte_prove_nothing() -> None:
    # Both children are hashed as one string: 31 and 33 bytes would give the parent that 32 and 32 give.
    left, right = LEAF_HASHES[:2]
    with pytest.raises(InclusionError, match="32 bytes"):
        verify_inclusion(left[:-1], 0, 2, [left[-1:] + right], ROOTS[2])
    with pytest.raises(ConsistencyError, match="32 bytes"):
        verify_consistency(1, 2, left[:-1], ROOTS[2], [left[-1:] + right])


@pytest.mark.parametrize(("old", "new"), [(2, 1), (4, 3), (8, 1), (1, 0), (-1, 1), (-2, 0), (-4, -4), (0, -1)])
def test_a_log_that_shrinks_is_never_consistent_whatever_root_it_shows(old: int, new: int) -> None:
    for proof in ([], [ROOTS[1]]):
        with pytest.raises(ConsistencyError, match="cannot begin with"):
            verify_consistency(old, new, ROOTS[1], ROOTS[1], proof)


def test_two_histories_of_one_log_are_not_consistent() -> None:
    honest, forked = MerkleTree(NUMBERED[:20]), MerkleTree([*NUMBERED[:9], FOREIGN_HASH, *NUMBERED[10:30]])
    for old in range(10, 21):
        with pytest.raises(ConsistencyError):
            verify_consistency(old, 30, honest.root(old), forked.root(30), forked.consistency_proof(old, 30))
    verify_consistency(9, 30, honest.root(9), forked.root(30), forked.consistency_proof(9, 30))


def test_two_roots_at_one_size_are_not_consistent() -> None:
    with pytest.raises(ConsistencyError, match="two different roots"):
        verify_consistency(3, 3, ROOTS[3], ROOTS[4], [])
    with pytest.raises(ConsistencyError, match="two different roots"):
        verify_consistency(0, 3, ROOTS[1], ROOTS[3], [])
    verify_consistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, [])
    verify_consistency(0, 3, EMPTY_ROOT, ROOTS[3], [])


def test_the_log_proof_errors_have_one_parent_and_their_own_codes() -> None:
    assert issubclass(InclusionError, LogProofError)
    assert issubclass(ConsistencyError, LogProofError)
    assert len({error.code for error in (LogProofError, InclusionError, ConsistencyError)}) == 3


def test_a_position_the_log_does_not_have_is_a_problem_the_exchange_knows() -> None:
    assert TreePositionError.code in PROBLEMS


def test_appending_returns_the_index_and_leaves_older_roots_alone() -> None:
    tree = MerkleTree()
    roots = [tree.root()]
    for expected, leaf_hash in enumerate(NUMBERED):
        assert tree.append(leaf_hash) == expected
        assert len(tree) == expected + 1
        assert tree.leaf_hash(expected) == leaf_hash
        roots.append(tree.root())
    assert [tree.root(size) for size in range(len(NUMBERED) + 1)] == roots
    assert len(set(roots)) == len(roots)


@pytest.mark.parametrize(
    "ask",
    [
        lambda tree: tree.root(9),
        lambda tree: tree.root(-1),
        lambda tree: tree.frontier(9),
        lambda tree: tree.leaf_hash(8),
        lambda tree: tree.leaf_hash(-1),
        lambda tree: tree.inclusion_proof(8),
        lambda tree: tree.inclusion_proof(-1),
        lambda tree: tree.inclusion_proof(3, 3),
        lambda tree: tree.inclusion_proof(3, 9),
        lambda tree: tree.consistency_proof(9),
        lambda tree: tree.consistency_proof(-1),
        lambda tree: tree.consistency_proof(5, 4),
        lambda tree: tree.consistency_proof(5, 9),
        lambda tree: tree.append(b"short"),
        lambda tree: Frontier().append(b"short"),
        lambda tree: Frontier(3, ROOTS[1:2]),
        lambda tree: Frontier(-1, ROOTS[1:2]),
        lambda tree: Frontier(1, [b"short"]),
    ],
)
def test_what_a_tree_does_not_have_is_refused_by_name(ask: Callable[[MerkleTree], object]) -> None:
    tree = MerkleTree(LEAF_HASHES)
    with pytest.raises(TreePositionError):
        ask(tree)
    assert tree.root() == ROOTS[8]


def test_a_frontier_computes_the_root_of_leaves_that_stream_by() -> None:
    frontier = Frontier()
    tree = MerkleTree(NUMBERED)
    for size, leaf_hash in enumerate(NUMBERED):
        assert len(frontier) == size
        assert frontier.root() == tree.root(size)
        assert frontier.peaks == tree.frontier(size).peaks
        frontier.append(leaf_hash)
    assert frontier.root() == tree.root()


@given(kept=st.integers(0, 300), data=st.data())
def test_a_kept_frontier_goes_on_where_it_stopped(kept: int, data: st.DataObject) -> None:
    size = data.draw(st.integers(kept, 300))
    tree = MerkleTree(NUMBERED[:size])
    frontier = Frontier(kept, tree.frontier(kept).peaks)
    for leaf_hash in NUMBERED[kept:size]:
        frontier.append(leaf_hash)
    assert frontier.root() == tree.root()


def test_a_frontier_taken_from_a_tree_does_not_change_the_tree() -> None:
    tree = MerkleTree(NUMBERED[:7])
    before = tree.root()
    ahead = tree.frontier()
    ahead.append(NUMBERED[7])
    assert (tree.root(), len(tree)) == (before, 7)
    assert ahead.root() == reference.mth(NUMBERED[:8])
