"""Whose turn it is at the one writer: members take turns, so that whoever floods it waits behind itself alone.

In each round every member that has something waiting gives one, its most urgent, then its oldest. So what another has
waiting delays nobody by more than the batch that is being committed. The whole is bounded, and each member's part.
"""

import threading
from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

from broker.storage.errors import MemberBusyError, StoreBusyError, StoreClosedError
from schemas.markings import Urgency

T = TypeVar("T")

RANKS = len(Urgency)
MAX_WAITING = 4096
MAX_WAITING_OF_MEMBER = 1024


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose operation one is, and how urgent among that member's own: 0 to `RANKS - 1`, as `Urgency.rank`.

    No agency stands for the exchange itself, which takes turns as members do.
    """

    agency: str = ""
    rank: int = 0

    @classmethod
    def to_collect(cls, agency: str) -> "Turn":
        """Return the turn of a member that collects: what it is to get may be urgent, what it sends waits for it."""
        return cls(agency, RANKS - 1)


OWN_TURN = Turn()


class _Lane(Generic[T]):
    """What one member has waiting, by rank."""

    __slots__ = ("agency", "ranks", "waiting")

    def __init__(self, agency: str) -> None:
        self.agency = agency
        self.ranks: tuple[deque[T], ...] = tuple(deque() for _ in range(RANKS))
        self.waiting = 0

    def put(self, item: T, rank: int) -> None:
        self.ranks[rank].append(item)
        self.waiting += 1

    def take(self) -> T:
        self.waiting -= 1
        return next(rank for rank in reversed(self.ranks) if rank).popleft()


class FairQueue(Generic[T]):
    """A bounded queue between threads from which members' items are taken in turns."""

    def __init__(self, max_waiting: int = MAX_WAITING, max_waiting_of_member: int = MAX_WAITING_OF_MEMBER) -> None:
        self._max_waiting = max_waiting
        self._max_waiting_of_member = max_waiting_of_member
        self._condition = threading.Condition(threading.Lock())
        self._lanes: dict[str, _Lane[T]] = {}
        self._rota: deque[_Lane[T]] = deque()  # every lane that holds something stands here once
        self._waiting = 0
        self._is_closed = False

    def __len__(self) -> int:
        """Return how many items wait."""
        return self._waiting

    @property
    def is_closed(self) -> bool:
        """Whether nothing more is taken in."""
        return self._is_closed

    def put(self, item: T, turn: Turn = OWN_TURN) -> None:
        """Let an item wait for its member's turn.

        A full queue still takes one from a member that has none in it: others cannot shut anybody out.

        Raises:
            StoreClosedError, StoreBusyError, MemberBusyError: it is closed, or full, or the member's part of it is.
        """
        with self._condition:
            if self._is_closed:
                raise StoreClosedError
            lane = self._lanes.get(turn.agency)
            if lane is None:
                lane = self._lanes[turn.agency] = _Lane(turn.agency)
                self._rota.append(lane)
            elif self._waiting >= self._max_waiting:
                raise StoreBusyError
            elif turn.agency and lane.waiting >= self._max_waiting_of_member:
                raise MemberBusyError(turn.agency, lane.waiting)
            lane.put(item, turn.rank)
            self._waiting += 1
            self._condition.notify()

    def take(self, limit: int) -> list[T]:
        """Wait for something, then take up to `limit` in turns; nothing comes once it is closed and empty."""
        with self._condition:
            while not self._rota and not self._is_closed:
                self._condition.wait()
            return self._take(limit)

    def take_waiting(self, limit: int) -> list[T]:
        """Take up to `limit` of what waits, in turns."""
        with self._condition:
            return self._take(limit)

    def close(self) -> list[T]:
        """Take in no more, and wake whoever takes; return what waits, which stays to be taken."""
        with self._condition:
            self._is_closed = True
            self._condition.notify_all()
            return [item for lane in self._rota for rank in reversed(lane.ranks) for item in rank]

    def _take(self, limit: int) -> list[T]:
        taken: list[T] = []
        while self._rota and len(taken) < limit:
            lane = self._rota.popleft()
            taken.append(lane.take())
            if lane.waiting:
                self._rota.append(lane)
            else:
                del self._lanes[lane.agency]
        self._waiting -= len(taken)
        return taken
