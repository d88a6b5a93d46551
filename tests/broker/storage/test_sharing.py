"""Work shared between threads: each item once, at the same time, and nothing goes on behind the caller's back."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from itertools import count

import pytest

from broker.storage.sharing import Sharing

SECONDS = 30.0


@pytest.fixture
def two() -> Iterator[Sharing]:
    with closing(Sharing(threads=2)) as sharing:
        yield sharing


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_each_item_is_done_once(threads: int) -> None:
    done: Counter[int] = Counter()
    with closing(Sharing(threads)) as sharing:
        sharing.do_each(lambda item: done.update([item]), range(2000))
    assert done == Counter(range(2000))


def test_two_items_are_done_at_the_same_time(two: Sharing) -> None:
    both = threading.Barrier(2, timeout=SECONDS)
    two.do_each(lambda _: both.wait(), ["one", "other"])
    assert not both.broken


def test_a_single_item_is_done_where_it_is_asked_for(two: Sharing) -> None:
    where: list[int] = []
    two.do_each(lambda _: where.append(threading.get_ident()), ["only"])
    assert where == [threading.get_ident()]


def test_nothing_to_do_is_done(two: Sharing) -> None:
    two.do_each(pytest.fail, [])


def test_what_a_call_raises_is_raised_when_no_other_is_under_way(two: Sharing) -> None:
    both = threading.Barrier(2, timeout=SECONDS)
    ended: list[str] = []

    def fail_or_end(item: str) -> None:
        both.wait()
        if item == "fails":
            raise KeyError(item)
        ended.append(item)

    with pytest.raises(KeyError, match="fails"):
        two.do_each(fail_or_end, ["fails", "ends"])
    assert ended == ["ends"]


@pytest.mark.parametrize("failing", [0, 1])
def test_what_a_call_raises_waits_for_every_other_thread(failing: int) -> None:
    all_here, has_left = threading.Barrier(3, timeout=SECONDS), threading.Event()
    caller, arrived, outlived = threading.get_ident(), count(), []

    def fail_or_linger(_item: object) -> None:
        place = None if threading.get_ident() == caller else next(arrived)
        all_here.wait()
        if place == failing:
            raise KeyError("the call's own mistake")
        if place is not None:
            outlived.append(has_left.wait(0.2))

    with closing(Sharing(threads=3)) as three:
        with pytest.raises(KeyError):
            three.do_each(fail_or_linger, range(3))
        has_left.set()
    assert outlived == [False]


def test_one_processor_needs_no_other_thread() -> None:
    where: set[int] = set()
    with closing(Sharing(threads=1)) as sharing:
        sharing.do_each(lambda _: where.add(threading.get_ident()), range(20))
    assert where == {threading.get_ident()}
