"""Dead letters in numbers: without a name, counted once a minute."""

from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, generate_latest

from broker.dead_letters.rules import NEED_CODES, Letters, Need
from broker.inbox.rules import ItemState
from broker.observability.dead_letters import DeadLetterCollector
from tests.broker.ports import START, ManualClock

COUNTS = {ItemState.HELD: 2, ItemState.EXPIRED: 3, ItemState.RETURNED: 0}


def test_letters_and_needs_are_counted_once_a_minute_and_nobody_is_named() -> None:
    clock, asked = ManualClock(), list[datetime]()

    def read_letters(since: datetime) -> Letters:
        asked.append(since)
        return Letters(since, COUNTS, ())

    registry = CollectorRegistry()
    needs = [Need("inbox-uncollected", "VN-IMM", START, "VN-IMM has not collected its inbox")]
    registry.register(DeadLetterCollector(read_letters, lambda: needs, clock))
    assert asked == [], "naming the instruments counts nothing"
    assert registry.get_sample_value("bilateral_dead_letters", {"state": "expired"}) == 3
    assert registry.get_sample_value("bilateral_needs", {"code": "inbox-uncollected"}) == 1
    assert registry.get_sample_value("bilateral_needs", {"code": "attachments-lost"}) == 0
    assert asked == [START - timedelta(days=1)]
    shown = generate_latest(registry).decode()
    assert "VN-IMM" not in shown
    assert shown.count("bilateral_needs{") == len(NEED_CODES)
    clock.move(60)
    generate_latest(registry)
    assert len(asked) == 2
