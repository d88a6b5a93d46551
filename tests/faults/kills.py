"""The broker is killed (-9) in the middle of traffic, at one place of its work after another, and started again.

After each kill the database is verified as it was left: what clients had been answered is there, and nothing twice.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from random import Random
from time import monotonic, sleep

from tests.faults.stored_log import read_stored_log
from tests.faults.traffic import Traffic, traffic_running
from tests.strategies.agreements import make_clause
from tests.support.delivery import Correspondence
from tests.support.exchange import RunningExchange

PLACES = {
    "commit.before-transaction": 12,
    "commit.before-head": 12,
    "commit.before-commit": 12,
    "commit.after-commit": 12,
    "commit.before-answer": 12,
    "log.before-sign": 8,
    "log.after-sign": 8,
    "accept.decided": 6,
    "accept.stored": 6,
    "accept.before-answer": 6,
    "hand-over.recorded": 4,
    "hand-over.leased": 4,
    "hand-over.before-answer": 4,
    "receipt.stored": 4,
    "receipt.before-answer": 4,
}
"""Where a broker may die as it accepts, hands over and passes receipts on; and at most how often it comes by first."""

_FEWEST_COMMITS = 3
"""The first are made while a broker starts and its clients ask for tokens."""
_REACHED_SECONDS = 30
_PAUSE_SECONDS = 0.02


@dataclass(slots=True)
class KillReport:
    """Where the broker died, and how many messages had been accepted by the end."""

    places: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    leaves: int = 0
    refusals: Counter[str] = field(default_factory=Counter)


def play_kills(
    brokers: Sequence[RunningExchange],
    kills: int,
    seed: int,
    *,
    progress: Callable[[KillReport], None] = lambda report: None,
) -> KillReport:
    """Let brokers of one exchange, which serve two members, die so many times; and verify after each.

    Raises:
        AssertionError: something that was answered is lost, or something was done twice.
    """
    messages = agree_and_correspond(brokers[0])
    executioner, report = _Executioner(brokers, Random(seed)), KillReport()
    traffic = Traffic(messages, brokers[0].sheet, lambda: list_serving(brokers), pause_seconds=_PAUSE_SECONDS)
    with traffic_running(traffic):
        for broker in brokers:
            executioner.start(broker)
        while report.places.total() < kills:
            broker, place = executioner.wait()
            report.places[place] += 1
            told = traffic.memory.copy()
            traffic.verify_effects(read_stored_log(broker), is_over=False, told=told)
            progress(report)
            executioner.start(broker)
        for broker in brokers:
            broker.stop()
            broker.start()
        traffic.end(seconds=120)
    for broker in brokers:
        broker.stop()
    log = read_stored_log(brokers[0])
    traffic.verify_effects(log, is_over=True)
    report.accepted, report.leaves = len(traffic.memory.accepted), len(log.leaves)
    report.refusals = traffic.memory.refusals
    return report


class _Executioner:
    """Knows where each broker is to die next: at all places by turns."""

    def __init__(self, brokers: Sequence[RunningExchange], chance: Random) -> None:
        self._brokers = brokers
        self._chance = chance
        self._places = cycle(PLACES)
        self._chosen: dict[Path, str] = {}

    def start(self, broker: RunningExchange) -> None:
        """Start a broker that dies when it comes by the next place for some time."""
        place = next(self._places)
        nth = self._chance.randint(_FEWEST_COMMITS if place.startswith("commit.") else 1, PLACES[place])
        broker.stop()
        broker.url = ""
        self._chosen[broker.folder.path] = place
        try:
            broker.start(BILATERAL_FAILPOINT=f"{place}:{nth}")
        except AssertionError:  # it died before it served: a restart comes by some of the places too
            self._chosen[broker.folder.path] = f"{place} at its start"

    def wait(self) -> tuple[RunningExchange, str]:
        """Wait until a broker has died, and return it with the place; one that does not come by there is killed."""
        until = monotonic() + _REACHED_SECONDS
        while monotonic() < until:
            for broker in self._brokers:
                if broker.process is not None and broker.process.poll() is not None:
                    assert broker.wait() == -9, broker.errors
                    return broker, self._chosen[broker.folder.path]
            sleep(0.02)
        assert self._brokers[0].kill() == -9
        return self._brokers[0], "anywhere"


def list_serving(brokers: Sequence[RunningExchange]) -> list[str]:
    """Return where those of the brokers serve that run, and have said so."""
    return [broker.url for broker in brokers if broker.process is not None and broker.url]


def agree_and_correspond(exchange: RunningExchange) -> Correspondence:
    """Return the first two members' way to write to each other, under an agreement that is in force; no day ends it."""
    first, second = list(exchange.members)[:2]
    pairs = ((first, second), (second, first))
    clauses = tuple(make_clause(*pair, daily_quota=10_000_000) for pair in sorted(pairs))
    terms = exchange.agree(first, second, clauses=clauses).terms
    return Correspondence(exchange.members[first], exchange.members[second], terms.digest())
