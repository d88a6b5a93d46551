"""The Merkle tree of RFC 9162 §2.1 (the same tree as RFC 6962): roots, proofs, and the verifiers of proofs.

Everything here is arithmetic on 32-byte hashes. It does not know what a leaf says (`schemas.log.leaf`), who signed a
root (`keys.log_keys`), or where hashes are stored. A proof is a list of hashes from the leaf's side to the root's.
"""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()

_LEAF = b"\x00"
_NODE = b"\x01"


class LogProofError(ValueError):
    """What a log claims does not follow from what it shows; `code` says which claim."""

    code = "log-proof-invalid"


class InclusionError(LogProofError):
    """The leaf is not shown to stand at that index under that root."""

    code = "inclusion-not-proven"


class ConsistencyError(LogProofError):
    """The newer tree is not shown to begin with the older one."""

    code = "consistency-not-proven"


class TreePositionError(ValueError):
    """An index or size this tree does not have, or a hash that is not 32 bytes."""

    code = "range-refused"


def hash_leaf(data: bytes) -> bytes:
    """Return the hash of a leaf's bytes, 32 bytes (RFC 9162 §2.1.1)."""
    return sha256(_LEAF + data).digest()


def hash_children(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node, 32 bytes (RFC 9162 §2.1.1)."""
    return sha256(_NODE + left + right).digest()


def verify_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Verify that `leaf_hash` stands at `index` (from 0) in the tree of `size` leaves under `root` (RFC 9162 §2.1.3.2).

    Raises:
        InclusionError: it is not shown.
    """
    if not 0 <= index < size:
        raise InclusionError(f"leaf {index} lies outside a tree of {size} leaves")
    siblings = list(_siblings(index, size, 0))
    if len(proof) != len(siblings):
        raise InclusionError(f"{len(siblings)} hashes prove leaf {index} of {size}, {len(proof)} were given")
    if not _are_hashes(leaf_hash, root, *proof):
        raise InclusionError("a hash of the proof is not 32 bytes")
    computed = leaf_hash
    for (height, sibling), shown in zip(siblings, proof, strict=True):
        is_left = sibling < index >> height
        computed = hash_children(shown, computed) if is_left else hash_children(computed, shown)
    if computed != root:
        raise InclusionError(f"the proof of leaf {index} of {size} leads to another root")


def verify_consistency(old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Verify that the tree of `new_size` leaves begins with the tree of `old_size` leaves (RFC 9162 §2.1.4.2).

    An empty old tree and two equal sizes need an empty proof; then the roots alone decide.

    Raises:
        ConsistencyError: it is not shown.
    """
    if not 0 <= old_size <= new_size:
        raise ConsistencyError(f"a tree of {new_size} leaves cannot begin with one of {old_size}")
    if not _are_hashes(old_root, new_root, *proof):
        raise ConsistencyError("a hash of the proof is not 32 bytes")
    if old_size == 0 or old_size == new_size:
        _verify_trivial_consistency(old_size, old_root, new_root, proof)
    else:
        _verify_growth(old_size, new_size, old_root, new_root, proof)


def _verify_trivial_consistency(old_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    if proof:
        raise ConsistencyError("between these two sizes the proof is empty")
    if old_root != (new_root if old_size else EMPTY_ROOT):
        raise ConsistencyError("two different roots are claimed for one size")


def _verify_growth(old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    _, seed_is_shown = _last_full_subtree(old_size)
    if _climb(old_size, new_size, proof, proof[:1] if seed_is_shown else (old_root,)) != (old_root, new_root):
        raise ConsistencyError(f"the proof from {old_size} to {new_size} leads to another root")


def compute_prefix_root(old_size: int, new_size: int, new_root: bytes, proof: Sequence[bytes]) -> bytes:
    """Return the root over the first `old_size` leaves that a consistency proof itself shows under `new_root`.

    So a log's own proof says what stood there, whatever else the log has signed for that size.

    Raises:
        ConsistencyError: the proof does not lead to `new_root`, or holds no root of its own: one from a size that is a
            power of two starts with the old root, and one between equal sizes is empty.
    """
    if not 0 < old_size < new_size or not _last_full_subtree(old_size)[1] or not _are_hashes(new_root, *proof):
        raise ConsistencyError(f"no proof from {old_size} to {new_size} leaves shows the older root by itself")
    old, new = _climb(old_size, new_size, proof, proof[:1])
    if new != new_root:
        raise ConsistencyError(f"the proof from {old_size} to {new_size} leads to another root")
    return old


def _climb(old_size: int, new_size: int, proof: Sequence[bytes], seed: Sequence[bytes]) -> tuple[bytes, bytes]:
    # Both roots are computed from the last full subtree of the old tree, up the same path. What lies left of the path
    # is in both trees, what lies right of it only in the new one.
    height, seed_is_shown = _last_full_subtree(old_size)
    siblings = list(_siblings(old_size - 1, new_size, height))
    if len(proof) != len(siblings) + seed_is_shown:
        raise ConsistencyError(f"the proof from {old_size} to {new_size} has another length than {len(proof)} hashes")
    old = new = seed[0]
    for (height, sibling), shown in zip(siblings, proof[seed_is_shown:], strict=True):
        if sibling < (old_size - 1) >> height:
            old, new = hash_children(shown, old), hash_children(shown, new)
        else:
            new = hash_children(new, shown)
    return old, new


class MerkleTree:
    """A log's whole tree in memory: append, then the root and the proofs at any size up to its own.

    Holds the hashes of full subtrees only, one bytearray a level, 64 bytes a leaf. What is there never changes, so one
    thread may read at an older size while another appends. Append what is committed, not before: nothing is taken back.
    """

    def __init__(self, leaf_hashes: Iterable[bytes] = ()) -> None:
        self._levels = [bytearray()]
        self._size = 0
        self.extend(leaf_hashes)

    def __len__(self) -> int:
        return self._size

    def append(self, leaf_hash: bytes) -> int:
        """Add a leaf's hash at the end and return its index.

        Raises:
            TreePositionError: the hash is not 32 bytes.
        """
        if len(leaf_hash) != HASH_BYTES:
            raise TreePositionError(f"a leaf's hash has {HASH_BYTES} bytes, not {len(leaf_hash)}")
        levels, index, height = self._levels, self._size, 0
        levels[0] += leaf_hash
        node = index
        while node & 1:
            parent = sha256(_NODE + levels[height][-2 * HASH_BYTES :]).digest()
            height, node = height + 1, node >> 1
            if height == len(levels):
                levels.append(bytearray())
            levels[height] += parent
        # The size grows last: whoever reads it finds every full subtree below it.
        self._size = index + 1
        return index

    def extend(self, leaf_hashes: Iterable[bytes]) -> None:
        """Add leaves' hashes at the end, in order."""
        for leaf_hash in leaf_hashes:
            self.append(leaf_hash)

    def leaf_hash(self, index: int) -> bytes:
        """Return the hash of the leaf at `index`, counted from 0.

        Raises:
            TreePositionError: there is no such leaf.
        """
        self._check_index(index, self._size)
        return self._node(0, index)

    def root(self, size: int | None = None) -> bytes:
        """Return the root over the first `size` leaves, or over all (RFC 9162 §2.1.1).

        Raises:
            TreePositionError: the tree is smaller.
        """
        return self.frontier(size).root()

    def frontier(self, size: int | None = None) -> "Frontier":
        """Return the right edge over the first `size` leaves, or over all: what it takes to go on from there.

        Raises:
            TreePositionError: the tree is smaller.
        """
        size = self._size if size is None else size
        self._check_size(size)
        return Frontier(size, self._peaks(0, size))

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """Return the proof that leaf `index` is in the tree of the first `size` leaves, or of all (RFC 9162 §2.1.3.1).

        Raises:
            TreePositionError: there is no such leaf, or the tree is smaller.
        """
        size = self._size if size is None else size
        self._check_size(size)
        self._check_index(index, size)
        return self._sibling_hashes(index, size, 0)

    def consistency_proof(self, old_size: int, new_size: int | None = None) -> list[bytes]:
        """Return the proof that `old_size` leaves are the beginning of `new_size`, or of all (RFC 9162 §2.1.4.1).

        Empty when `old_size` is 0 or both are equal.

        Raises:
            TreePositionError: the tree is smaller, or the sizes shrink.
        """
        new_size = self._size if new_size is None else new_size
        self._check_size(new_size)
        if not 0 <= old_size <= new_size:
            raise TreePositionError(f"a tree of {new_size} leaves cannot begin with one of {old_size}")
        if old_size == 0 or old_size == new_size:
            return []
        height, seed_is_shown = _last_full_subtree(old_size)
        seed = [self._node(height, (old_size - 1) >> height)] if seed_is_shown else []
        return seed + self._sibling_hashes(old_size - 1, new_size, height)

    def _sibling_hashes(self, index: int, size: int, first_height: int) -> list[bytes]:
        return [self._subtree_root(height, node, size) for height, node in _siblings(index, size, first_height)]

    def _subtree_root(self, height: int, node: int, size: int) -> bytes:
        if node + 1 << height <= size:
            return self._node(height, node)
        return _fold_peaks(self._peaks(node << height, size))

    def _peaks(self, begin: int, end: int) -> list[bytes]:
        # `begin` is a multiple of the smallest power of two that holds the range, so each full subtree is a node.
        peaks = []
        while begin < end:
            height = (end - begin).bit_length() - 1
            peaks.append(self._node(height, begin >> height))
            begin += 1 << height
        return peaks

    def _node(self, height: int, node: int) -> bytes:
        return bytes(self._levels[height][node * HASH_BYTES : (node + 1) * HASH_BYTES])

    def _check_size(self, size: int) -> None:
        if not 0 <= size <= self._size:
            raise TreePositionError(f"the log has {self._size} leaves, not {size}")

    @staticmethod
    def _check_index(index: int, size: int) -> None:
        if not 0 <= index < size:
            raise TreePositionError(f"there is no leaf {index} among {size}")


class Frontier:
    """The right edge of a tree: the roots of its full subtrees, largest first; one hash for each 1-bit of the size.

    Enough to compute the root over any number of leaves that stream by, or to go on later from a kept size and edge.
    """

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        """Take up an edge again.

        Raises:
            TreePositionError: that many leaves have another number of full subtrees, or a hash is not 32 bytes.
        """
        self._peaks = list(peaks)
        if size < 0 or len(self._peaks) != size.bit_count() or not _are_hashes(*self._peaks):
            raise TreePositionError(f"these {len(self._peaks)} hashes are not the right edge of {size} leaves")
        self._size = size

    def __len__(self) -> int:
        return self._size

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """The roots of the full subtrees, largest (leftmost) first."""
        return tuple(self._peaks)

    def append(self, leaf_hash: bytes) -> None:
        """Add a leaf's hash at the end.

        Raises:
            TreePositionError: the hash is not 32 bytes.
        """
        if len(leaf_hash) != HASH_BYTES:
            raise TreePositionError(f"a leaf's hash has {HASH_BYTES} bytes, not {len(leaf_hash)}")
        node, carried = self._size, leaf_hash
        while node & 1:
            carried, node = hash_children(self._peaks.pop(), carried), node >> 1
        self._peaks.append(carried)
        self._size += 1

    def root(self) -> bytes:
        """Return the root over all leaves so far (RFC 9162 §2.1.1)."""
        return _fold_peaks(self._peaks)


def _siblings(index: int, size: int, first_height: int) -> Iterator[tuple[int, int]]:
    """Yield (height, node) of each sibling on the way from leaf `index` up to the root of `size` leaves.

    Node n at height h covers the leaves from n·2^h to (n+1)·2^h, or to the end of the tree. Where no leaf stands on the
    sibling's side, the node goes up unchanged and there is no sibling.
    """
    for height in range(first_height, (size - 1).bit_length()):
        sibling = (index >> height) ^ 1
        if sibling << height < size:
            yield height, sibling


def _last_full_subtree(size: int) -> tuple[int, bool]:
    """Return the height of the last full subtree of `size` leaves, and whether it is less than the whole tree."""
    height = (size & -size).bit_length() - 1
    return height, size != 1 << height


def _fold_peaks(peaks: Sequence[bytes]) -> bytes:
    if not peaks:
        return EMPTY_ROOT
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = hash_children(peak, root)
    return root


def _are_hashes(*values: bytes) -> bool:
    return all(len(value) == HASH_BYTES for value in values)
