"""Sign steps: judged against both chains, signed, recorded and queued in one transaction, before anybody sees them.

A step that narrows is signed at once, in one officer's name. A step that widens is signed when two have approved it.

A step that widens and that the broker refuses is taken back: it is in no log and never counted. What follows it in the
own chain is signed anew, since it named the step that is gone. A step that narrows is never taken back.
"""

from dataclasses import dataclass
from datetime import datetime

from agency_client.agreements.approving import AwaitedStep, approve_step, end_overtaken
from agency_client.agreements.chains import MAX_STEP_BYTES, Agreement, load_agreement, read_step
from agency_client.errors import ConflictError, UsageError, VerificationFailedError
from agency_client.local_store.access_log import append_entry
from agency_client.local_store.agreements import StoredStep, load_chain_end, record_step, retract_step
from agency_client.local_store.contradictions import has_log_contradiction
from agency_client.local_store.dispatch import DispatchKind, load_dispatch, queue_again, record_dispatch_refused
from agency_client.local_store.engine import Snapshot, Transaction
from agency_client.local_store.problems import Problem
from agency_client.local_store.restored import demand_not_restored
from agency_client.local_store.statuses import request_status
from agency_client.node import Node
from agency_client.witness.standing import demand_witnessed
from keys.signing import sign_document
from schemas.agreements.lifecycle import judge_step
from schemas.agreements.steps import NARROWING_ACTIONS, ChainedStep, Step, StepAction, digest_step
from schemas.agreements.terms import Terms
from schemas.api import LoggedRecord
from schemas.log.records import Action
from schemas.model import DocumentError
from schemas.signed import DocumentType, KeyUse, SignedDocument

MAX_REASON_CHARACTERS = 280
_ANSWERS = frozenset({StepAction.ACCEPT, StepAction.CONFIRM, StepAction.RESUME})
"""What widens in answer to what stands in the log: only once the quorum has seen that, too, or an exchange could show
this node alone what was never said, or hide from others what was."""


_COVERING_ALL = frozenset({StepAction.SUSPEND, StepAction.REVOKE})
"""What is said of all versions of an agreement, whichever of them it names."""


class StepNotAllowedError(ConflictError):
    """The step makes no sense as the agreement stands; the sentence says why."""

    default_code = "step-not-allowed"


@dataclass(frozen=True, slots=True)
class StepOrder:
    """What somebody wants to say of an agreement; the rest of a step follows from the chain."""

    action: StepAction
    agreement: str
    digest: str
    partner: str
    reason: str | None = None
    terms: Terms | None = None
    counters: str | None = None
    confirm_by: datetime | None = None
    effective_from: datetime | None = None


def sign_narrowing_step(node: Node, transaction: Transaction, order: StepOrder) -> StoredStep:
    """Sign, record and queue a step that narrows as the next of the own chain, with an entry in the access log.

    Raises:
        StepNotAllowedError: the lifecycle does not allow it now, or it does not narrow.
        UsageError: a field is of another form.
        DeniedError: no agreement key may be used, or the node was restored and has not caught up.
    """
    step, _ = _prepare(node, transaction, order)
    if step.action not in NARROWING_ACTIONS:
        raise StepNotAllowedError(f"{step.action.value}: what widens takes the approval of two officers")
    return _sign_and_note(node, transaction, step, order)


def sign_widening_step(node: Node, transaction: Transaction, order: StepOrder) -> StoredStep | AwaitedStep:
    """Record this officer's approval of the next step of the own chain; sign it if a second person's is there.

    The first officer's approval meets every check that the signature meets.

    Raises:
        StepNotAllowedError: the lifecycle does not allow it now.
        NotYetWitnessedError: it answers steps that the quorum has not seen in the log.
        VerificationFailedError: the log was proven to have two histories.
        UsageError: a field is of another form.
        DeniedError: no agreement key may be used, or the node was restored and has not caught up.
    """
    step, agreement = _prepare(node, transaction, order)
    node.read_signer(transaction, KeyUse.AGREEMENT)
    if order.action in _ANSWERS:
        _demand_witnessed(node, transaction, agreement)
    awaited = approve_step(node, transaction, step, order.partner, _say_why(order))
    if awaited is not None:
        return awaited
    return _sign_and_note(node, transaction, step, order)


