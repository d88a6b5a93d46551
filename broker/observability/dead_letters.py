"""What did not arrive and what needs an operator, in numbers without names.

Counted when the operator asks, at most once a minute: whoever scrapes every second costs no more.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from broker.clock import Clock
from broker.dead_letters.rules import NEED_CODES, Letters, Need
from broker.inbox.rules import ItemState

COUNTED_FOR = timedelta(minutes=1)
REACH = timedelta(days=1)

_STATES = (ItemState.EXPIRED, ItemState.HELD, ItemState.RETURNED)


class DeadLetterCollector(Collector):
    """What the operator's listener shows of dead letters: of the last day, held ones as they stand."""

    def __init__(
        self, read_letters: Callable[[datetime], Letters], read_needs: Callable[[], Iterable[Need]], clock: Clock
    ) -> None:
        self._read_letters, self._read_needs, self._clock = read_letters, read_needs, clock
        self._counted: tuple[datetime, list[GaugeMetricFamily]] | None = None

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Name the instruments without counting anything."""
        return _make_families()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Count, or give what was counted within the last minute."""
        now = self._clock.now()
        if self._counted is None or not timedelta() <= now - self._counted[0] < COUNTED_FOR:
            self._counted = (now, self._count(now))
        yield from self._counted[1]

    def _count(self, now: datetime) -> list[GaugeMetricFamily]:
        letters, needs = _make_families()
        counts = self._read_letters(now - REACH).counts
        for state in _STATES:
            letters.add_metric([state.value], counts[state])
        counted = Counter(need.code for need in self._read_needs())
        for code in NEED_CODES:
            needs.add_metric([code], counted[code])
        return [letters, needs]


def _make_families() -> tuple[GaugeMetricFamily, GaugeMetricFamily]:
    return (
        GaugeMetricFamily(
            "bilateral_dead_letters",
            "Messages that expired or were returned within a day, and that are held now, by state.",
            labels=["state"],
        ),
        GaugeMetricFamily("bilateral_needs", "What needs an operator, by code.", labels=["code"]),
    )
