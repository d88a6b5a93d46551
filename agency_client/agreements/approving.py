"""Two officers before the agency's agreement key widens anything: what each approves, and when both have.

An approval is of exactly one step: this action, over these terms, at this place of the own chain. Whatever this agency
signs of the agreement meanwhile moves the chain on, and the approvals end. Nothing here signs, and nothing here asks
whether the step makes sense: that is `agency_client.agreements.signing`, which lets no step that widens pass by here.
"""

from dataclasses import dataclass

from agency_client.local_store.access_log import append_entry
from agency_client.local_store.agreements import Draft, delete_draft, list_drafts, save_draft
from agency_client.local_store.approvals import (
    PERSONS,
    Approval,
    ApprovalEnd,
    ApprovalKind,
    end_approvals,
    end_approvals_about,
    give_approval,
    list_approvals,
)
from agency_client.local_store.engine import Snapshot, Transaction
from agency_client.node import Node
from schemas.agreements.steps import Step, StepAction
from schemas.agreements.terms import MAX_TERMS_BYTES, Terms
from schemas.codec import encode_canonical, hash_text
from schemas.log.records import Action


@dataclass(frozen=True, slots=True)
class AwaitedStep:
    """A step that one officer has approved and another must approve as well: nothing of it is signed."""

    action: StepAction
    agreement: str
    terms_digest: str
    partner: str
    approvals: tuple[Approval, ...]


@dataclass(frozen=True, slots=True)
class AwaitedTerms:
    """Terms that wait for a second officer before they are proposed."""

    terms: Terms
    digest: str
    approvals: tuple[Approval, ...]


def digest_approved(step: Step) -> str:
    """Return the digest of what is approved: the action, the terms, what they answer, and the place in the own chain.

    The time is not in it, nor what an officer adds in words.
    """
    wire: dict[str, object] = {
        "action": step.action.value,
        "agreement": step.agreement,
        "terms": step.digest,
        "party_seq": step.party_seq,
        "party_prev": step.party_prev or "",
        "counters": step.counters or "",
    }
    return hash_text("approval", ApprovalKind.AGREEMENT_STEP.encode(), encode_canonical(wire))


def approve_step(node: Node, transaction: Transaction, step: Step, partner: str, reason: str) -> AwaitedStep | None:
    """Record this officer's approval of a step; None once two persons have approved, and it may be signed.

    Raises:
        UsageError: the reason is empty.
    """
    now, subject, kind = node.clock.now(), digest_approved(step), ApprovalKind.AGREEMENT_STEP
    approvals = give_approval(
        transaction,
        kind,
        subject,
        what=f"{step.action.value} agreement {step.agreement} with {partner}, terms {step.digest}",
        officer=node.officer,
        reason=reason,
        at=now,
        about=step.agreement,
    )
    append_entry(transaction, node.note_access(Action.AGREEMENTS, "agreement-approve", reason, partner=partner))
    if len(approvals) >= PERSONS:
        end_approvals(transaction, kind, subject, ApprovalEnd.USED, by=node.officer, at=now)
        return None
    if step.terms is not None:
        save_draft(transaction, Draft(subject, step.terms.canonical(), now, node.officer))
    return AwaitedStep(step.action, step.agreement, step.digest, partner, tuple(approvals))


def end_overtaken(node: Node, transaction: Transaction, agreement: str) -> None:
    """End what was approved of an agreement at a place of the own chain that a signed step has taken."""
    kind = ApprovalKind.AGREEMENT_STEP
    end_approvals_about(transaction, kind, agreement, by=node.officer, at=node.clock.now())
    for draft in list_drafts(transaction):
        if read_draft(draft).id == agreement:
            delete_draft(transaction, draft.name)


def find_same_terms(node: Node, transaction: Transaction, terms: Terms) -> Terms:
    """Return the terms a first officer has approved for a new agreement if they are these but for the id, else these.

    The id is drawn when terms are completed; two officers with one file mean one agreement.
    """
    _drop_ended_drafts(node, transaction)
    awaited = (item.terms for item in list_awaited_terms(node, transaction))
    return next((item for item in awaited if item.model_copy(update={"id": terms.id}) == terms), terms)


def list_awaited_terms(node: Node, snapshot: Snapshot) -> list[AwaitedTerms]:
    """Return the terms that wait for a second officer before they are proposed, in the order of their approval."""
    drafts = {draft.name: read_draft(draft) for draft in list_drafts(snapshot)}
    approvals = list_step_approvals(node, snapshot)
    by_subject = {item.subject: [other for other in approvals if other.subject == item.subject] for item in approvals}
    return [
        AwaitedTerms(drafts[subject], drafts[subject].digest(), tuple(given))
        for subject, given in by_subject.items()
        if subject in drafts
    ]


def list_step_approvals(node: Node, snapshot: Snapshot, agreement: str | None = None) -> list[Approval]:
    """Return what one officer has approved of agreements, or of one of them, and waits for another, oldest first."""
    found = list_approvals(snapshot, now=node.clock.now())
    of_steps = [item for item in found if item.kind is ApprovalKind.AGREEMENT_STEP]
    return [item for item in of_steps if agreement in (None, item.about)]


def read_draft(draft: Draft) -> Terms:
    """Return the terms of a draft; this node completed and checked them."""
    return Terms.from_canonical(draft.terms, max_bytes=MAX_TERMS_BYTES)


def _drop_ended_drafts(node: Node, transaction: Transaction) -> None:
    alive = {item.subject for item in list_step_approvals(node, transaction)}
    for draft in list_drafts(transaction):
        if draft.name not in alive:
            delete_draft(transaction, draft.name)
