"""Whether an inbox has room: bounded, so that one which nobody collects cannot fill the disk.

What an inbox holds is estimated: measured now and then, and counted upwards in between by what this broker puts into
it. An estimate that says "full" is measured before it is believed, so nobody is refused for what was collected long
ago; with several brokers an inbox may hold more by what the others take in until the next measurement.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from broker.inbox.allowance import InboxAllowance, Load
from broker.inbox.measures import measure_load
from broker.storage.transaction import Transaction

MEASURED_KEPT = timedelta(minutes=1)
FULL_KEPT = timedelta(seconds=15)


@dataclass(slots=True)
class _Estimate:
    items: int
    stored_bytes: int
    measured_at: datetime


class Rooms:
    """How full inboxes are, as far as is known. For the writer's thread."""

    def __init__(self, allowance: InboxAllowance) -> None:
        self._allowance = allowance
        self._estimates: dict[str, _Estimate] = {}

    def has_room(self, transaction: Transaction, recipient: str, size: int, *, is_pressing: bool) -> bool:
        """Return whether one more item of this size may be put into an inbox."""
        estimate = self._estimates.get(recipient)
        if estimate is None or transaction.now - estimate.measured_at >= MEASURED_KEPT:
            estimate = self._measure(transaction, recipient)
        if self._fits(estimate, size, is_pressing=is_pressing):
            return True
        if transaction.now - estimate.measured_at < FULL_KEPT:
            return False
        return self._fits(self._measure(transaction, recipient), size, is_pressing=is_pressing)

    def count(self, recipient: str, size: int) -> None:
        """Count what was put into an inbox; an operation that fails afterwards is counted all the same."""
        estimate = self._estimates.get(recipient)
        if estimate is not None:
            estimate.items += 1
            estimate.stored_bytes += size

    def _measure(self, transaction: Transaction, recipient: str) -> _Estimate:
        load = measure_load(transaction.connection, recipient)
        estimate = _Estimate(load.items, load.stored_bytes, transaction.now)
        self._estimates[recipient] = estimate
        return estimate

    def _fits(self, estimate: _Estimate, size: int, *, is_pressing: bool) -> bool:
        load = Load(estimate.items, estimate.stored_bytes)
        return self._allowance.has_room(load, size, is_pressing=is_pressing)
