"""The state of an agreement as a pure function of the two parties' chains and the time.

Narrowing is one-sided and immediate; widening takes both signatures. So no order of arrival may ever widen: the function
looks at what each chain holds, never at which step came first, and a step that narrows counts wherever it stands.
Signatures and chain order have been verified before; this module has no keys and no clock.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from schemas.agreements.steps import NARROWING_ACTIONS, ChainedStep, Step, StepAction
from schemas.agreements.terms import Terms

MAX_CHAIN_STEPS = 1000

Chains = Mapping[str, Sequence[ChainedStep]]
"""Both parties' chains of one agreement id, by agency; a party that has said nothing may be absent."""


class State(StrEnum):
    """Where one version of an agreement stands. Messages are accepted in `IN_FORCE` only."""

    DRAFT = "draft"
    PROPOSED = "proposed"
    COUNTERED = "countered"
    ACCEPTED = "accepted"
    CONFIRMED = "confirmed"
    IN_FORCE = "in-force"
    SUSPENDED = "suspended"
    SUPERSEDED = "superseded"
    REVOKED = "revoked"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    REJECTED = "rejected"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class AgreementView:
    """One version as it stands at one moment: its state, a sentence why, and who holds it suspended."""

    digest: str
    terms: Terms | None
    state: State
    because: str
    proposer: str | None = None
    suspended_by: frozenset[str] = frozenset()
    binding: bool = False


@dataclass(frozen=True, slots=True)
class _Binding:
    proposer: str
    proposal: Step
    acceptance: Step | None
    confirmation: Step | None

    @property
    def is_complete(self) -> bool:
        return self.acceptance is not None and self.confirmation is not None


def view_agreement(digest: str, chains: Chains, now: datetime) -> AgreementView:
    """Return the state of the version named by `digest`.

    The order of the checks is the order of the states' strength: what ends an agreement for good stands before what only
    holds it.
    """
    binding = _find_binding(digest, chains)
    if binding is None:
        return AgreementView(digest, None, State.DRAFT, "nobody has proposed it to the other party")
    terms = binding.proposal.terms
    assert terms is not None  # noqa: S101 - a proposal without terms is refused by Step itself
    suspended_by = find_suspensions(chains)
    state, because = _find_end(digest, terms, binding, chains, now) or _find_standing(
        digest, terms, binding, chains, suspended_by, now
    )
    return AgreementView(digest, terms, state, because, binding.proposer, suspended_by, binding.is_complete)


def list_versions(chains: Chains) -> dict[str, Terms]:
    """Return the terms of every version either chain proposes, by digest."""
    return {item.step.digest: item.step.terms for item in _all_steps(chains) if item.step.terms is not None}


def find_suspensions(chains: Chains) -> frozenset[str]:
    """Return the parties whose suspension is open; only who suspended can resume."""
    holders = set()
    for agency, chain in chains.items():
        for item in chain:
            if item.step.action is StepAction.SUSPEND:
                holders.add(agency)
            elif item.step.action is StepAction.RESUME:
                holders.discard(agency)
    return frozenset(holders)


def _find_binding(digest: str, chains: Chains) -> _Binding | None:
    """Return the furthest that propose, accept, confirm has come over this digest, whoever of the two proposed."""
    candidates = []
    for agency, chain in chains.items():
        proposal = _first(chain, StepAction.PROPOSE, digest)
        if proposal is None or proposal.terms is None or agency not in proposal.terms.agencies:
            continue
        other = chains.get(proposal.terms.counterpart_of(agency), ())
        acceptance = _first(other, StepAction.ACCEPT, digest)
        confirmation = _first(chain, StepAction.CONFIRM, digest)
        candidates.append(_Binding(agency, proposal, acceptance, _if_in_time(confirmation, acceptance)))
    return max(
        candidates, key=lambda found: (found.is_complete, found.acceptance is not None, found.proposer), default=None
    )


def _if_in_time(confirmation: Step | None, acceptance: Step | None) -> Step | None:
    if confirmation is None or acceptance is None or acceptance.confirm_by is None:
        return None
    return confirmation if confirmation.time <= acceptance.confirm_by else None


def _find_end(digest: str, terms: Terms, binding: _Binding, chains: Chains, now: datetime) -> tuple[State, str] | None:
    for action, state in ((StepAction.WITHDRAW, State.WITHDRAWN), (StepAction.REJECT, State.REJECTED)):
        agency = _who_took(chains, action, digest)
        if agency is not None:
            if binding.is_complete:
                return State.REVOKED, f"{agency} took its signature back after the confirmation"
            return state, f"{agency} has {state.value} it"
    revoker = _find_revocation(chains, now)
    if revoker is not None:
        return State.REVOKED, f"{revoker} revoked the agreement"
    successor = _find_successor(digest, chains, now)
    if successor is not None:
        return State.SUPERSEDED, f"version {successor.version} has taken its place"
    if now >= terms.in_force_until:
        return State.EXPIRED, "its term is over"
    return None


def _find_standing(
    digest: str, terms: Terms, binding: _Binding, chains: Chains, suspended_by: frozenset[str], now: datetime
) -> tuple[State, str]:
    if not binding.is_complete:
        return _find_negotiation_state(digest, binding, chains, now)
    if suspended_by:
        return State.SUSPENDED, f"suspended by {' and '.join(sorted(suspended_by))}"
    if now < terms.in_force_from:
        return State.CONFIRMED, "both parties signed; its first day has not come"
    return State.IN_FORCE, "both parties signed and it stands"


