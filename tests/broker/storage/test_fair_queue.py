"""The writer's queue: members take turns, the most urgent first, and nobody's flood is anybody else's wait."""

import threading
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.storage.errors import MemberBusyError, StoreBusyError, StoreClosedError
from broker.storage.fair_queue import RANKS, FairQueue, Turn

MEMBERS = ("BE-OE", "GB-HO", "VN-IMM", "XA-NAT")
BATCH = 8

arrivals = st.lists(st.tuples(st.sampled_from(MEMBERS), st.integers(0, RANKS - 1)), max_size=60)


def fill(queue: FairQueue[tuple[str, int, int]], arrived: list[tuple[str, int]]) -> None:
    for number, (agency, rank) in enumerate(arrived):
        queue.put((agency, rank, number), Turn(agency, rank))


def drain(queue: FairQueue[tuple[str, int, int]], limit: int) -> list[list[tuple[str, int, int]]]:
    batches = []
    while len(queue):
        batches.append(queue.take(limit))
    return batches


@given(arrivals, st.integers(1, BATCH))
def test_everything_is_taken_once_in_batches_that_are_full_but_for_the_last(
    arrived: list[tuple[str, int]], limit: int
) -> None:
    queue: FairQueue[tuple[str, int, int]] = FairQueue()
    fill(queue, arrived)
    batches = drain(queue, limit)
    taken = [item for batch in batches for item in batch]
    assert sorted(number for *_, number in taken) == list(range(len(arrived)))
    assert all(len(batch) == limit for batch in batches[:-1])


@given(arrivals, st.integers(1, BATCH))
def test_a_member_s_own_come_most_urgent_first_and_then_in_order(arrived: list[tuple[str, int]], limit: int) -> None:
    queue: FairQueue[tuple[str, int, int]] = FairQueue()
    fill(queue, arrived)
    taken = [item for batch in drain(queue, limit) for item in batch]
    for member in MEMBERS:
        own = [(-rank, number) for agency, rank, number in taken if agency == member]
        assert own == sorted(own)


@given(arrivals)
def test_no_member_is_taken_twice_before_everybody_who_waits_was_taken_once(arrived: list[tuple[str, int]]) -> None:
    queue: FairQueue[tuple[str, int, int]] = FairQueue()
    fill(queue, arrived)
    waiting = Counter(agency for agency, _ in arrived)
    while len(queue):
        turn = [queue.take(1)[0][0] for _ in range(len(+waiting))]
        assert sorted(turn) == sorted(+waiting)
        waiting.subtract(turn)


@given(
    flood=st.integers(0, 500),
    before=st.integers(0, 3),
    own=st.lists(st.tuples(st.sampled_from(MEMBERS[1:]), st.integers(0, RANKS - 1)), min_size=1, max_size=20),
)
def test_a_flood_of_one_member_delays_what_others_send_by_one_batch_at_most(
    flood: int, before: int, own: list[tuple[str, int]]
) -> None:
    """A simulated writer: the flood goes on arriving, and a batch may be under way when the others' arrive."""

    def simulate(flooding: int) -> dict[int, int]:
        queue: FairQueue[tuple[str, int, int]] = FairQueue(max_waiting_of_member=10_000, max_waiting=10_000)
        for number in range(flooding):
            queue.put((MEMBERS[0], 0, -1 - number), Turn(MEMBERS[0], RANKS - 1))
        for _ in range(before if flooding else 0):
            if len(queue):
                queue.take(BATCH)
        fill(queue, own)
        committed_in: dict[int, int] = {}
        batch = 0
        while len(committed_in) < len(own):
            for agency, _, number in queue.take(BATCH):
                if agency != MEMBERS[0]:
                    committed_in[number] = batch
            batch += 1
            if flooding:
                queue.put((MEMBERS[0], 0, -1), Turn(MEMBERS[0], RANKS - 1))
        return committed_in

    alone, flooded = simulate(0), simulate(flood)
    members = len({agency for agency, _ in own})
    for number, batch in flooded.items():
        # With one member more the same rounds take at most one place more each.
        rounds = sum(1 for agency, _ in own if agency == own[number][0])
        assert batch <= alone[number] + 1 + rounds // BATCH
        assert batch <= (rounds * (members + 1) + BATCH - 1) // BATCH


def test_a_member_s_part_is_bounded_and_so_is_the_whole_but_nobody_is_shut_out_by_others() -> None:
    queue: FairQueue[str] = FairQueue(max_waiting=4, max_waiting_of_member=3)
    for name in ("1", "2", "3"):
        queue.put(name, Turn("GB-HO"))
    with pytest.raises(MemberBusyError, match="GB-HO has 3 writes waiting") as part:
        queue.put("4", Turn("GB-HO"))
    queue.put("1", Turn("VN-IMM"))
    with pytest.raises(StoreBusyError) as whole:
        queue.put("2", Turn("VN-IMM"))
    assert (part.value.code, whole.value.code) == ("member-busy", "busy")
    queue.put("1", Turn("BE-OE"))
    assert queue.take(10) == ["1", "1", "1", "2", "3"]


def test_the_exchange_s_own_work_takes_turns_and_has_no_part_of_its_own() -> None:
    queue: FairQueue[str] = FairQueue(max_waiting=10, max_waiting_of_member=1)
    for name in ("a", "b", "c"):
        queue.put(name)
    queue.put("member's", Turn("GB-HO"))
    assert queue.take(2) == ["a", "member's"]


def test_what_a_member_collects_goes_before_what_it_sends() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.put("sent", Turn("GB-HO"))
    queue.put("collected", Turn.to_collect("GB-HO"))
    assert queue.take(2) == ["collected", "sent"]


def test_a_closed_queue_takes_nothing_in_and_gives_out_what_is_left() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.put("left", Turn("GB-HO"))
    assert queue.close() == ["left"]
    with pytest.raises(StoreClosedError):
        queue.put("late", Turn("GB-HO"))
    assert (queue.take(5), queue.take(5)) == (["left"], [])


def test_whoever_waits_for_something_gets_it_and_is_let_go_by_the_end() -> None:
    queue: FairQueue[str] = FairQueue()
    taken: list[list[str]] = []

    def take_all() -> None:
        while batch := queue.take(1):
            taken.append(batch)

    thread = threading.Thread(target=take_all)
    thread.start()
    queue.put("first")
    queue.put("second")
    queue.close()
    thread.join(20)
    assert (thread.is_alive(), taken) == (False, [["first"], ["second"]])


def test_what_waits_can_be_taken_without_waiting() -> None:
    queue: FairQueue[str] = FairQueue()
    assert queue.take_waiting(5) == []
    for item in ("first", "second", "third"):
        queue.put(item)
    assert (queue.take_waiting(0), queue.take_waiting(2), len(queue)) == ([], ["first", "second"], 1)
