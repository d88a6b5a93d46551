"""How much of something each member may have a minute: counted in memory, forgotten with the minute."""

from dataclasses import dataclass
from datetime import datetime

from broker.http.refusal import Refusal, RefusedError


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