def _prepare(node: Node, transaction: Transaction, order: StepOrder) -> tuple[Step, Agreement]:
    demand_not_restored(transaction, "steps")
    now = node.clock.now()
    agreement = load_agreement(transaction, order.agreement)
    step = _make_step(node, transaction, order, now)
    decision = judge_step(step, agreement.chains, now)
    if not decision.allowed:
        raise StepNotAllowedError(f"{order.action.value}: {decision.because}", fix="see: agency agreement show")
    return step, agreement


def _sign_and_note(node: Node, transaction: Transaction, step: Step, order: StepOrder) -> StoredStep:
    stored = _sign(node, transaction, step, order.partner)
    end_overtaken(node, transaction, step.agreement)
    verb = f"agreement-{order.action.value}"
    note = node.note_access(Action.AGREEMENTS, verb, _say_why(order), partner=order.partner)
    append_entry(transaction, note)
    return stored


def _say_why(order: StepOrder) -> str:
    return _cut(order.reason or f"{order.action.value} {order.agreement}")


def _demand_witnessed(node: Node, snapshot: Snapshot, agreement: Agreement) -> None:
    if has_log_contradiction(snapshot, node.sheet.origin):
        raise VerificationFailedError(
            f"the log {node.sheet.origin} signed two histories; nothing is widened by what it shows",
            fix="call the partner's duty desk; see: agency trust contradictions",
            code="log-contradicts-itself",
        )
    # What stands in an earlier epoch of the log was settled when this one was accepted.
    steps = (step for chain in agreement.stored.values() for step in chain if step.origin == node.sheet.origin)
    leaves = (LoggedRecord.from_canonical(step.leaf) for step in steps if step.leaf is not None)
    size = max((leaf.index + 1 for leaf in leaves), default=0)
    demand_witnessed(node, snapshot, size, f"the newest step of agreement {agreement.id}")


def take_back(node: Node, transaction: Transaction, digest: str, problem: Problem) -> None:
    """Take back a refused step of the own chain, and sign anew what followed it there and still makes sense."""
    _replay_tail(node, transaction, digest, problem, keeps_first=False)


def sign_anew(node: Node, transaction: Transaction, digest: str, problem: Problem) -> None:
    """Sign a step that waited too long, and what followed it, with the present time and keys."""
    _replay_tail(node, transaction, digest, problem, keeps_first=True)


def _replay_tail(node: Node, transaction: Transaction, digest: str, problem: Problem, *, keeps_first: bool) -> None:
    agreement = _find_own(node, transaction, digest)
    chain = agreement.stored[node.agency]
    position = next(at for at, item in enumerate(chain) if item.digest == digest)
    tail = chain[position:]
    now = node.clock.now()
    for item in reversed(tail):
        retract_step(transaction, item.digest)
        record_dispatch_refused(transaction, item.digest, problem, at=now)
    for item in tail if keeps_first else tail[1:]:
        _sign_again(node, transaction, read_step(item), agreement)


