"""The proof that a log, having signed two heads of different sizes, does not begin with itself. Pure: hashes only.

Two heads of one size need nothing but their roots. Of two sizes, what proves it is a path of RFC 9162 that leads to the
larger head from *another* root over the leaves of the smaller: the larger log begins with something else than was
signed. Whoever shows such a path has proven it, the exchange itself as a rule. Who signed the heads is
`keys.log_keys`' question.
"""

from collections.abc import Sequence
from typing import Literal

from schemas.api import Proof
from schemas.codec import b64u_decode, b64u_encode
from schemas.log.checkpoint import Checkpoint
from schemas.log.tree import ConsistencyError, LogProofError, compute_prefix_root, verify_consistency
from schemas.model import Digest, WireModel


class PrefixProof(WireModel):
    """With what the larger of two logs begins instead, and the consistency path that shows it."""

    v: Literal[1]
    root: Digest
    path: Proof


def read_shown_prefix(smaller: Checkpoint, larger: Checkpoint, path: Sequence[bytes]) -> PrefixProof | None:
    """Return the proof that a refused consistency path itself contains; None where it proves nothing by itself."""
    try:
        root = compute_prefix_root(smaller.size, larger.size, larger.root, path)
    except LogProofError:
        return None
    return make_prefix_proof(smaller, larger, root, path)


def make_prefix_proof(
    smaller: Checkpoint, larger: Checkpoint, root: bytes, path: Sequence[bytes]
) -> PrefixProof | None:
    """Return the proof that the larger log begins with `root` and not with the smaller one; None if it is none."""
    shown = tuple(b64u_encode(item) for item in path)
    proof = PrefixProof(v=1, root=b64u_encode(root), path=shown)
    try:
        verify_prefix_proof(proof, smaller, larger)
    except LogProofError:
        return None
    return proof


def verify_prefix_proof(unverified: PrefixProof, smaller: Checkpoint, larger: Checkpoint) -> None:
    """Verify that the larger log begins with another tree than the smaller one.

    Raises:
        ConsistencyError: it is not shown.
    """
    root, path = b64u_decode(unverified.root), [b64u_decode(item) for item in unverified.path]
    verify_consistency(smaller.size, larger.size, root, larger.root, path)
    if smaller.size == 0 or root == smaller.root:
        raise ConsistencyError("the path shows the very tree that was signed: it proves nothing")
