"""Two parties that cross, lose, repeat and delay each other's steps, against a model of one page.

GB is honest: it signs what `judge_step` allows on what it has seen, and takes an acceptance back when nobody confirmed
in time. VN is hostile and signs whatever is well-formed, as late and as backdated as its own chain lets it. The wire
between them holds steps back for as long as it likes.
"""

from datetime import datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from schemas.agreements.lifecycle import Chains, State, judge_step, view_agreement
from schemas.agreements.steps import NARROWING_ACTIONS, ChainedStep, ChainError, Step, StepAction, verify_continuation
from tests.strategies.agreements import FAMILY, GB, MORNING, VN, chain_step, take_hostile_step

digests = st.sampled_from(sorted(FAMILY))
actions = st.sampled_from(StepAction)


def list_older(digest: str) -> list[str]:
    """Return the versions of the family that one follows, the nearest first."""
    older = FAMILY[digest].supersedes
    return [] if older is None else [older, *list_older(older)]


def is_signed_by_both(digest: str, chains: Chains) -> bool:
    """Say whether one party proposed and confirmed, in time, what the other accepted."""

    def find(agency: str, action: StepAction) -> Step | None:
        said = [
            item.step for item in chains.get(agency, ()) if (item.step.action, item.step.digest) == (action, digest)
        ]
        return said[0] if said else None

    for proposer, accepter in ((GB, VN), (VN, GB)):
        accepted, confirmed = find(accepter, StepAction.ACCEPT), find(proposer, StepAction.CONFIRM)
        if find(proposer, StepAction.PROPOSE) and accepted and confirmed:
            assert accepted.confirm_by is not None
            if confirmed.time <= accepted.confirm_by:
                return True
    return False


def is_held(chain: list[ChainedStep]) -> bool:
    """Say whether the last word of a party on suspension is that it suspends."""
    words = [item.step.action for item in chain if item.step.action in {StepAction.SUSPEND, StepAction.RESUME}]
    return words[-1:] == [StepAction.SUSPEND]


def is_in_force_by_the_book(digest: str, chains: Chains, now: datetime) -> bool:
    """Say what §4 of the protocol says, in another way than the code does."""
    terms = FAMILY[digest]
    steps = [item.step for chain in chains.values() for item in chain]
    others = [other for other in FAMILY if other != digest and other not in list_older(digest)]
    return (
        is_signed_by_both(digest, chains)
        and terms.in_force_from <= now < terms.in_force_until
        and not any(step.digest == digest and step.action in {StepAction.WITHDRAW, StepAction.REJECT} for step in steps)
        and not any(step.action is StepAction.REVOKE and (step.effective_from or now) <= now for step in steps)
        and not any(is_held(list(chain)) for chain in chains.values())
        and not any(is_signed_by_both(other, chains) and FAMILY[other].in_force_from <= now for other in others)
    )


def list_in_force(chains: Chains, now: datetime) -> list[str]:
    """Return the versions in force."""
    return [digest for digest in FAMILY if view_agreement(digest, chains, now).state is State.IN_FORCE]


