"""Which receipts a recipient owes by the agreement and has not given, since when, and what it should have answered.

Pure: the clause's demands and the facts known of a delivery come in. A negative receipt ends what is owed: nobody who
refused a message still has to say that it was opened.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from agency_client.local_store.sent import ENDS, DeliveryFact, RecordedFact, compute_delivery_state

NODE_GIVEN_WITHIN = timedelta(hours=24)
"""What the recipient's node signs by itself is late after this."""
OFFICER_GIVEN_WITHIN = timedelta(days=7)
"""What a person there has to do first is late after this, where no deadline for the answer was agreed."""

_ARRIVAL = (DeliveryFact.HANDED_OVER, DeliveryFact.VERIFIED)
_BY_OFFICERS = frozenset({DeliveryFact.OPENED, DeliveryFact.ACCEPTED, DeliveryFact.ACTED})
_AFTER: dict[DeliveryFact, tuple[DeliveryFact, ...]] = {
    DeliveryFact.HANDED_OVER: (),
    DeliveryFact.VERIFIED: (DeliveryFact.HANDED_OVER,),
    DeliveryFact.OPENED: _ARRIVAL,
    DeliveryFact.ACCEPTED: (*_ARRIVAL, DeliveryFact.OPENED),
    DeliveryFact.ACTED: (*_ARRIVAL, DeliveryFact.OPENED),
}
"""Receipt → what comes before it, the last that is known starting its time. Others are never missing by themselves."""
_NOTHING_MORE = ENDS | {DeliveryFact.UNVERIFIABLE, DeliveryFact.REFUSED, DeliveryFact.HELD}


@dataclass(frozen=True, slots=True)
class Demands:
    """What the clause of a delivery demands: receipt types, the answer's minutes, and the end of its retention."""

    receipts: Collection[str]
    answer_minutes: int | None
    retained_until: datetime | None


@dataclass(frozen=True, slots=True)
class MissingReceipt:
    """One receipt the agreement demands and nobody has seen: `since` when it was to come, late from `due` on."""

    type: DeliveryFact
    since: datetime
    due: datetime

    def is_late(self, now: datetime) -> bool:
        """Return whether its time is over."""
        return now > self.due


def find_missing_receipts(demands: Demands, facts: Sequence[RecordedFact], now: datetime) -> list[MissingReceipt]:
    """Return the demanded receipts of one delivery that are not there, in the order in which they are owed."""
    first = _list_first_moments(facts)
    taken, standing = first.get(DeliveryFact.TAKEN_BY_BROKER), compute_delivery_state(facts)
    if taken is None or (standing is not None and standing.fact in _NOTHING_MORE):
        return []
    missing = []
    for fact, before in _AFTER.items():
        if fact.value in demands.receipts and fact not in first:
            since = max([taken, *(first[earlier] for earlier in before if earlier in first)])
            missing.append(MissingReceipt(fact, since, since + _find_allowance(fact, demands)))
    return missing + _find_missing_erasure(demands, first, now)


def find_answer_due(demands: Demands, facts: Sequence[RecordedFact]) -> datetime | None:
    """Return by when the recipient has to answer as agreed; None where nothing was agreed, or it has answered."""
    first = _list_first_moments(facts)
    taken, standing = first.get(DeliveryFact.TAKEN_BY_BROKER), compute_delivery_state(facts)
    if demands.answer_minutes is None or taken is None or DeliveryFact.ANSWERED in first:
        return None
    if standing is not None and standing.fact in _NOTHING_MORE:
        return None
    return taken + timedelta(minutes=demands.answer_minutes)


def _find_missing_erasure(
    demands: Demands, first: Mapping[DeliveryFact, datetime], now: datetime
) -> list[MissingReceipt]:
    end, erased = demands.retained_until, DeliveryFact.ERASED
    if erased.value not in demands.receipts or erased in first or end is None or now <= end:
        return []
    return [MissingReceipt(erased, end, end + NODE_GIVEN_WITHIN)]


def _list_first_moments(facts: Sequence[RecordedFact]) -> dict[DeliveryFact, datetime]:
    moments: dict[DeliveryFact, datetime] = {}
    for fact in facts:
        moments[fact.fact] = min(fact.at, moments.get(fact.fact, fact.at))
    return moments


def _find_allowance(fact: DeliveryFact, demands: Demands) -> timedelta:
    if fact not in _BY_OFFICERS:
        return NODE_GIVEN_WITHIN
    if demands.answer_minutes is None:
        return OFFICER_GIVEN_WITHIN
    return timedelta(minutes=demands.answer_minutes)
