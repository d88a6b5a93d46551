"""An agreement is in force when both parties signed it, neither narrowed it, and its time has come; never otherwise."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import settings

from schemas.agreements.lifecycle import (
    MAX_CHAIN_STEPS,
    AgreementView,
    Chains,
    State,
    StepDecision,
    answers_what_came_before,
    find_signed_terms,
    judge_step,
    list_versions,
    view_agreement,
)
from schemas.agreements.steps import NARROWING_ACTIONS, ChainedStep, StepAction
from schemas.agreements.terms import Terms
from tests.schemas.agreements.lifecycle_cases import (
    ACCEPT,
    ACCEPTED,
    ALLOWED,
    CONFIRM,
    CONFIRMED,
    COUNTER,
    DAY,
    LATER,
    NOON,
    PROPOSE,
    PROPOSED,
    REFUSED,
    REJECT,
    RESUME,
    REVOKE,
    RIVAL,
    SECOND,
    STATES,
    SUSPEND,
    TERMS,
    THIRD,
    WITHDRAW,
    WORDS,
    Move,
)
from tests.schemas.agreements.lifecycle_machine import NegotiationMachine
from tests.strategies.agreements import (
    GB,
    MORNING,
    VN,
    confirm_terms,
    follow_terms,
    make_step,
    make_terms,
    take_step,
    take_steps,
)

STANDS = (State.IN_FORCE, "both parties signed and it stands")
TOO_LATE = StepDecision(False, "the time to confirm has passed")

TestNegotiation = NegotiationMachine.TestCase
TestNegotiation.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def view(terms: Terms, chains: Chains, now: datetime = NOON) -> tuple[State, str]:
    found = view_agreement(terms.digest(), chains, now)
    return found.state, found.because


def state(terms: Terms, chains: Chains, now: datetime = NOON) -> State:
    return view(terms, chains, now)[0]


@pytest.mark.parametrize(("moves", "expected", "because"), STATES.values(), ids=STATES)
def test_the_state_when(moves: Sequence[Move], expected: State, because: str) -> None:
    about = next((what for _, _, what in moves if isinstance(what, Terms)), TERMS)

    assert view(about, take_steps(*moves)) == (expected, because)


def test_the_states_of_the_table_and_those_that_need_time_are_all_there_are() -> None:
    by_time = {State.COUNTERED, State.LAPSED, State.EXPIRED, State.SUPERSEDED}

    assert {expected for _, expected, _ in STATES.values()} | by_time == set(State)
    assert [str(state) for state in State] == WORDS


@pytest.mark.parametrize("moves", list(permutations(CONFIRMED)))
def test_no_order_of_arrival_changes_anything(moves: tuple[Move, ...]) -> None:
    assert state(TERMS, take_steps(*moves)) is State.IN_FORCE


def test_a_view_says_who_proposed_and_who_holds_it() -> None:
    found = view_agreement(TERMS.digest(), take_step(confirm_terms(TERMS, VN), GB, SUSPEND, TERMS), NOON)

    assert (found.digest, found.terms, found.proposer) == (TERMS.digest(), TERMS, VN)
    assert (found.suspended_by, found.binding) == (frozenset({GB}), True)


@pytest.mark.parametrize("signed", range(len(CONFIRMED) + 1))
def test_terms_are_signed_when_the_last_of_their_steps_is_there_whatever_comes_after(signed: int) -> None:
    is_whole = signed == len(CONFIRMED)
    chains = take_steps(*CONFIRMED[:signed])

    assert find_signed_terms(TERMS.digest(), chains) == (TERMS if is_whole else None)
    if is_whole:
        assert find_signed_terms(TERMS.digest(), take_step(chains, GB, REVOKE, TERMS)) == TERMS


def test_a_draft_has_no_terms() -> None:
    draft = AgreementView(TERMS.digest(), None, State.DRAFT, "nobody has proposed it to the other party")

    assert view_agreement(TERMS.digest(), {}, NOON) == draft
    assert (draft.proposer, draft.suspended_by, draft.binding) == (None, frozenset(), False)


def test_what_a_stranger_proposes_between_two_others_is_nobodys_proposal() -> None:
    step = make_step(GB, PROPOSE, TERMS).model_copy(update={"agency": "BE"})
    chains: Chains = {"BE": (ChainedStep(step, "A" * 43),)}

    assert list_versions(chains) == {TERMS.digest(): TERMS}
    assert state(TERMS, chains) is State.DRAFT


def test_a_counter_proposal_leaves_the_proposal_open_to_an_answer() -> None:
    chains = take_step(take_steps(*PROPOSED), VN, PROPOSE, COUNTER, counters=TERMS.digest())

    assert view(TERMS, chains) == (State.COUNTERED, "VN answered with other terms")
    assert state(COUNTER, chains) is State.PROPOSED
    assert judge_step(make_step(VN, ACCEPT, TERMS), chains, NOON).allowed
    assert state(TERMS, take_step(chains, VN, ACCEPT, TERMS)) is State.ACCEPTED


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (TERMS.in_force_from - timedelta(seconds=1), (State.CONFIRMED, STATES["its first day has not come"][2])),
        (TERMS.in_force_from, STANDS),
        (TERMS.in_force_until - timedelta(seconds=1), STANDS),
        (TERMS.in_force_until, (State.EXPIRED, "its term is over")),
    ],
)
def test_an_agreement_stands_from_its_first_moment_to_before_its_last(
    now: datetime, expected: tuple[State, str]
) -> None:
    assert view(TERMS, confirm_terms(TERMS), now) == expected


@pytest.mark.parametrize(("late_seconds", "expected"), [(0, State.ACCEPTED), (1, State.LAPSED)])
def test_an_acceptance_lapses_after_its_last_moment(late_seconds: int, expected: State) -> None:
    assert state(TERMS, take_steps(*ACCEPTED), MORNING + 7 * DAY + timedelta(seconds=late_seconds)) is expected


@pytest.mark.parametrize(("late_seconds", "expected"), [(0, State.IN_FORCE), (1, State.LAPSED)])
def test_a_confirmation_dated_too_late_confirms_nothing(late_seconds: int, expected: State) -> None:
    late = MORNING + 7 * DAY + timedelta(seconds=late_seconds)
    chains = take_step(take_steps(*ACCEPTED), GB, CONFIRM, TERMS, time=late)

    assert state(TERMS, chains, late + DAY) is expected


def test_a_second_confirmation_does_not_mend_a_late_one() -> None:
    chains = take_step(take_steps(*ACCEPTED), GB, CONFIRM, TERMS, time=MORNING + 8 * DAY)
    chains = take_step(chains, GB, CONFIRM, TERMS, time=MORNING)

    assert state(TERMS, chains, MORNING + 9 * DAY) is State.LAPSED


def test_a_second_acceptance_does_not_give_the_proposer_more_time() -> None:
    chains = take_step(take_steps(*ACCEPTED), VN, ACCEPT, TERMS, confirm_by=MORNING + 30 * DAY)
    chains = take_step(chains, GB, CONFIRM, TERMS, time=MORNING + 20 * DAY)

    assert state(TERMS, chains, MORNING + 21 * DAY) is State.LAPSED


def test_a_revocation_with_notice_works_when_its_day_has_come() -> None:
    day = MORNING + 30 * DAY
    chains = take_step(confirm_terms(TERMS), VN, REVOKE, TERMS, effective_from=day)

    assert state(TERMS, chains, day - timedelta(seconds=1)) is State.IN_FORCE
    assert state(TERMS, chains, day) is State.REVOKED


def test_the_nearest_of_several_revocations_counts() -> None:
    chains = take_step(confirm_terms(TERMS), VN, REVOKE, TERMS, effective_from=MORNING + 30 * DAY)
    chains = take_step(chains, VN, REVOKE, TERMS, effective_from=MORNING + DAY)

    assert state(TERMS, chains, MORNING + DAY) is State.REVOKED


# Versions: one takes the other's place, and nothing brings an old one back.


def test_a_confirmed_version_takes_the_place_on_its_own_first_day() -> None:
    chains = confirm_terms(SECOND, chains=confirm_terms(TERMS))
    day = SECOND.in_force_from

    assert list_in_force_of(chains, day - timedelta(seconds=1)) == [TERMS.title]
    assert view(TERMS, chains, day) == (State.SUPERSEDED, "version 2 has taken its place")
    assert list_in_force_of(chains, day) == [SECOND.title]


def list_in_force_of(chains: Chains, now: datetime) -> list[str]:
    return [terms.title for terms in list_versions(chains).values() if state(terms, chains, now) is State.IN_FORCE]


def test_a_version_that_is_only_accepted_changes_nothing() -> None:
    chains = take_steps((GB, PROPOSE, SECOND), (VN, ACCEPT, SECOND), chains=confirm_terms(TERMS))

    assert list_in_force_of(chains, SECOND.in_force_from) == [TERMS.title]


@pytest.mark.parametrize("action", [WITHDRAW, REJECT])
@pytest.mark.parametrize("agency", [GB, VN])
def test_neither_party_revives_the_older_version_by_taking_the_newer_back(agency: str, action: StepAction) -> None:
    chains = take_step(confirm_terms(SECOND, chains=confirm_terms(TERMS)), agency, action, SECOND)

    assert list_in_force_of(chains, SECOND.in_force_from) == []


def test_the_older_version_does_not_come_back_when_the_newer_expires() -> None:
    short = follow_terms(TERMS, in_force_until=MORNING + 20 * DAY, review_by=MORNING + 15 * DAY)
    chains = confirm_terms(short, chains=confirm_terms(TERMS))

    assert list_in_force_of(chains, MORNING + 21 * DAY) == []


def test_an_old_acceptance_does_not_pass_to_the_version_that_follows() -> None:
    chains = take_steps((GB, PROPOSE, SECOND), (GB, CONFIRM, SECOND), chains=confirm_terms(TERMS))

    assert state(SECOND, chains, SECOND.in_force_from) is State.PROPOSED


def test_a_version_that_begins_before_the_one_it_follows_also_ends_what_came_before() -> None:
    chains = confirm_terms(THIRD, chains=confirm_terms(SECOND, chains=confirm_terms(TERMS)))
    between = THIRD.in_force_from + DAY

    assert between < SECOND.in_force_from
    assert list_in_force_of(chains, between) == [THIRD.title]
    assert view(TERMS, chains, between) == (State.SUPERSEDED, "version 3 has taken its place")
    assert view(TERMS, chains, SECOND.in_force_from) == (State.SUPERSEDED, "version 3 has taken its place")


@pytest.mark.parametrize("order", [(SECOND, RIVAL), (RIVAL, SECOND)])
def test_of_two_negotiations_that_crossed_neither_adds_to_the_other(order: tuple[Terms, Terms]) -> None:
    chains = confirm_terms(TERMS)
    for terms, proposer in zip(order, (GB, VN), strict=True):
        chains = confirm_terms(terms, proposer, chains)
    sentence = "another version 2 was confirmed beside it, and of two side by side neither counts"

    assert list_in_force_of(chains, RIVAL.in_force_from) == [RIVAL.title]
    assert list_in_force_of(chains, SECOND.in_force_from) == []
    assert view(RIVAL, chains, SECOND.in_force_from) == (State.SUPERSEDED, sentence)
    assert view(SECOND, chains, SECOND.in_force_from) == (State.SUPERSEDED, sentence)


def test_an_acceptance_left_open_cannot_be_confirmed_beside_what_was_agreed_instead() -> None:
    chains = confirm_terms(COUNTER, VN, take_steps(*ACCEPTED))

    assert view(TERMS, chains) == (State.SUPERSEDED, "version 1 has taken its place")
    assert not judge_step(make_step(GB, CONFIRM, TERMS), chains, NOON).allowed
    assert list_in_force_of(take_step(chains, GB, CONFIRM, TERMS), NOON) == []


def test_nor_before_the_first_day_of_what_was_agreed_instead() -> None:
    chains = confirm_terms(LATER, VN, take_steps(*ACCEPTED))

    assert view(TERMS, chains) == (State.SUPERSEDED, "version 1 has taken its place")
    assert not judge_step(make_step(GB, CONFIRM, TERMS), chains, NOON).allowed


def test_taking_one_of_two_crossed_versions_back_does_not_bring_the_other_one_in() -> None:
    chains = confirm_terms(COUNTER, VN, confirm_terms(TERMS))

    assert list_in_force_of(take_step(chains, GB, WITHDRAW, COUNTER), NOON) == []


def test_a_third_agency_can_neither_end_nor_hold_an_agreement() -> None:
    stranger = "BE"
    foreign = make_terms(stranger, GB, supersedes=TERMS.digest(), version=2)
    chains = take_step(confirm_terms(TERMS), stranger, PROPOSE, foreign)
    for action in (SUSPEND, REVOKE, WITHDRAW, REJECT):
        chains = take_step(chains, stranger, action, TERMS)
    chains = take_step(take_step(chains, GB, ACCEPT, foreign), stranger, CONFIRM, foreign)

    assert state(TERMS, chains, MORNING + DAY) is State.IN_FORCE


def test_an_agreement_of_the_same_id_and_one_of_its_parties_takes_no_place_either() -> None:
    foreign = make_terms("BE", GB, supersedes=TERMS.digest(), version=2)
    chains = confirm_terms(foreign, GB, confirm_terms(TERMS))

    assert state(TERMS, chains, MORNING + DAY) is State.IN_FORCE


# What may be signed now.


@pytest.mark.parametrize(("moves", "move", "because"), ALLOWED.values(), ids=ALLOWED)
def test_it_allows(moves: Sequence[Move], move: Move, because: str) -> None:
    assert judge_step(make_step(*move), take_steps(*moves), NOON) == StepDecision(True, because)


@pytest.mark.parametrize(("moves", "move", "because"), REFUSED.values(), ids=REFUSED)
def test_it_refuses(moves: Sequence[Move], move: Move, because: str) -> None:
    assert judge_step(make_step(*move), take_steps(*moves), NOON) == StepDecision(False, because)


def test_a_counter_proposal_must_answer_something_known() -> None:
    step = make_step(VN, PROPOSE, COUNTER, counters=SECOND.digest())

    refusal = StepDecision(False, "the proposal it answers is not known")
    assert judge_step(step, take_steps(*PROPOSED), NOON) == refusal
    known = make_step(VN, PROPOSE, COUNTER, counters=TERMS.digest())
    assert judge_step(known, take_steps(*PROPOSED), NOON).allowed


def test_an_acceptance_whose_time_to_confirm_has_passed_is_refused() -> None:
    step = make_step(VN, ACCEPT, TERMS, confirm_by=NOON)

    assert judge_step(step, take_steps(*PROPOSED), NOON).allowed
    assert judge_step(step, take_steps(*PROPOSED), NOON + timedelta(seconds=1)) == TOO_LATE


def test_a_confirmation_dated_after_its_time_is_refused_even_when_it_comes_before() -> None:
    step = make_step(GB, CONFIRM, TERMS, time=MORNING + 8 * DAY)

    assert judge_step(step, take_steps(*ACCEPTED), NOON) == TOO_LATE


def test_a_confirmation_dated_back_is_refused_when_it_comes_too_late() -> None:
    decision = judge_step(make_step(GB, CONFIRM, TERMS), take_steps(*ACCEPTED), MORNING + 8 * DAY)

    assert decision == StepDecision(False, "the agreement is lapsed: GB-HO did not confirm in time")


@pytest.mark.parametrize(
    ("agency", "action", "moves"), [(VN, ACCEPT, PROPOSED), (GB, CONFIRM, ACCEPTED)], ids=["accept", "confirm"]
)
def test_an_answer_comes_after_what_it_answers_as_far_as_two_clocks_differ(
    agency: str, action: StepAction, moves: Sequence[Move]
) -> None:
    chains, apart = take_steps(*moves), timedelta(minutes=10)
    dated = {moment: make_step(agency, action, TERMS, time=moment) for moment in (MORNING - apart, NOON)}

    assert all(answers_what_came_before(step, chains) for step in dated.values())
    assert not answers_what_came_before(
        make_step(agency, action, TERMS, time=MORNING - apart - timedelta(seconds=1)), chains
    )
    assert not answers_what_came_before(make_step(agency, action, TERMS), {agency: chains.get(agency, ())})
    assert not answers_what_came_before(make_step(agency, action, COUNTER), chains)


def test_what_answers_nothing_has_nothing_to_come_after() -> None:
    for action in set(StepAction) - {ACCEPT, CONFIRM}:
        assert answers_what_came_before(make_step(VN, action, TERMS, time=MORNING - DAY), take_steps(*ACCEPTED))


def test_a_full_chain_still_takes_what_narrows() -> None:
    held = take_step(confirm_terms(TERMS), VN, SUSPEND, TERMS)
    acceptance, suspension = held[VN]
    full: Chains = {GB: held[GB], VN: (acceptance, *[suspension] * (MAX_CHAIN_STEPS - 1))}
    decisions = {
        action: judge_step(make_step(VN, action, COUNTER if action is PROPOSE else TERMS), full, NOON)
        for action in StepAction
    }

    assert len(full[VN]) == MAX_CHAIN_STEPS
    assert {action for action, decision in decisions.items() if decision.allowed} == NARROWING_ACTIONS
    assert decisions[ACCEPT] == StepDecision(False, "a chain of 1000 steps takes only steps that narrow")
    assert judge_step(make_step(VN, RESUME, TERMS), {**full, VN: full[VN][1:]}, NOON).allowed
