"""Whatever two parties sign in whatever order: only both together widen an agreement, and either alone narrows it."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from schemas.agreements.lifecycle import find_suspensions, view_agreement
from schemas.agreements.steps import NARROWING_ACTIONS, StepAction
from tests.schemas.agreements.lifecycle_cases import ACCEPT, CONFIRM, DAY, PROPOSE, REJECT, WITHDRAW
from tests.schemas.agreements.lifecycle_machine import list_in_force
from tests.strategies.agreements import FAMILY, GB, MORNING, VN, play, step_plans, take_hostile_step


@given(step_plans(), st.integers(0, 600))
def test_a_view_depends_on_the_chains_and_on_nothing_else(
    plan: list[tuple[str, StepAction, str, int, int]], hours: int
) -> None:
    chains = play(plan)
    now = MORNING + timedelta(hours=hours)
    turned = {agency: chains[agency] for agency in sorted(chains, reverse=True)}

    for digest in FAMILY:
        assert view_agreement(digest, chains, now) == view_agreement(digest, turned, now)


@given(
    step_plans(),
    st.sampled_from((GB, VN)),
    st.sampled_from(sorted(NARROWING_ACTIONS)),
    st.sampled_from(sorted(FAMILY)),
    st.integers(0, 600),
)
def test_no_narrowing_step_ever_brings_anything_into_force(
    plan: list[tuple[str, StepAction, str, int, int]], agency: str, action: StepAction, digest: str, hours: int
) -> None:
    chains, now = play(plan), MORNING + timedelta(hours=hours)
    narrowed = take_hostile_step(chains, agency, action, digest, now + DAY * 30, 0)

    assert set(list_in_force(narrowed, now)) <= set(list_in_force(chains, now))
    assert digest not in list_in_force(narrowed, now)


@given(step_plans(), st.sampled_from((GB, VN)), step_plans(max_steps=5), st.integers(0, 600))
def test_no_party_alone_brings_into_force_what_the_other_has_not_signed(
    plan: list[tuple[str, StepAction, str, int, int]],
    agency: str,
    more: list[tuple[str, StepAction, str, int, int]],
    hours: int,
) -> None:
    chains, now = play(plan), MORNING + timedelta(hours=hours)
    other = VN if agency == GB else GB
    alone = chains
    for _, action, digest, _, wait in more:
        alone = take_hostile_step(alone, agency, action, digest, MORNING + timedelta(days=60), wait)

    for digest in set(list_in_force(alone, now)) - set(list_in_force(chains, now)):
        said = {item.step.action for item in chains.get(other, ()) if item.step.digest == digest}
        assert ACCEPT in said or {PROPOSE, CONFIRM} <= said
        assert not said & {WITHDRAW, REJECT}
        assert other not in find_suspensions(chains)
