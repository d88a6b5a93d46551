"""One order over the leaves of all epochs: an earlier log stands whole before a later one."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from agency_client.epochs.places import LEAVES_AN_EPOCH, compute_place, find_moment, number_epoch
from schemas.codec import MAX_INTEGER

EPOCHS = st.integers(1, 999_999)
INDEXES = st.integers(0, LEAVES_AN_EPOCH - 1)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@given(EPOCHS, INDEXES, EPOCHS, INDEXES)
def test_places_are_ordered_by_epoch_and_then_by_index(one: int, first: int, other: int, second: int) -> None:
    places = compute_place(f"exchange.example/{one}", first), compute_place(f"exchange.example/{other}", second)
    assert (places[0] < places[1]) == ((one, first) < (other, second))
    assert 0 <= max(places) < MAX_INTEGER


def test_in_the_first_epoch_a_place_is_the_index() -> None:
    assert compute_place("a-b.example/1", 41) == 41
    assert number_epoch("a-b.example/12") == 12


def test_what_was_issued_before_its_log_was_opened_is_judged_by_its_own_time() -> None:
    openings, issued, logged = {2: NOON}, NOON - timedelta(days=300), NOON + timedelta(seconds=5)
    second = compute_place("exchange.example/2", 3)
    assert find_moment(second, logged, issued, openings) == issued
    assert find_moment(second, logged, NOON + timedelta(seconds=1), openings) == logged
    assert find_moment(second, NOON + timedelta(days=31), issued, openings) == NOON + timedelta(days=31)
    assert find_moment(3, logged, issued, openings) == logged