def _sign_again(node: Node, transaction: Transaction, chained: ChainedStep, agreement: Agreement) -> None:
    old, now = chained.step, node.clock.now()
    if old.confirm_by is not None and old.confirm_by <= now:
        return
    if old.action in _ANSWERS and has_log_contradiction(transaction, node.sheet.origin):
        return  # Nothing is widened by what such a log shows, however it was when two approved it.
    partner = _find_partner(node, transaction, chained, agreement)
    if partner is None:
        return
    known = load_agreement(transaction, agreement.id).list_terms()
    digest = old.digest
    if old.action in _COVERING_ALL and digest not in known:
        # Under the same id a third agency may have proposed something of its own: the partner would not know that.
        digest = next((other for other, terms in known.items() if partner in terms.agencies), digest)
    order = StepOrder(
        old.action,
        agreement.id,
        digest,
        partner,
        reason=old.reason,
        terms=old.terms,
        counters=old.counters,
        confirm_by=old.confirm_by,
        effective_from=old.effective_from,
    )
    step = _make_step(node, transaction, order, now)
    chains = load_agreement(transaction, agreement.id).chains
    if judge_step(step, chains, now).allowed:
        # What narrows is always allowed, unless its terms went with a refused proposal: nobody will ever know them.
        _sign(node, transaction, step, partner)


def _find_partner(node: Node, snapshot: Snapshot, chained: ChainedStep, agreement: Agreement) -> str | None:
    """Return to whom a step was said. Its terms may be gone: the partner's, where a proof against it was settled."""
    terms = agreement.list_terms().get(chained.step.digest)
    if terms is not None:
        return terms.counterpart_of(node.agency)
    queued = load_dispatch(snapshot, chained.digest)
    return None if queued is None else queued.partner


def _make_step(node: Node, transaction: Transaction, order: StepOrder, now: datetime) -> Step:
    end = load_chain_end(transaction, order.agreement, node.agency)
    time = now if end is None else max(now, read_step(end).step.time)
    try:
        step = Step(
            v=1,
            exchange=node.exchange,
            agreement=order.agreement,
            digest=order.digest,
            agency=node.agency,
            party_seq=1 if end is None else end.party_seq + 1,
            party_prev=None if end is None else end.digest,
            action=order.action,
            time=time,
            reason=order.reason,
            terms=order.terms,
            counters=order.counters,
            confirm_by=order.confirm_by,
            effective_from=order.effective_from,
        )
        return Step.from_canonical(step.canonical(), max_bytes=MAX_STEP_BYTES)
    except DocumentError as error:
        raise UsageError(f"{error.field or 'the step'}: {error.problem}") from error
    except ValueError as error:
        raise UsageError(f"the step cannot be made: {error}") from error


def _sign(node: Node, transaction: Transaction, step: Step, partner: str) -> StoredStep:
    payload, now = step.canonical(), node.clock.now()
    document = sign_document(payload, DocumentType.AGREEMENT_STEP, [node.read_signer(transaction, KeyUse.AGREEMENT)])
    stored = make_stored(step, digest_step(payload), document, now)
    record_step(transaction, stored)
    kind, body = DispatchKind.AGREEMENT_STEP, stored.document
    # Signed anew in the same second it is the very step that was refused: without this nobody would hand it in again.
    queue_again(transaction, digest=stored.digest, kind=kind, body=body, partner=partner, at=now, even_refused=True)
    if step.action in NARROWING_ACTIONS:
        # The partner's status names it even where the exchange will not take the step itself.
        request_status(transaction, partner, reason=f"{step.action.value} of agreement {step.agreement}", at=now)
    return stored


def make_stored(
    step: Step, digest: str, document: SignedDocument, at: datetime, leaf: bytes | None = None
) -> StoredStep:
    """Return a verified step in the form the store keeps."""
    return StoredStep(
        digest=digest,
        agreement=step.agreement,
        party=step.agency,
        party_seq=step.party_seq,
        action=step.action.value,
        terms_digest=step.digest,
        document=document.canonical(),
        leaf=leaf,
        recorded_at=at,
    )


def _find_own(node: Node, transaction: Transaction, digest: str) -> Agreement:
    agreement = transaction.fetch_value("SELECT agreement FROM agreement_step WHERE digest = ?", digest)
    return load_agreement(transaction, agreement)


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_REASON_CHARACTERS else line[: MAX_REASON_CHARACTERS - 1] + "…"
