"""How often a step that was announced and does not come is asked for: at once, then less and less often."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from agency_client.local_store.engine import Store
from agency_client.local_store.migrations import create_store
from agency_client.local_store.settings import Setting, read_setting, write_setting
from agency_client.statuses.asking_again import ask_again_for_steps, is_asking_due

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Give a store."""
    made = create_store(tmp_path_factory.mktemp("store") / "store.db", bytes(32))
    yield made
    made.close()


def count_in_a_day(store: Store, *, every: timedelta, begin: datetime = NOW) -> int:
    """Return how often all steps are asked for in a day, if a node looks so often; the first look has news."""
    asked = 0
    for number in range(int(timedelta(days=1) / every)):
        with store.write() as transaction:
            write_setting(transaction, Setting.STEPS_PULLED, "17")
            is_due = ask_again_for_steps(transaction, begin + number * every, is_news=number == 0)
            assert is_due == (read_setting(transaction, Setting.STEPS_PULLED) == "-1")
        asked += is_due
    return asked


def test_it_is_asked_at_once_and_then_after_as_long_as_it_has_been_missing(store: Store) -> None:
    assert count_in_a_day(store, every=timedelta(seconds=20), begin=NOW) <= 14


def test_it_is_never_given_up(store: Store) -> None:
    first = count_in_a_day(store, every=timedelta(hours=1), begin=NOW)
    with store.write() as transaction:
        assert ask_again_for_steps(transaction, NOW + timedelta(days=2), is_news=False)
    assert first >= 4


def test_a_new_status_is_asked_for_at_once(store: Store) -> None:
    count_in_a_day(store, every=timedelta(hours=1))
    later = NOW + timedelta(days=3)
    for number in range(3):
        with store.write() as transaction:
            assert ask_again_for_steps(transaction, later + number * SECOND, is_news=True)


def test_the_pauses_begin_anew_with_a_new_status(store: Store) -> None:
    count_in_a_day(store, every=timedelta(hours=1))
    later = NOW + timedelta(days=5)
    with store.write() as transaction:
        assert ask_again_for_steps(transaction, later, is_news=True)
        assert not ask_again_for_steps(transaction, later + MINUTE - SECOND, is_news=False)
        assert ask_again_for_steps(transaction, later + MINUTE, is_news=False)


@pytest.mark.parametrize(
    ("since", "last", "is_due"),
    [
        (None, None, True),
        (NOW, None, True),
        (NOW - timedelta(hours=1), NOW + SECOND, True),
        (NOW, NOW, False),
        (NOW - MINUTE, NOW - MINUTE, True),
        (NOW - MINUTE, NOW - MINUTE + SECOND, False),
        (NOW - timedelta(hours=4), NOW - timedelta(hours=2), True),
        (NOW - timedelta(hours=4), NOW - timedelta(hours=2) + SECOND, False),
        (NOW - timedelta(days=9), NOW - timedelta(hours=6), True),
        (NOW - timedelta(days=9), NOW - timedelta(hours=6) + SECOND, False),
    ],
)
def test_when_it_is_due(since: datetime | None, last: datetime | None, is_due: bool) -> None:
    assert is_asking_due(since, last, NOW) is is_due
