"""How the exchange's agreements stand, in numbers without names: versions by state, and those that soon end or are due.

Counted when the operator asks, at most once a minute: whoever scrapes every second costs no more.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from broker.agreements.book import Agreements
from broker.clock import Clock
from schemas.agreements.lifecycle import AgreementView, State

NOTICE_DAYS = (7, 30, 60)
COUNTED_FOR = timedelta(minutes=1)
_STANDING = frozenset({State.CONFIRMED, State.IN_FORCE, State.SUSPENDED})


@dataclass(frozen=True, slots=True)
class AgreementCounts:
    """Versions by state; and of those that stand, how many end, or are to be reviewed, within so many days."""

    states: dict[State, int]
    ending: dict[int, int]
    reviews: dict[int, int]


def count_agreements(agreements: Agreements, now: datetime) -> AgreementCounts:
    """Return how every version stands at `now`. What is overdue for review counts as due within any time."""
    views = [agreements.view(digest, now) for digest in agreements.terms_by_digest]
    counted = Counter(view.state for view in views)
    standing = [view for view in views if view.state in _STANDING and view.terms is not None]
    return AgreementCounts(
        {state: counted[state] for state in State},
        _count_within(_list_moments(standing, "in_force_until"), now),
        _count_within(_list_moments(standing, "review_by"), now),
    )


class AgreementCollector(Collector):
    """What the operator's listener shows of agreements."""

    def __init__(self, read: Callable[[], Agreements], clock: Clock) -> None:
        self._read, self._clock = read, clock
        self._counted: tuple[datetime, AgreementCounts] | None = None

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Name the instruments without counting anything."""
        return _make_families()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Count, or give what was counted within the last minute."""
        counts = self._count()
        states, ending, reviews = _make_families()
        for state, count in counts.states.items():
            states.add_metric([state.value], count)
        for days in NOTICE_DAYS:
            ending.add_metric([str(days)], counts.ending[days])
            reviews.add_metric([str(days)], counts.reviews[days])
        yield from (states, ending, reviews)

    def _count(self) -> AgreementCounts:
        now = self._clock.now()
        if self._counted is None or not timedelta() <= now - self._counted[0] < COUNTED_FOR:
            self._counted = now, count_agreements(self._read(), now)
        return self._counted[1]


def _make_families() -> tuple[GaugeMetricFamily, GaugeMetricFamily, GaugeMetricFamily]:
    return (
        GaugeMetricFamily("bilateral_agreements", "Versions of agreements, by state.", labels=["state"]),
        GaugeMetricFamily(
            "bilateral_agreements_ending", "Standing versions that end within so many days.", labels=["within_days"]
        ),
        GaugeMetricFamily(
            "bilateral_agreements_review_due",
            "Standing versions to be reviewed within so many days, or overdue.",
            labels=["within_days"],
        ),
    )


def _list_moments(views: Iterable[AgreementView], name: str) -> list[datetime]:
    return [getattr(view.terms, name) for view in views]


def _count_within(moments: Iterable[datetime], now: datetime) -> dict[int, int]:
    known = list(moments)
    return {days: sum(moment <= now + timedelta(days=days) for moment in known) for days in NOTICE_DAYS}
