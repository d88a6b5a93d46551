"""Settle a proof that a partner said two things, once two persons know why: its node was restored from a backup.

The proof stays, with who settled it and why; only what it stopped goes on. A proof against a log or a key document is
never settled here: a log is begun anew (`agency_client.epochs`), and keys are trusted anew in person.
"""

from dataclasses import dataclass

from agency_client.agreements.chains import parse_step
from agency_client.errors import ConflictError
from agency_client.local_store.access_log import append_entry
from agency_client.local_store.agreements import forget_unlogged_steps
from agency_client.local_store.approvals import (
    PERSONS,
    Approval,
    ApprovalEnd,
    ApprovalKind,
    end_approvals,
    give_approval,
)
from agency_client.local_store.contradictions import (
    Contradiction,
    ContradictionKind,
    load_contradiction,
    note_settled,
)
from agency_client.local_store.engine import Transaction
from agency_client.local_store.statuses import forget_partner_statuses
from agency_client.node import Node
from schemas.codec import hash_text
from schemas.log.records import Action
from schemas.signed import SignedDocument

SETTLEABLE = frozenset({ContradictionKind.STATUS, ContradictionKind.AGREEMENT_STEP, ContradictionKind.STREAM_NUMBER})


class NotSettleableError(ConflictError):
    """No two persons' word can undo what this proof proves, or it was settled before."""

    default_code = "not-settleable"


@dataclass(frozen=True, slots=True)
class Settlement:
    """What one officer's approval came to: who has approved by now, and whether the proof is settled."""

    proof: Contradiction
    approvals: tuple[Approval, ...]
    is_settled: bool


def settle_contradiction(node: Node, number: int, reason: str) -> Settlement:
    """Approve in this officer's name that a proof is settled, on record; with a second person's approval it is.

    Raises:
        NotFoundError: there is no such proof.
        NotSettleableError: it is one against a log or a key document, or was settled before.
        UsageError: the reason is empty.
    """
    now, kind = node.clock.now(), ApprovalKind.SETTLEMENT
    with node.store.write() as transaction:
        proof = load_contradiction(transaction, number)
        _demand_settleable(proof)
        subject = hash_text("approval", kind.encode(), proof.first, proof.second)
        what = f"proof {number} against {proof.signer} ({proof.kind.value}) is settled"
        approvals = give_approval(transaction, kind, subject, what=what, officer=node.officer, reason=reason, at=now)
        append_entry(transaction, node.note_access(Action.KEYS, "trust-settle", reason, partner=proof.signer))
        is_settled = len(approvals) >= PERSONS
        if is_settled:
            end_approvals(transaction, kind, subject, ApprovalEnd.USED, by=node.officer, at=now)
            officers = " and ".join(approval.officer for approval in approvals)
            reasons = "; ".join(approval.reason for approval in approvals)
            note_settled(transaction, number, by=officers, because=reasons, at=now)
            _go_on(transaction, proof)
        return Settlement(load_contradiction(transaction, number), tuple(approvals), is_settled)


def _demand_settleable(proof: Contradiction) -> None:
    if proof.settled_at is not None:
        raise NotSettleableError(f"proof {proof.number} was settled by {proof.settled_by}")
    if proof.kind is ContradictionKind.CHECKPOINT:
        raise NotSettleableError(
            f"proof {proof.number} is against the log {proof.signer}: no agency can settle that",
            fix="wait for a new log; two officers accept it: agency exchange accept SHEET",
        )
    if proof.kind not in SETTLEABLE:
        raise NotSettleableError(
            f"proof {proof.number} is about keys of {proof.signer}: trust them anew, in person",
            fix=f"meet the partner; then: agency trust pin {proof.signer}",
        )


def _go_on(transaction: Transaction, proof: Contradiction) -> None:
    """Let go of what cannot be followed by what the partner says now; what the log shows is taken up from there."""
    if proof.kind is ContradictionKind.STATUS:
        forget_partner_statuses(transaction, proof.signer)
    elif proof.kind is ContradictionKind.AGREEMENT_STEP:
        step = parse_step(SignedDocument.from_canonical(proof.first, max_bytes=1 << 20)).step
        forget_unlogged_steps(transaction, step.agreement, step.agency, step.party_seq)