class NegotiationMachine(RuleBasedStateMachine):
    """`chains` is all that was signed; `seen` is how much of the other's chain each party has."""

    def __init__(self) -> None:
        super().__init__()
        self.now = MORNING
        self.chains: Chains = {GB: (), VN: ()}
        self.seen = {GB: 0, VN: 0}

    def view_of(self, agency: str) -> Chains:
        """Return the chains as one party has them: its own whole, the other's as far as it arrived."""
        other = VN if agency == GB else GB
        return {agency: self.chains[agency], other: self.chains[other][: self.seen[agency]]}

    def sign(self, agency: str, action: StepAction, digest: str, time: datetime, hours: int) -> Step:
        """Return the step that a party would sign next."""
        return take_hostile_step(self.chains, agency, action, digest, time, hours)[agency][-1].step

    def append(self, step: Step) -> None:
        """Add a signed step to its party's chain."""
        verify_continuation(self.chains[step.agency], step)
        self.chains = {**self.chains, step.agency: (*self.chains[step.agency], chain_step(step))}

    @rule(hours=st.integers(1, 60))
    def pass_time(self, hours: int) -> None:
        """Time passes; the honest party takes back what was not confirmed in time."""
        self.now += timedelta(hours=hours)
        for digest in FAMILY:
            view = view_agreement(digest, self.view_of(GB), self.now)
            if view.state is State.LAPSED and view.proposer == VN:
                self.append(self.sign(GB, StepAction.WITHDRAW, digest, self.now, 0))

    @rule(action=actions, digest=digests, hours=st.integers(1, 40))
    def take_honest_step(self, action: StepAction, digest: str, hours: int) -> None:
        """GB signs what the rules allow."""
        step = self.sign(GB, action, digest, self.now, hours)
        if judge_step(step, self.view_of(GB), self.now).allowed:
            self.append(step)

    @rule(digest=digests, hours=st.integers(1, 40))
    def agree(self, digest: str, hours: int) -> None:
        """Both sign one version as they should, if the rules allow, and everything arrives."""
        self.deliver_everything()
        for agency, action in ((VN, StepAction.PROPOSE), (GB, StepAction.ACCEPT), (VN, StepAction.CONFIRM)):
            step = self.sign(agency, action, digest, self.now, hours)
            if judge_step(step, self.chains, self.now).allowed:
                self.append(step)
        self.deliver_everything()

    @rule(action=actions, digest=digests, hours=st.integers(1, 40), backdated_hours=st.integers(0, 100))
    def take_hostile_step(self, action: StepAction, digest: str, hours: int, backdated_hours: int) -> None:
        """VN signs anything, dated back as far as its chain allows."""
        time = self.now - timedelta(hours=backdated_hours)
        if self.chains[VN]:
            time = max(time, self.chains[VN][-1].step.time)
        self.append(self.sign(VN, action, digest, time, hours))

    @rule(agency=st.sampled_from((GB, VN)), count=st.integers(1, 5))
    def deliver(self, agency: str, count: int) -> None:
        """Some of the other's steps arrive, in the only order a chain has."""
        other = VN if agency == GB else GB
        self.seen[agency] = min(len(self.chains[other]), self.seen[agency] + count)

    @rule()
    def deliver_everything(self) -> None:
        """All that was held back arrives."""
        self.seen = {GB: len(self.chains[VN]), VN: len(self.chains[GB])}

    @precondition(lambda self: self.chains[VN])
    @rule(data=st.data())
    def deliver_again_or_out_of_order(self, data: st.DataObject) -> None:
        """A step that is not the next one is refused, with what would be."""
        have = self.view_of(GB)[VN]
        item = data.draw(st.sampled_from(self.chains[VN]))
        if item.step.party_seq == len(have) + 1:
            verify_continuation(have, item.step)
            return
        with pytest.raises(ChainError) as refusal:
            verify_continuation(have, item.step)
        assert refusal.value.expected_seq == len(have) + 1
        assert refusal.value.expected_prev == (have[-1].digest if have else None)

    @rule(agency=st.sampled_from((GB, VN)), action=st.sampled_from(sorted(NARROWING_ACTIONS)), digest=digests)
    def narrow(self, agency: str, action: StepAction, digest: str) -> None:
        """Narrowing a known version is always allowed and works at once, on whatever has been seen."""
        before = view_agreement(digest, self.view_of(agency), self.now)
        time = max([self.now, *[item.step.time for item in self.chains[agency][-1:]]])
        step = self.sign(agency, action, digest, time, 0)
        if before.terms is not None:
            assert judge_step(step, self.view_of(agency), self.now).allowed
        self.append(step)
        assert view_agreement(digest, self.view_of(agency), self.now).state is not State.IN_FORCE
        if action in {StepAction.SUSPEND, StepAction.REVOKE}:
            assert list_in_force(self.view_of(agency), self.now) == []

    @invariant()
    def everyone_sees_what_the_book_says(self) -> None:
        for chains in (self.chains, self.view_of(GB), self.view_of(VN)):
            expected = [digest for digest in FAMILY if is_in_force_by_the_book(digest, chains, self.now)]
            assert list_in_force(chains, self.now) == expected

    @invariant()
    def at_most_one_version_is_in_force(self) -> None:
        for chains in (self.chains, self.view_of(GB), self.view_of(VN)):
            assert len(list_in_force(chains, self.now)) <= 1

    @invariant()
    def nothing_is_in_force_that_the_honest_party_did_not_sign_or_has_narrowed(self) -> None:
        own = [item.step for item in self.chains[GB]]
        for digest in list_in_force(self.chains, self.now):
            said = {step.action for step in own if step.digest == digest}
            assert StepAction.ACCEPT in said or {StepAction.PROPOSE, StepAction.CONFIRM} <= said
            assert not said & {StepAction.WITHDRAW, StepAction.REJECT}
            assert not is_held(list(self.chains[GB]))