def _find_negotiation_state(digest: str, binding: _Binding, chains: Chains, now: datetime) -> tuple[State, str]:
    acceptance = binding.acceptance
    if acceptance is None or acceptance.confirm_by is None:
        counter = next((item.step for item in _all_steps(chains) if item.step.counters == digest), None)
        if counter is not None:
            return State.COUNTERED, f"{counter.agency} answered with other terms"
        return State.PROPOSED, f"{binding.proposer} proposed it; the other party has not answered"
    if now > acceptance.confirm_by:
        return State.LAPSED, f"{binding.proposer} did not confirm in time"
    return State.ACCEPTED, f"{acceptance.agency} accepted it; {binding.proposer} has yet to confirm"


def _find_revocation(chains: Chains, now: datetime) -> str | None:
    for item in _all_steps(chains):
        step = item.step
        if step.action is StepAction.REVOKE and (step.effective_from is None or step.effective_from <= now):
            return step.agency
    return None


def _find_successor(digest: str, chains: Chains, now: datetime) -> Terms | None:
    # A confirmed successor keeps its place even when it was withdrawn since: otherwise one party alone could bring the
    # older, perhaps wider, version back.
    for other, terms in list_versions(chains).items():
        if terms.supersedes == digest and now >= terms.in_force_from:
            binding = _find_binding(other, chains)
            if binding is not None and binding.is_complete:
                return terms
    return None


def _who_took(chains: Chains, action: StepAction, digest: str) -> str | None:
    for agency in sorted(chains):
        if _first(chains[agency], action, digest) is not None:
            return agency
    return None


def _first(chain: Iterable[ChainedStep], action: StepAction, digest: str) -> Step | None:
    return next((item.step for item in chain if item.step.action is action and item.step.digest == digest), None)


def _all_steps(chains: Chains) -> Iterable[ChainedStep]:
    return (item for agency in sorted(chains) for item in chains[agency])


@dataclass(frozen=True, slots=True)
class StepDecision:
    """Whether a step makes sense now, and why not. Signature, chain order and key are judged elsewhere."""

    allowed: bool
    because: str


_ANSWERABLE: dict[StepAction, tuple[frozenset[State], bool]] = {
    StepAction.ACCEPT: (frozenset({State.PROPOSED, State.COUNTERED}), False),
    StepAction.CONFIRM: (frozenset({State.ACCEPTED}), True),
}
"""Action → (states of the digest it answers, whether the proposer takes it)."""


def judge_step(step: Step, chains: Chains, now: datetime) -> StepDecision:
    """Decide whether `step` may follow, given both chains before it.

    Narrowing steps over a known agreement are always allowed: they can never come too late or in the wrong order.
    """
    versions = list_versions(chains)
    if len(chains.get(step.agency, ())) >= MAX_CHAIN_STEPS:
        return StepDecision(False, f"a chain has at most {MAX_CHAIN_STEPS} steps")
    if step.action is StepAction.PROPOSE:
        return _judge_proposal(step, chains, versions, now)
    terms = versions.get(step.digest)
    if terms is None:
        return StepDecision(False, "nobody has proposed terms with this digest")
    if step.agency not in terms.agencies:
        return StepDecision(False, f"{step.agency} is no party to this agreement")
    if step.action in NARROWING_ACTIONS:
        return StepDecision(True, "a party may narrow at any time")
    if step.action is StepAction.RESUME:
        return _judge_resumption(step, chains)
    return _judge_answer(step, view_agreement(step.digest, chains, now))


def _judge_proposal(step: Step, chains: Chains, versions: Mapping[str, Terms], now: datetime) -> StepDecision:
    terms = step.terms
    assert terms is not None  # noqa: S101 - a proposal without terms is refused by Step itself
    if step.digest in versions:
        return StepDecision(False, "these very terms were proposed before")
    if any(set(known.agencies) != set(terms.agencies) for known in versions.values()):
        return StepDecision(False, "an agreement keeps its parties in all its versions")
    if _find_revocation(chains, now) is not None:
        return StepDecision(False, "a revoked agreement takes no new version; propose a new agreement")
    if terms.supersedes is not None:
        replaced = view_agreement(terms.supersedes, chains, now)
        if replaced.terms is None or not replaced.binding or terms.version != replaced.terms.version + 1:
            return StepDecision(False, "a new version follows a confirmed one and has the next number")
    if step.counters is not None and step.counters not in versions:
        return StepDecision(False, "the proposal it answers is not known")
    return StepDecision(True, "a party may propose at any time")


def _judge_resumption(step: Step, chains: Chains) -> StepDecision:
    if step.agency in find_suspensions(chains):
        return StepDecision(True, "who suspended may resume")
    return StepDecision(False, f"{step.agency} has not suspended this agreement; only who suspended can resume")


def _judge_answer(step: Step, view: AgreementView) -> StepDecision:
    states, by_proposer = _ANSWERABLE[step.action]
    if (step.agency == view.proposer) != by_proposer:
        who = "the proposer" if by_proposer else "the other party"
        return StepDecision(False, f"only {who} can {step.action.value} this proposal")
    if view.state not in states:
        return StepDecision(False, f"the agreement is {view.state.value}: {view.because}")
    return StepDecision(True, f"it answers a proposal that is {view.state.value}")
