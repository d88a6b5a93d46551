"""What challenges and the issuing state's words make of a report together, in whatever order they came."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agency_client.challenges.rules import (
    CHALLENGED,
    DISMISSED,
    UNDISPUTED,
    UPHELD,
    Challenge,
    Told,
    compute_disputed,
)
from schemas.alerts.kinds.document_status import ChallengeState
from schemas.alerts.kinds.revocation_challenge import ChallengeGround

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
OPEN, WON, LOST = ChallengeState.OPEN, ChallengeState.UPHELD, ChallengeState.DISMISSED
LODGED = Challenge("A" * 43, "VN", ChallengeGround.NOT_FINAL, "2026-11-21", NOON)


def told(state: ChallengeState, minute: int = 0) -> Told:
    return Told(state, "2026-11-21", NOON + timedelta(minutes=minute))


@pytest.mark.parametrize(
    ("challenges", "said", "words"),
    [
        ([], [], ()),
        ([LODGED], [], (CHALLENGED,)),
        ([], [told(OPEN)], (CHALLENGED,)),
        ([], [told(LOST)], (DISMISSED,)),
        ([LODGED], [told(LOST)], (CHALLENGED, DISMISSED)),
        ([LODGED], [told(WON)], (UPHELD,)),
        ([], [told(OPEN), told(LOST, 1)], (DISMISSED,)),
        ([], [told(LOST), told(OPEN, 1)], (CHALLENGED,)),
        ([], [told(LOST), told(OPEN)], (CHALLENGED,)),
    ],
)
def test_a_report_says_how_far_it_is_disputed(
    challenges: list[Challenge], said: list[Told], words: tuple[str, ...]
) -> None:
    assert compute_disputed(challenges, said).words == words


def test_what_nobody_disputes_is_undisputed() -> None:
    assert compute_disputed([], []) == UNDISPUTED
    assert not UNDISPUTED.words


CHALLENGES = st.builds(
    Challenge,
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from(["VN", "BE"]),
    st.sampled_from(list(ChallengeGround)),
    st.sampled_from(["2026-11-20", "2026-11-21"]),
    st.just(NOON),
)
WORDS = st.builds(told, st.sampled_from(list(ChallengeState)), st.integers(0, 3))


@given(st.lists(CHALLENGES, max_size=4), st.lists(WORDS, max_size=4), st.randoms(use_true_random=False))
def test_no_order_of_arrival_shows_more_than_another(
    challenges: list[Challenge], said: list[Told], order: random.Random
) -> None:
    expected = compute_disputed(challenges, said).words
    shuffled, words = list(challenges), list(said)
    order.shuffle(shuffled)
    order.shuffle(words)
    assert compute_disputed(shuffled + shuffled[:1], words).words == expected


@given(st.lists(CHALLENGES, min_size=1, max_size=3), st.lists(WORDS, max_size=4))
def test_nothing_the_issuing_state_says_but_that_it_gave_way_ends_a_challenge(
    challenges: list[Challenge], said: list[Told]
) -> None:
    found = compute_disputed(challenges, said)
    assert (CHALLENGED in found.words) is (not found.is_upheld)
