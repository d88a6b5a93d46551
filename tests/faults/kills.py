"""The broker is killed (-9) in the middle of traffic, at one place of its work after another, and started again.

After each kill the database is verified as it was left: what clients had been answered is there, and nothing twice.
"""

import subprocess
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

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
"""The first is made before a broker serves; one that died in it would never have started."""
_REACHED_SECONDS = 30


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
    """Kill brokers of one exchange, which serve two members, by turns, so many times; and verify after each.

    Raises:
        AssertionError: something that was answered is lost, or something was done twice.
    """
    messages = agree_and_correspond(brokers[0])
    chance, report = Random(seed), KillReport()
    traffic = Traffic(messages, brokers[0].sheet, lambda: list_serving(brokers))
    with traffic_running(traffic):
        for number in range(kills):
            broker, place = brokers[number % len(brokers)], list(PLACES)[number % len(PLACES)]
            nth = chance.randint(_FEWEST_COMMITS if place.startswith("commit.") else 1, PLACES[place])
            broker.stop()
            broker.url = ""
            report.places[_die(broker, place, nth)] += 1
            told = traffic.memory.copy()
            traffic.verify_effects(read_stored_log(broker), is_over=False, told=told)
            broker.url = ""
            if len(brokers) > 1:
                broker.start()
            progress(report)
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


def _die(exchange: RunningExchange, place: str, nth: int) -> str:
    """Start the broker and let it die; return where it did."""
    exchange.start(BILATERAL_FAILPOINT=f"{place}:{nth}")
    try:
        assert exchange.wait(_REACHED_SECONDS) == -9
    except subprocess.TimeoutExpired:  # few messages waited, so that it did not come by as often
        assert exchange.kill() == -9
        return "anywhere"
    return place
