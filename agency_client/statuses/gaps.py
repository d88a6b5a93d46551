"""When missing numbers of a partner's stream are an alarm, and what a person is told of them. Pure.

A gap younger than 15 minutes is an answer that crosses another, and its age counts only up to when this node last
emptied its inbox: a node that was away must not blame its partner. An alarm is for a person to ask about, and stops
nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from agency_client.local_store.inbound_streams import Gap

ALARM_AFTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class GapAlarm:
    """A gap old enough to be an alarm, and its sentence."""

    gap: Gap
    code: str
    sentence: str


def list_alarming(gaps: Iterable[Gap], emptied_at: datetime | None) -> list[Gap]:
    """Return the gaps that are an alarm; `emptied_at` is when the inbox was last found empty, None if never."""
    if emptied_at is None:
        return []
    return [gap for gap in gaps if emptied_at - gap.since > ALARM_AFTER]


def describe_gap(gap: Gap, now: datetime, *, claimants: int = 0, is_held: bool = False) -> GapAlarm:
    """Return a gap in words: numbers, since when, who says that they were sent, and what may explain it.

    `claimants` are messages here that claim such a number without proof. `is_held`: an agreement with the partner is
    suspended, so that the exchange keeps back what was sent before.
    """
    why = "its status says that they were sent" if gap.is_tail else "later ones came"
    minutes = int((now - gap.since).total_seconds() // 60)
    sentence = (
        f"{gap.sender}: {spell_numbers(gap)} of stream {gap.stream[:8]} missing since {gap.since:%Y-%m-%d %H:%M} UTC "
        f"({minutes} min); {why}"
    )
    if claimants:
        sentence += f"; {claimants} here claim one of these numbers, unproven: agency inbox --waiting, --unverifiable"
    if is_held:
        sentence += "; an agreement with it is suspended, which may be why"
    return GapAlarm(gap, "tail-missing" if gap.is_tail else "gap-open", sentence)


def spell_numbers(gap: Gap) -> str:
    """Return the numbers of a gap as words."""
    return f"message {gap.first}" if gap.first == gap.last else f"messages {gap.first} to {gap.last}"
