"""What becomes of a message at hand-over, for every right it may have and every place its agreement may stand."""

from datetime import datetime, timedelta

import pytest

from broker.inbox.rules import (
    Fate,
    ItemState,
    ItemType,
    Passage,
    Standing,
    Verdict,
    find_message_state,
    find_standing,
    judge_hand_over,
)
from schemas.agreements.coverage import VisibleFacts
from schemas.agreements.lifecycle import Chains, State
from schemas.agreements.steps import StepAction
from schemas.agreements.terms import Terms
from schemas.markings import Tlp
from tests.strategies.agreements import GB, MORNING, VN, make_clause, make_terms, take_step, take_steps

NOON = MORNING + timedelta(hours=4)
DEADLINE = MORNING + timedelta(days=3)
VISIBLE = VisibleFacts(sender=GB, recipient=VN, kind="document-fraud", marking=Tlp.AMBER, size_bytes=4096)
FIRST = make_terms()
SAME = make_terms(version=2, supersedes=FIRST.digest(), title="The same again")
NARROW = make_terms(
    version=2,
    supersedes=FIRST.digest(),
    clauses=(make_clause(highest_marking=Tlp.GREEN), make_clause(VN, GB)),
)
MESSAGE_STATES = ["waiting", "held", "handed-over", "returned", "withdrawn", "expired"]
PROPOSE, ACCEPT, CONFIRM = StepAction.PROPOSE, StepAction.ACCEPT, StepAction.CONFIRM
SUSPEND, RESUME, REVOKE, WITHDRAW = StepAction.SUSPEND, StepAction.RESUME, StepAction.REVOKE, StepAction.WITHDRAW


def confirm(terms: Terms, chains: Chains | None = None) -> Chains:
    return take_steps((GB, PROPOSE, terms), (VN, ACCEPT, terms), (GB, CONFIRM, terms), chains=chains)


def judge(chains: Chains, passage: Passage = Passage.COVERED, now: datetime = NOON) -> Verdict:
    return judge_hand_over(passage, DEADLINE, VISIBLE, find_standing(FIRST.digest(), chains, now), now)


IN_FORCE = confirm(FIRST)
SUSPENDED = take_step(IN_FORCE, VN, SUSPEND, FIRST)
REVOKED = take_step(IN_FORCE, GB, REVOKE, FIRST)
RENEWED = confirm(SAME, IN_FORCE)
NARROWED = confirm(NARROW, IN_FORCE)


@pytest.mark.parametrize(
    ("chains", "fate", "reasons"),
    [
        pytest.param(IN_FORCE, Fate.DELIVER, (), id="in-force"),
        pytest.param(SUSPENDED, Fate.HOLD, ("agreement-suspended",), id="suspended"),
        pytest.param(take_step(SUSPENDED, VN, RESUME, FIRST), Fate.DELIVER, (), id="resumed"),
        pytest.param(take_step(SUSPENDED, GB, RESUME, FIRST), Fate.HOLD, ("agreement-suspended",), id="other-resumes"),
        pytest.param(REVOKED, Fate.RETURN, ("agreement-revoked",), id="revoked"),
        pytest.param(
            take_step(SUSPENDED, GB, REVOKE, FIRST), Fate.RETURN, ("agreement-revoked",), id="suspended-and-revoked"
        ),
        pytest.param(
            take_step(IN_FORCE, GB, REVOKE, FIRST, effective_from=DEADLINE),
            Fate.DELIVER,
            (),
            id="revoked-later",
        ),
        pytest.param(
            take_step(IN_FORCE, VN, WITHDRAW, FIRST), Fate.RETURN, ("agreement-revoked",), id="signature-taken-back"
        ),
        pytest.param(RENEWED, Fate.DELIVER, (), id="superseded-by-what-covers-it"),
        pytest.param(
            NARROWED, Fate.RETURN, ("agreement-superseded", "marking-too-high"), id="superseded-by-what-does-not"
        ),
        pytest.param(
            take_step(RENEWED, VN, SUSPEND, SAME), Fate.HOLD, ("agreement-suspended",), id="superseded-and-suspended"
        ),
        pytest.param(
            take_step(RENEWED, VN, WITHDRAW, SAME), Fate.RETURN, ("agreement-revoked",), id="successor-taken-back"
        ),
    ],
)
def test_the_agreement_decides(chains: Chains, fate: Fate, reasons: tuple[str, ...]) -> None:
    assert judge(chains) == Verdict(fate, reasons)


def test_a_term_that_ran_out_meanwhile_returns_nothing() -> None:
    ending = make_terms(in_force_until=NOON, review_by=NOON)
    standing = find_standing(ending.digest(), confirm(ending), NOON)
    assert standing.cited.state is State.EXPIRED
    assert judge_hand_over(Passage.COVERED, DEADLINE, VISIBLE, standing, NOON).fate is Fate.DELIVER


def test_a_successor_counts_from_its_own_first_day() -> None:
    later = make_terms(
        version=2,
        supersedes=FIRST.digest(),
        in_force_from=NOON,
        clauses=(make_clause(highest_marking=Tlp.GREEN), make_clause(VN, GB)),
    )
    chains = confirm(later, IN_FORCE)
    assert judge(chains, now=NOON - timedelta(seconds=1)).fate is Fate.DELIVER
    assert judge(chains, now=NOON).fate is Fate.RETURN


