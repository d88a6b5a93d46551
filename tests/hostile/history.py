"""Proofs to order: an answer proved anew under the true log, or under another history that the true keys sign too."""

from collections.abc import Mapping
from typing import Any, TypeVar

from schemas.api import RangeLeaf
from schemas.codec import b64u_decode, b64u_encode
from schemas.log.leaf import leaf_hash, make_leaf
from schemas.log.tree import MerkleTree
from schemas.model import WireModel
from tests.hostile.calls import Call
from tests.hostile.operator import HostileOperator

Answer = TypeVar("Answer", bound=WireModel)

_PAIRS = (("leaf", "proof"), ("accepted", "accepted_proof"), ("handed_over", "handed_over_proof"))
_LISTS = (("leaves", "proofs"), ("records", "proofs"))


class History:
    """A tree of leaves and what signs it. This one is the true log, up to its newest head."""

    def __init__(self, operator: HostileOperator) -> None:
        self._operator = operator

    @property
    def tree(self) -> MerkleTree:
        """Return the tree, as long as the true log."""
        return self._operator.view.tree

    @property
    def size(self) -> int:
        """Return how many leaves the signed head covers."""
        return self._operator.view.size

    def sign(self) -> str:
        """Return the signed head."""
        return self._operator.view.note

    def replace_leaf(self, index: int, leaf: Any) -> Any:
        """Return what this history shows in the place of a leaf."""
        return leaf

    def prove(self, call: Call, answer: Answer) -> Answer:
        """Return an answer with every proof, head and leaf in it as this history has them."""
        return type(answer).from_wire(self._prove(call, answer.to_wire()))

    def _prove(self, call: Call, value: Any) -> Any:
        if isinstance(value, list):
            return [self._prove(call, item) for item in value]
        if not isinstance(value, dict):
            return value
        wire = {name: self._prove(call, item) for name, item in value.items()}
        for leaf, proof in _PAIRS:
            if leaf in wire and proof in wire:
                wire[proof] = self._include(wire[leaf])
        for leaves, proofs in _LISTS:
            if leaves in wire and proofs in wire:
                wire[proofs] = [self._include(item) for item in wire[leaves]]
        if "old_size" in wire:
            newer = min(int(call.query.get("to", self.size)), self.size)
            wire["proof"] = [b64u_encode(item) for item in self.tree.consistency_proof(wire["old_size"], newer)]
        if "start" in wire:
            wire["leaves"] = [self.replace_leaf(wire["start"] + at, leaf) for at, leaf in enumerate(wire["leaves"])]
        return wire | ({"checkpoint": self.sign()} if isinstance(wire.get("checkpoint"), str) else {})

    def _include(self, logged: dict[str, Any]) -> list[str]:
        return [b64u_encode(item) for item in self.tree.inclusion_proof(logged["index"], self.size)]


class OtherHistory(History):
    """A second log beside the true one, from its first leaf on: the same but for the leaves it replaces.

    Every proof under it holds; it is signed with the same keys.
    """

    def __init__(self, operator: HostileOperator, replaced: Mapping[int, RangeLeaf]) -> None:
        super().__init__(operator)
        self._replaced = dict(replaced)
        self._tree = MerkleTree()

    @property
    def tree(self) -> MerkleTree:
        """Return the other tree, grown along with the true one."""
        true, size = self._operator.view.tree, self._operator.view.size
        for index in range(len(self._tree), size):
            other = self._replaced.get(index)
            self._tree.append(true.leaf_hash(index) if other is None else hash_range_leaf(other))
        return self._tree

    def sign(self) -> str:
        """Return the head of the other tree, signed with the true keys."""
        return self._operator.sign(self.size, self.tree.root(self.size))

    def replace_leaf(self, index: int, leaf: Any) -> Any:
        """Return the other leaf where there is one."""
        other = self._replaced.get(index)
        return leaf if other is None else other.to_wire()


def hash_range_leaf(leaf: RangeLeaf) -> bytes:
    """Return the hash of a leaf as a range shows it."""
    return leaf_hash(make_leaf(leaf.leaf_class, b64u_decode(leaf.commitment)))
