"""The state of an agreement as a pure function of the two parties' chains and the time.

Narrowing is one-sided and immediate; widening takes both signatures. So no order of arrival may ever widen: the
function looks at what each chain holds, never at which step came first, and a step that narrows counts wherever it
stands. Of all versions under one agreement id at most one is in force at any moment: without that, two negotiations
that crossed would add up to more than either party signed. Signatures and chain order have been verified before; this
module has no keys and no clock.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from schemas.agreements.steps import MAX_SKEW, NARROWING_ACTIONS, ChainedStep, Step, StepAction
from schemas.agreements.terms import Terms

MAX_CHAIN_STEPS = 1000
"""Longer chains take narrowing steps only."""

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
    """How far propose, accept and confirm have come over one digest, for one proposer."""

    proposer: str
    acceptance: Step | None
    is_complete: bool


@dataclass(frozen=True, slots=True)
class _Ledger:
    """The chains, read once: the first step of each kind by (agency, action, digest), and what covers all versions."""

    first: Mapping[tuple[str, StepAction, str], Step]
    versions: Mapping[str, Terms]
    counters: Mapping[str, str]
    revocations: Sequence[Step]
    suspended_by: frozenset[str]

    def find_binding(self, digest: str) -> _Binding | None:
        """Return the furthest of the bindings over a digest, whoever of the two proposed."""
        terms = self.versions.get(digest)
        found = [] if terms is None else [self._read_binding(digest, terms, agency) for agency in terms.agencies]
        return max(
            (binding for binding in found if binding is not None),
            key=lambda binding: (binding.is_complete, binding.acceptance is not None, binding.proposer),
            default=None,
        )

    def is_binding(self, digest: str) -> bool:
        """Return whether both parties signed a digest in time, whatever came after."""
        binding = self.find_binding(digest)
        return binding is not None and binding.is_complete

    def _read_binding(self, digest: str, terms: Terms, proposer: str) -> _Binding | None:
        if (proposer, StepAction.PROPOSE, digest) not in self.first:
            return None
        acceptance = self.first.get((terms.counterpart_of(proposer), StepAction.ACCEPT, digest))
        confirmation = self.first.get((proposer, StepAction.CONFIRM, digest))
        is_complete = acceptance is not None and confirmation is not None and _is_in_time(confirmation.time, acceptance)
        return _Binding(proposer, acceptance, is_complete)

    def find_revoker(self, now: datetime) -> str | None:
        """Return a party whose revocation has taken effect."""
        for step in self.revocations:
            if step.effective_from is None or step.effective_from <= now:
                return step.agency
        return None

    def find_taker_back(self, action: StepAction, digest: str) -> str | None:
        """Return a party that withdrew (or rejected) a digest, at whatever moment."""
        return next((agency for agency, what, which in self.first if (what, which) == (action, digest)), None)

    def list_predecessors(self, terms: Terms) -> frozenset[str]:
        """Return the digests that a version supersedes, directly or through others."""
        found = set()
        older: Terms | None = terms
        while older is not None and older.supersedes is not None:
            found.add(older.supersedes)
            older = self.versions.get(older.supersedes)
        return frozenset(found)

    def list_rivals(self, digest: str, terms: Terms) -> list[Terms]:
        """Return the binding versions that stand after this one or beside it, the newest first.

        A rival keeps its place even when it was withdrawn since, has expired or is held: otherwise one party alone
        could bring an older, perhaps wider, version back.
        """
        older = self.list_predecessors(terms)
        others = sorted(set(self.versions) - older - {digest})
        rivals = [self.versions[other] for other in others if self.is_binding(other)]
        return sorted(rivals, key=lambda rival: rival.version, reverse=True)


def view_agreement(digest: str, chains: Chains, now: datetime) -> AgreementView:
    """Return the state of the version named by `digest`.

    The order of the checks is the order of the states' strength: what ends an agreement for good stands before what
    only holds it.
    """
    terms = list_versions(chains).get(digest)
    ledger = _read_chains(chains, () if terms is None else terms.agencies)
    binding = ledger.find_binding(digest)
    if terms is None or binding is None:
        return AgreementView(digest, None, State.DRAFT, "nobody has proposed it to the other party")
    state, because = _find_end(digest, terms, binding, ledger, now) or _find_standing(
        digest, terms, binding, ledger, now
    )
    return AgreementView(digest, terms, state, because, binding.proposer, ledger.suspended_by, binding.is_complete)


def list_versions(chains: Chains) -> dict[str, Terms]:
    """Return the terms of every version either chain proposes, by digest."""
    return {item.step.digest: item.step.terms for item in _all_steps(chains) if item.step.terms is not None}


def find_signed_terms(digest: str, chains: Chains) -> Terms | None:
    """Return the terms of a version that both parties signed in time, whatever came after; of any other None."""
    terms = list_versions(chains).get(digest)
    if terms is None or not _read_chains(chains, terms.agencies).is_binding(digest):
        return None
    return terms


def find_suspensions(chains: Chains) -> frozenset[str]:
    """Return the parties whose suspension is open; only who suspended can resume."""
    holders = set()
    for chain in chains.values():
        for item in chain:
            if item.step.action is StepAction.SUSPEND:
                holders.add(item.step.agency)
            elif item.step.action is StepAction.RESUME:
                holders.discard(item.step.agency)
    return frozenset(holders)


def _read_chains(chains: Chains, parties: Iterable[str]) -> _Ledger:
    # Only the version's own parties are read: a third agency that signs steps under the same id says nothing here.
    read = {agency: chains.get(agency, ()) for agency in sorted(parties)}
    first: dict[tuple[str, StepAction, str], Step] = {}
    counters: dict[str, str] = {}
    for item in _all_steps(read):
        step = item.step
        first.setdefault((step.agency, step.action, step.digest), step)
        if step.counters is not None:
            counters.setdefault(step.counters, step.agency)
    revocations = [item.step for item in _all_steps(read) if item.step.action is StepAction.REVOKE]
    return _Ledger(first, list_versions(read), counters, revocations, find_suspensions(read))


def _is_in_time(moment: datetime, acceptance: Step) -> bool:
    return acceptance.confirm_by is not None and moment <= acceptance.confirm_by


def _find_end(digest: str, terms: Terms, binding: _Binding, ledger: _Ledger, now: datetime) -> tuple[State, str] | None:
    for action, state in ((StepAction.WITHDRAW, State.WITHDRAWN), (StepAction.REJECT, State.REJECTED)):
        agency = ledger.find_taker_back(action, digest)
        if agency is not None and binding.is_complete:
            return State.REVOKED, f"{agency} took its signature back after the confirmation"
        if agency is not None:
            return state, f"{agency} has {state.value} it"
    revoker = ledger.find_revoker(now)
    if revoker is not None:
        return State.REVOKED, f"{revoker} revoked the agreement"
    for rival in ledger.list_rivals(digest, terms):
        if now >= rival.in_force_from or not binding.is_complete:
            return State.SUPERSEDED, _explain_rival(digest, rival, binding, ledger)
    if now >= terms.in_force_until:
        return State.EXPIRED, "its term is over"
    return None


def _explain_rival(digest: str, rival: Terms, binding: _Binding, ledger: _Ledger) -> str:
    if digest in ledger.list_predecessors(rival) or not binding.is_complete:
        return f"version {rival.version} has taken its place"
    return f"another version {rival.version} was confirmed beside it, and of two side by side neither counts"


def _find_standing(digest: str, terms: Terms, binding: _Binding, ledger: _Ledger, now: datetime) -> tuple[State, str]:
    if not binding.is_complete:
        return _find_negotiation_state(digest, binding, ledger, now)
    if ledger.suspended_by:
        return State.SUSPENDED, f"suspended by {' and '.join(sorted(ledger.suspended_by))}"
    if now < terms.in_force_from:
        return State.CONFIRMED, "both parties signed; its first day has not come"
    return State.IN_FORCE, "both parties signed and it stands"


def _find_negotiation_state(digest: str, binding: _Binding, ledger: _Ledger, now: datetime) -> tuple[State, str]:
    if binding.acceptance is None:
        if digest in ledger.counters:
            return State.COUNTERED, f"{ledger.counters[digest]} answered with other terms"
        return State.PROPOSED, f"{binding.proposer} proposed it; the other party has not answered"
    if not _is_in_time(now, binding.acceptance):
        return State.LAPSED, f"{binding.proposer} did not confirm in time"
    return State.ACCEPTED, f"{binding.acceptance.agency} accepted it; {binding.proposer} has yet to confirm"


def _all_steps(chains: Chains) -> Iterable[ChainedStep]:
    return (item for agency in sorted(chains) for item in chains[agency])


@dataclass(frozen=True, slots=True)
class StepDecision:
    """Whether a step makes sense now, and why not. Signature, chain order and key are judged elsewhere."""

    allowed: bool
    because: str


_ANSWERED = {StepAction.ACCEPT: StepAction.PROPOSE, StepAction.CONFIRM: StepAction.ACCEPT}


def answers_what_came_before(step: Step, chains: Chains) -> bool:
    """Return whether a step is dated after the other party's step that it answers, as far as two clocks may differ.

    For steps that are judged by the time they name themselves. What answers nothing fits; so does what narrows.
    """
    answered = _ANSWERED.get(step.action)
    others = (item.step for agency in sorted(chains) if agency != step.agency for item in chains[agency])
    times = [other.time for other in others if (other.action, other.digest) == (answered, step.digest)]
    return answered is None or any(time <= step.time + 2 * MAX_SKEW for time in times)


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
    if step.terms is not None:
        return _judge_length(step, chains) or _judge_proposal(step, step.terms, chains, versions, now)
    terms = versions.get(step.digest)
    if terms is None:
        return StepDecision(False, "nobody has proposed terms with this digest")
    if step.agency not in terms.agencies:
        return StepDecision(False, f"{step.agency} is no party to this agreement")
    if step.action in NARROWING_ACTIONS:
        return StepDecision(True, "a party may narrow at any time")
    if step.action is StepAction.RESUME:
        return _judge_length(step, chains) or _judge_resumption(step, chains)
    return _judge_length(step, chains) or _judge_answer(step, terms, chains, now)


def _judge_length(step: Step, chains: Chains) -> StepDecision | None:
    if len(chains.get(step.agency, ())) < MAX_CHAIN_STEPS:
        return None
    return StepDecision(False, f"a chain of {MAX_CHAIN_STEPS} steps takes only steps that narrow")


def _judge_proposal(
    step: Step, terms: Terms, chains: Chains, versions: Mapping[str, Terms], now: datetime
) -> StepDecision:
    ledger = _read_chains(chains, terms.agencies)
    if step.digest in versions:
        return StepDecision(False, "these very terms were proposed before")
    if any(known.agencies != terms.agencies for known in versions.values()):
        return StepDecision(False, "an agreement keeps its parties in all its versions")
    if ledger.find_revoker(now) is not None:
        return StepDecision(False, "a revoked agreement takes no new version; propose a new agreement")
    if terms.supersedes is not None and not _is_next_version(terms.supersedes, terms.version, ledger):
        return StepDecision(False, "a new version follows a confirmed one and has the next number")
    if ledger.list_rivals(step.digest, terms):
        return StepDecision(False, "another version was confirmed in this place; a new one follows the newest")
    if step.counters is not None and step.counters not in versions:
        return StepDecision(False, "the proposal it answers is not known")
    return StepDecision(True, "a party may propose at any time")


def _is_next_version(replaced: str, version: int, ledger: _Ledger) -> bool:
    return ledger.is_binding(replaced) and version == ledger.versions[replaced].version + 1


def _judge_resumption(step: Step, chains: Chains) -> StepDecision:
    if step.agency in find_suspensions(chains):
        return StepDecision(True, "who suspended may resume")
    return StepDecision(False, f"{step.agency} has not suspended this agreement; only who suspended can resume")


def _judge_answer(step: Step, terms: Terms, chains: Chains, now: datetime) -> StepDecision:
    view = view_agreement(step.digest, chains, now)
    states, by_proposer = _ANSWERABLE[step.action]
    if (step.agency == view.proposer) != by_proposer:
        who = "the proposer" if by_proposer else "the other party"
        return StepDecision(False, f"only {who} can {step.action.value} this proposal")
    if view.state not in states:
        return StepDecision(False, f"the agreement is {view.state.value}: {view.because}")
    if not _is_answer_in_time(step, terms, chains, now):
        return StepDecision(False, "the time to confirm has passed")
    return StepDecision(True, f"it answers a proposal that is {view.state.value}")


def _is_answer_in_time(step: Step, terms: Terms, chains: Chains, now: datetime) -> bool:
    if step.action is StepAction.ACCEPT:
        return _is_in_time(now, step)
    accepter = terms.counterpart_of(step.agency)
    acceptance = _read_chains(chains, terms.agencies).first[accepter, StepAction.ACCEPT, step.digest]
    return _is_in_time(step.time, acceptance)