def test_of_several_successors_the_newest_counts() -> None:
    third = make_terms(version=3, supersedes=SAME.digest(), clauses=NARROW.clauses)
    chains = confirm(third, RENEWED)
    assert judge(chains) == Verdict(Fate.RETURN, ("agreement-superseded", "marking-too-high"))


def test_where_two_were_confirmed_side_by_side_nothing_covers_it() -> None:
    rival = make_terms(version=2, supersedes=FIRST.digest(), title="Another second version")
    chains = take_steps((VN, PROPOSE, rival), (GB, ACCEPT, rival), (VN, CONFIRM, rival), chains=RENEWED)
    assert judge(chains) == Verdict(Fate.RETURN, ("agreement-superseded",))


def test_a_version_beside_it_that_was_taken_back_is_no_successor() -> None:
    beside = make_terms(title="Confirmed side by side")
    chains = take_steps((VN, PROPOSE, beside), (GB, ACCEPT, beside), (VN, CONFIRM, beside), chains=IN_FORCE)
    assert judge(take_step(chains, VN, WITHDRAW, beside)) == Verdict(Fate.RETURN, ("agreement-superseded",))


def test_a_successor_that_is_taken_back_before_its_first_day_takes_nothing_with_it() -> None:
    later = make_terms(version=2, supersedes=FIRST.digest(), in_force_from=DEADLINE)
    assert judge(take_step(confirm(later, IN_FORCE), VN, WITHDRAW, later)) == Verdict(Fate.DELIVER)


def test_a_successor_that_is_only_proposed_decides_nothing() -> None:
    third = make_terms(version=3, supersedes=SAME.digest(), clauses=NARROW.clauses)
    assert judge(take_step(RENEWED, GB, PROPOSE, third)) == Verdict(Fate.DELIVER)


def test_the_newest_successor_counts_when_the_one_before_it_was_taken_back() -> None:
    third = make_terms(version=3, supersedes=SAME.digest())
    assert judge(take_step(confirm(third, RENEWED), VN, WITHDRAW, SAME)) == Verdict(Fate.DELIVER)


@pytest.mark.parametrize("chains", [IN_FORCE, SUSPENDED, REVOKED, NARROWED])
def test_aftercare_of_what_was_handed_over_passes_whatever_the_agreement(chains: Chains) -> None:
    assert judge(chains, Passage.AFTERCARE).fate is Fate.DELIVER


@pytest.mark.parametrize(
    ("chains", "fate"),
    [(IN_FORCE, Fate.DELIVER), (SUSPENDED, Fate.HOLD), (REVOKED, Fate.RETURN), (NARROWED, Fate.DELIVER)],
)
def test_aftercare_of_what_is_under_way_follows_its_agreement_but_needs_no_clause(chains: Chains, fate: Fate) -> None:
    assert judge(chains, Passage.FOLLOWING).fate is fate


@pytest.mark.parametrize("chains", [IN_FORCE, SUSPENDED, REVOKED, NARROWED])
def test_what_was_to_follow_a_message_that_ended_on_its_way_is_returned_as_that_was(chains: Chains) -> None:
    standing = find_standing(FIRST.digest(), chains, NOON)
    verdict = judge_hand_over(Passage.FOLLOWING, DEADLINE, VISIBLE, standing, NOON, is_orphaned=True)
    assert verdict == Verdict(Fate.RETURN, ("reference-ended",))


@pytest.mark.parametrize("passage", list(Passage))
@pytest.mark.parametrize("chains", [IN_FORCE, SUSPENDED, REVOKED])
def test_at_its_deadline_everything_expires(passage: Passage, chains: Chains) -> None:
    assert judge(chains, passage, now=DEADLINE) == Verdict(Fate.EXPIRE)
    assert judge(chains, passage, now=DEADLINE - timedelta(seconds=1)).fate is not Fate.EXPIRE


@pytest.mark.parametrize(
    ("chains", "over", "holding", "plain"),
    [
        (IN_FORCE, False, False, True),
        (SUSPENDED, False, True, False),
        (REVOKED, True, False, False),
        (RENEWED, False, False, False),
    ],
)
def test_a_standing_says_whether_anything_under_it_must_be_looked_at(
    chains: Chains, over: bool, holding: bool, plain: bool
) -> None:
    standing: Standing = find_standing(FIRST.digest(), chains, NOON)
    assert (standing.is_over, standing.is_holding, standing.is_plain) == (over, holding, plain)


def test_the_words_that_are_stored_and_sent_keep_their_spelling() -> None:
    assert [str(passage) for passage in Passage] == ["covered", "following", "aftercare", "carried"]
    assert [str(fate) for fate in Fate] == ["deliver", "hold", "return", "expire"]
    assert [str(kind) for kind in ItemType] == ["message", "receipt", "outcome"]
    of_messages = [state for state in ItemState if state is not ItemState.SETTLED]
    assert [str(state) for state in of_messages] == MESSAGE_STATES
    assert [find_message_state(state, is_leased=False) for state in of_messages] == MESSAGE_STATES
    assert [state for state in ItemState if state.is_open] == [ItemState.WAITING, ItemState.HELD]
    assert str(ItemState.SETTLED) == "settled"


def test_only_a_waiting_message_can_be_called_leased() -> None:
    assert find_message_state(ItemState.WAITING, is_leased=True) == "leased"
    assert find_message_state(ItemState.WAITING, is_leased=False) == "waiting"
    assert find_message_state(ItemState.HANDED_OVER, is_leased=True) == "handed-over"
    with pytest.raises(KeyError):
        find_message_state(ItemState.SETTLED, is_leased=False)
