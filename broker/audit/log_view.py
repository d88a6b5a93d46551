"""The log as of one signed checkpoint: what is proved from it, and that nothing beyond it is (RFC 9162).

It reads no store: the tree in memory may go on to grow, and a view stays as it was.
"""

from dataclasses import dataclass

from broker.audit.errors import BeyondCheckpointError
from broker.storage.transaction import PendingLeaf
from schemas.api import Evidence
from schemas.codec import b64u_encode
from schemas.log.checkpoint import Checkpoint
from schemas.log.tree import MerkleTree


@dataclass(frozen=True, slots=True)
class LogView:
    """The log as of one signed checkpoint; every proof of one answer comes from one view."""

    checkpoint: Checkpoint
    note: str
    tree: MerkleTree

    @property
    def size(self) -> int:
        """How many leaves the checkpoint covers."""
        return self.checkpoint.size

    def find_root(self, size: int) -> bytes | None:
        """Return the root over the first `size` leaves; nothing where the checkpoint covers fewer."""
        return self.tree.root(size) if 0 <= size <= self.size else None

    def prove_inclusion(self, index: int) -> tuple[str, ...]:
        """Return the proof that leaf `index` is under the checkpoint, hashes as base64url (RFC 9162 §2.1.3).

        Raises:
            BeyondCheckpointError: it is not.
        """
        if not 0 <= index < self.size:
            raise BeyondCheckpointError(index, self.size)
        return tuple(map(b64u_encode, self.tree.inclusion_proof(index, self.size)))

    def prove_consistency(self, old_size: int, new_size: int | None = None) -> tuple[str, ...]:
        """Return the proof that `old_size` leaves are a prefix of `new_size`, or of this view's (RFC 9162 §2.1.4).

        Raises:
            BeyondCheckpointError: the checkpoint covers fewer.
        """
        new_size = self.size if new_size is None else new_size
        if not 0 <= old_size <= new_size <= self.size:
            raise BeyondCheckpointError(max(old_size, new_size), self.size)
        return tuple(map(b64u_encode, self.tree.consistency_proof(old_size, new_size)))

    def prove(self, leaf: PendingLeaf) -> Evidence:
        """Return a record with its place, its proof and the checkpoint.

        Raises:
            BeyondCheckpointError: the leaf is newer than this view.
        """
        # Computed here from verified parts: validating each hash again would cost as much as proving.
        return Evidence.model_construct(leaf=leaf.logged, proof=self.prove_inclusion(leaf.index), checkpoint=self.note)
