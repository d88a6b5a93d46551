"""Look every partner over at the end of a round: whose status has become old, which numbers are missing, what closed.

Which gaps were told is kept, so that somebody who was called is told as well when one closes. Nothing is stopped here.
"""

from dataclasses import dataclass

from agency_client.agreements.desks import say_whom_to_call
from agency_client.local_store.told_gaps import ToldGap, list_told_gaps, replace_told_gaps
from agency_client.node import Node
from agency_client.statuses.freshness import StatusAge
from agency_client.statuses.gaps import GapAlarm
from agency_client.statuses.standing import PartnerStanding, list_standings


@dataclass(frozen=True, slots=True)
class WatchReport:
    """What one look came to: partners whose status is old, gaps that are an alarm, and those that closed since."""

    ages: tuple[StatusAge, ...]
    alarms: tuple[GapAlarm, ...]
    closed: tuple[ToldGap, ...]
    standings: tuple[PartnerStanding, ...]

    def say_whom_to_call(self, agency: str) -> str:
        """Return whom to call about a partner: its duty desk, as an agreement names it."""
        return say_whom_to_call(agency, next((item.desks for item in self.standings if item.agency == agency), ()))


def watch_partners(node: Node) -> WatchReport:
    """Judge every partner as the store stands now, and remember which gaps are told."""
    standings = tuple(list_standings(node))
    alarms = tuple(alarm for standing in standings for alarm in standing.alarms)
    gaps = [gap for standing in standings for gap in standing.gaps]
    with node.store.write() as transaction:
        closed = tuple(told for told in list_told_gaps(transaction) if not any(told.overlaps(gap) for gap in gaps))
        replace_told_gaps(transaction, [alarm.gap for alarm in alarms], at=node.clock.now())
    ages = tuple(standing.age for standing in standings if standing.age.is_marked)
    return WatchReport(ages, alarms, closed, standings)


def spell_closed(told: ToldGap) -> str:
    """Return a gap that closed as words."""
    numbers = f"message {told.first}" if told.first == told.last else f"messages {told.first} to {told.last}"
    return f"{told.sender}: {numbers} of stream {told.stream[:8]}, missing before, came or will never come: closed"
