"""How much each may have: a minute, a second, at once. Counted in the memory of one process, forgotten with it.

Several brokers of one exchange each count for themselves: who uses all of them may have as many times as much.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from broker.http.refusal import Refusal, RefusedError

_KEYS_BEFORE_TIDYING = 1024


@dataclass(slots=True)
class _Minute:
    number: int
    spent: int = 0


class MinuteBudget:
    """So much a minute for each member. For the event loop's thread; it keeps a number a member and cannot grow."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._minutes: dict[str, _Minute] = {}

    def spend(self, agency: str, minute: int) -> int:
        """Return how many were left before this one; 0 once none is."""
        counted = self._minutes.get(agency)
        if counted is None or counted.number != minute:
            counted = self._minutes[agency] = _Minute(minute)
        left = self._per_minute - counted.spent
        counted.spent += left > 0
        return left

    def demand(self, agency: str, now: datetime, what: str) -> None:
        """Spend one of a member's.

        Raises:
            RefusedError: none is left in this minute.
        """
        second = int(now.timestamp())
        if self.spend(agency, second // 60) <= 0:
            sentence = f"{agency} has handed in {self._per_minute} {what} this minute"
            raise RefusedError(Refusal("too-many-requests", sentence, retry_after_seconds=60 - second % 60))


class TokenBuckets:
    """So much a second for each key, and `burst` at once after a rest (a token bucket, kept as one moment a key).

    For one thread. A key that has rested is forgotten, so strangers who never come again take no memory.
    """

    def __init__(self, per_second: float, burst: int) -> None:
        self._seconds = 1 / per_second
        self._burst = burst
        self._rested_at: dict[Hashable, float] = {}
        self._tidy_at = _KEYS_BEFORE_TIDYING

    def __len__(self) -> int:
        """Return how many keys are remembered."""
        return len(self._rested_at)

    def take(self, key: Hashable, now: float, amount: int = 1) -> float:
        """Take so many at `now`, in seconds of a clock that never goes back; return how long to wait first, 0 if taken.

        Whoever asks for more than there can ever be at once gives all there can be.
        """
        amount = min(amount, self._burst)
        rested_at = max(self._rested_at.get(key, now), now)
        wait = rested_at - now - (self._burst - amount) * self._seconds
        if wait > 0:
            return wait
        self._rested_at[key] = rested_at + amount * self._seconds
        if len(self._rested_at) > self._tidy_at:
            self._rested_at = {other: moment for other, moment in self._rested_at.items() if moment > now}
            self._tidy_at = _KEYS_BEFORE_TIDYING + 2 * len(self._rested_at)
        return 0.0

    def give_back(self, key: Hashable, amount: int = 1) -> None:
        """Give back what was just taken."""
        rested_at = self._rested_at.get(key)
        if rested_at is not None:
            self._rested_at[key] = rested_at - min(amount, self._burst) * self._seconds


class Full(Enum):
    """What is full: the whole, or the one's own part of it."""

    WHOLE = auto()
    PART = auto()


class Shares:
    """Something bounded that is taken and given back: how much in all, and how much by one. For one thread.

    The last `reserve` is only for who has at most `modest` with it: a few that take their whole part leave that to all.
    """

    def __init__(self, whole: int, part: int, *, reserve: int = 0, modest: int = 0) -> None:
        self._whole, self._part = whole, part
        self._reserve, self._modest = reserve, modest
        self._taken: dict[Hashable, int] = {}
        self.taken = 0

    def find_full(self, key: Hashable, amount: int = 1) -> Full | None:
        """Return what has no room for so much more."""
        own = self._taken.get(key, 0)
        if own + amount > self._part:
            return Full.PART
        must_stay_free = self._reserve if own + amount > self._modest else 0
        return Full.WHOLE if self.taken + amount + must_stay_free > self._whole else None

    def has_any(self, key: Hashable) -> bool:
        """Return whether something is taken by this one."""
        return key in self._taken

    def take(self, key: Hashable, amount: int = 1) -> None:
        """Take so much, whether there is room or not."""
        self._taken[key] = self._taken.get(key, 0) + amount
        self.taken += amount

    def give_back(self, key: Hashable, amount: int = 1) -> None:
        """Give back what was taken."""
        self.taken -= amount
        left = self._taken[key] - amount
        if left:
            self._taken[key] = left
        else:
            del self._taken[key]
