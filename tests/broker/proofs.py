"""What a client verifies of the exchange's answers: each leaf under the checkpoint that came with it."""

from collections.abc import Sequence

from keys.log_keys import verify_checkpoint
from schemas.api import Evidence, InboxItem, LoggedRecord, MessageItem, OutcomeItem
from schemas.codec import b64u_decode
from schemas.log.checkpoint import Checkpoint
from schemas.log.leaf import commit_record, leaf_hash, make_leaf
from schemas.log.tree import verify_inclusion
from tests.broker.ports import ORIGIN, make_signer


def verify_evidence(evidence: Evidence) -> Checkpoint:
    """Verify a leaf and what it is proved by; return the checkpoint that it is under."""
    return verify_leaf(evidence.leaf, evidence.proof, evidence.checkpoint)


def verify_item(item: InboxItem, note: str) -> None:
    """Verify every leaf of what was handed over."""
    if isinstance(item, OutcomeItem):
        verify_leaf(item.leaf, item.proof, note)
        return
    verify_leaf(item.accepted, item.accepted_proof, note)
    assert item.accepted.index == item.number
    if isinstance(item, MessageItem):
        verify_leaf(item.handed_over, item.handed_over_proof, note)


def verify_leaf(leaf: LoggedRecord, proof: Sequence[str], note: str) -> Checkpoint:
    """Verify the checkpoint's signatures, the leaf from record and salt, and that it is included; return the first."""
    checkpoint = verify_checkpoint(note.encode(), ORIGIN, make_signer().public)
    commitment = commit_record(leaf.record.to_wire(), b64u_decode(leaf.salt))
    digest = leaf_hash(make_leaf("public" if leaf.record.is_public else "private", commitment))
    hashes = [b64u_decode(item) for item in proof]
    verify_inclusion(digest, leaf.index, checkpoint.size, hashes, checkpoint.root)
    return checkpoint
