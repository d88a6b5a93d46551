"""A step says one thing, and a chain of steps is one party's, without a gap and without going back in time."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.agreements.lifecycle import Chains
from schemas.agreements.steps import (
    NARROWING_ACTIONS,
    ChainError,
    Step,
    StepAction,
    digest_step,
    is_step_in_time,
    verify_continuation,
)
from schemas.agreements.terms import Party
from schemas.codec import hash_text
from schemas.model import DocumentError
from tests.strategies.agreements import (
    GB,
    MORNING,
    VN,
    confirm_terms,
    make_step,
    make_terms,
    steps,
    take_step,
)

TERMS = make_terms()
OTHER_ID = "00000000-0000-4000-8000-000000000000"
PROPOSE, ACCEPT = StepAction.PROPOSE, StepAction.ACCEPT


@given(steps())
@settings(max_examples=40)
def test_a_step_comes_back_from_its_bytes(step: Step) -> None:
    assert Step.from_canonical(step.canonical()) == step


def test_what_narrows_takes_one_signature_and_what_widens_takes_two_or_ones_own() -> None:
    assert set(StepAction) - NARROWING_ACTIONS == {PROPOSE, ACCEPT, StepAction.CONFIRM, StepAction.RESUME}


TERMS_STAND = "terms stand in a proposal and nowhere else"
OWN_TERMS = "the proposal's terms must be those of its digest, agreement and exchange, with its signer a party"
CONFIRM_BY = "confirm_by stands in an acceptance and nowhere else"
NOTICE = "effective_from stands in a revocation only"
PREDECESSOR = "party_prev is absent in the first step of a chain and present in every other"


def test_the_words_of_steps_are_those_of_the_protocol() -> None:
    assert [str(action) for action in StepAction] == [
        "propose",
        "accept",
        "confirm",
        "suspend",
        "resume",
        "revoke",
        "withdraw",
        "reject",
    ]


INCONSISTENT: dict[str, tuple[StepAction, dict[str, Any], str]] = {
    "a proposal without terms": (PROPOSE, {"terms": None}, TERMS_STAND),
    "an acceptance with terms": (ACCEPT, {"terms": TERMS}, TERMS_STAND),
    "terms of another digest": (PROPOSE, {"digest": "A" * 43}, OWN_TERMS),
    "terms of another agreement": (PROPOSE, {"agreement": OTHER_ID}, OWN_TERMS),
    "terms of another exchange": (PROPOSE, {"exchange": "staging.example"}, OWN_TERMS),
    "a proposal by a third": (PROPOSE, {"agency": "BE"}, OWN_TERMS),
    "a confirmation that counters": (StepAction.CONFIRM, {"counters": "A" * 43}, "counters stands in a proposal only"),
    "an acceptance without a term": (ACCEPT, {"confirm_by": None}, CONFIRM_BY),
    "a suspension with a term": (
        StepAction.SUSPEND,
        {"confirm_by": MORNING + timedelta(hours=1)},
        CONFIRM_BY,
    ),
    "a term that is over at once": (ACCEPT, {"confirm_by": MORNING}, "confirm_by must be later than the acceptance"),
    "a suspension with notice": (StepAction.SUSPEND, {"effective_from": MORNING}, NOTICE),
    "a withdrawal with notice": (StepAction.WITHDRAW, {"effective_from": MORNING}, NOTICE),
    "a first step with a predecessor": (ACCEPT, {"party_prev": "A" * 43}, PREDECESSOR),
    "a second step without one": (ACCEPT, {"party_seq": 2}, PREDECESSOR),
}


@pytest.mark.parametrize(("action", "change", "problem"), INCONSISTENT.values(), ids=INCONSISTENT)
def test_it_refuses(action: StepAction, change: dict[str, Any], problem: str) -> None:
    good = make_step(VN, action, TERMS)
    wire = {**dict(good), **change}

    with pytest.raises(ValueError, match=f", {problem} "):
        Step(**wire)
    with pytest.raises(DocumentError) as refusal:
        Step.from_wire(good.model_copy(update=change).to_wire())
    assert refusal.value.problem == problem


def test_a_proposal_may_counter_and_a_revocation_may_give_notice() -> None:
    assert make_step(VN, PROPOSE, TERMS, counters="A" * 43).counters == "A" * 43
    assert make_step(VN, StepAction.REVOKE, TERMS, effective_from=MORNING).effective_from == MORNING


def test_a_step_is_named_by_the_hash_of_its_bytes() -> None:
    data = make_step(VN, ACCEPT, TERMS).canonical()

    assert digest_step(data) == hash_text("agreement-step", data)


CHAIN = confirm_terms(TERMS)[GB]
NEXT = take_step({GB: CHAIN}, GB, StepAction.SUSPEND, TERMS, time=MORNING + timedelta(hours=1))[GB][-1].step


def test_a_chain_grows_by_its_next_step() -> None:
    for length, item in enumerate(CHAIN):
        verify_continuation(CHAIN[:length], item.step)
    verify_continuation(CHAIN, NEXT)


ONE_CHAIN = "^a chain has one party, one agreement and one exchange$"
OLDER = "^a step cannot be older than the step before it$"
BREAKS: dict[str, tuple[dict[str, Any], str]] = {
    "a number left out": ({"party_seq": 4}, "does not follow its step 2"),
    "a number used again": ({"party_seq": 2}, "does not follow its step 2"),
    "the first number": ({"party_seq": 1, "party_prev": None}, "step 1 of GB-HO does not follow its step 2"),
    "another predecessor": ({"party_prev": "A" * 43}, "step 3 of GB-HO does not follow its step 2"),
    "the predecessor's predecessor": ({"party_prev": CHAIN[0].digest}, "does not follow its step 2"),
    "another party": ({"agency": VN}, ONE_CHAIN),
    "another agreement": ({"agreement": OTHER_ID}, ONE_CHAIN),
    "another exchange": ({"exchange": "staging.example"}, ONE_CHAIN),
    "a time before the step before": (
        {"time": MORNING - timedelta(seconds=1)},
        OLDER,
    ),
}


@pytest.mark.parametrize(("change", "problem"), BREAKS.values(), ids=BREAKS)
def test_a_chain_refuses(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(ChainError, match=problem) as refusal:
        verify_continuation(CHAIN, NEXT.model_copy(update=change))

    assert (refusal.value.expected_seq, refusal.value.expected_prev) == (3, CHAIN[-1].digest)


def test_a_chain_does_not_begin_in_the_middle() -> None:
    with pytest.raises(ChainError) as refusal:
        verify_continuation((), NEXT)

    assert (refusal.value.expected_seq, refusal.value.expected_prev) == (1, None)


def test_steps_of_one_second_are_in_order() -> None:
    verify_continuation(CHAIN, NEXT.model_copy(update={"time": CHAIN[-1].step.time}))


@given(st.lists(st.sampled_from(sorted(NARROWING_ACTIONS)), min_size=2, max_size=8), st.data())
@settings(max_examples=30)
def test_no_two_steps_of_a_chain_can_change_places(actions: list[StepAction], data: st.DataObject) -> None:
    whole: Chains = {}
    for action in actions:
        whole = take_step(whole, VN, action, TERMS)
    position = data.draw(st.integers(0, len(actions) - 2))

    with pytest.raises(ChainError):
        verify_continuation(whole[VN][:position], whole[VN][position + 1].step)


def test_a_step_over_terms_with_another_anchor_is_over_another_digest() -> None:
    other = make_terms(parties=tuple(Party(agency=agency, anchor="A" * 43) for agency in (GB, VN)))

    assert make_step(VN, ACCEPT, other).digest != make_step(VN, ACCEPT, TERMS).digest


def test_a_step_of_an_earlier_log_may_be_logged_once_more_when_a_new_one_opens() -> None:
    step, opened_at = make_step(GB, ACCEPT, TERMS), MORNING + timedelta(days=3)

    assert is_step_in_time(step, opened_at, opened_at=opened_at)
    assert not is_step_in_time(step, opened_at)
    assert not is_step_in_time(step, opened_at - timedelta(seconds=1), opened_at=opened_at)
    assert not is_step_in_time(step, opened_at, opened_at=step.time - timedelta(seconds=1))


@pytest.mark.parametrize("action", sorted(set(StepAction) - NARROWING_ACTIONS))
def test_a_widening_step_is_dated_within_minutes_of_its_leaf(action: StepAction) -> None:
    step = make_step(GB, StepAction.SUSPEND, TERMS).model_copy(update={"action": action})
    for sign in (1, -1):
        assert is_step_in_time(step, step.time + sign * timedelta(minutes=5))
        assert not is_step_in_time(step, step.time + sign * timedelta(minutes=5, seconds=1))


@pytest.mark.parametrize("action", sorted(NARROWING_ACTIONS))
def test_a_narrowing_step_may_be_as_old_as_it_is_and_a_day_ahead_of_its_leaf(action: StepAction) -> None:
    step = make_step(GB, StepAction.SUSPEND, TERMS).model_copy(update={"action": action})
    assert is_step_in_time(step, step.time + timedelta(days=400))
    assert is_step_in_time(step, step.time - timedelta(hours=24))
    assert not is_step_in_time(step, step.time - timedelta(hours=24, seconds=1))
