"""Synthetic alerts, one after the other: the same from the same seed, to the byte, and each says that it is synthetic.

Every one is whole and valid. None is about anybody: see `agency_client.generating.reserved` and `names.toml`. 22,395 is
the number of false documents found at the borders of the European Union in 2023 (Frontex); how they divide by type and
place is assumed, where the modules beside this one say so.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from agency_client.generating.dice import Dice
from agency_client.generating.facilitators import describe_facilitator
from agency_client.generating.false_documents import describe_false_document
from agency_client.generating.statuses import describe_status
from schemas.model import format_timestamp

FALSE_DOCUMENTS_OF_2023 = 22_395
USUAL_LAST_DAY = date(2023, 12, 31)
STATEMENT = "Synthetic: made for an exercise. Nobody in it exists, and nothing in it happened."
_SPAN_SECONDS = 365 * 24 * 60 * 60

MAKERS: Mapping[str, Callable[[Dice, datetime], dict[str, Any]]] = {
    "document-fraud": describe_false_document,
    "document-status": describe_status,
    "facilitator": describe_facilitator,
}
"""The kinds of which there are synthetic alerts."""


def make_alerts(kind: str, count: int, seed: int, last_day: date = USUAL_LAST_DAY) -> Iterator[dict[str, Any]]:
    """Give so many alerts of a kind as on the wire, in the order of the year that ends with `last_day`."""
    midnight = datetime(last_day.year, last_day.month, last_day.day, tzinfo=UTC) + timedelta(days=1)
    for place in range(count):
        dice = Dice(seed, f"{kind} {place}")
        # Evenly over the year, each somewhere in its part of it, in whole minutes.
        first, width = _SPAN_SECONDS * place // count // 60, max(1, _SPAN_SECONDS // count // 60)
        seen_at = midnight - timedelta(days=365) + timedelta(minutes=first + dice.below(width))
        yield _make_alert(kind, place + 1, seed, dice, min(seen_at, midnight - timedelta(minutes=1)))


def _make_alert(kind: str, number: int, seed: int, dice: Dice, seen_at: datetime) -> dict[str, Any]:
    thread = dice.uuid()
    information = dice.weigh({"1": 45, "2": 35, "3": 20})
    written_at = seen_at + timedelta(minutes=dice.between(20, 360))
    members = MAKERS[kind](dice, seen_at)
    subject = f"Synthetic: {members.pop('subject')}"
    return {
        "kind": kind,
        "thread": thread,
        "own_reference": f"SYN-{seed}-{number:06}",
        "unit": "Synthetic data",
        "officer": f"synthetic-{dice.between(1, 60):02}",
        "subject": subject,
        "pap": "amber",
        "handling": {"codes": ["h0"]},
        "grading": {"scheme": "europol-4x4", "source": "A", "information": information},
        "statements": [{"text": STATEMENT, "basis": "fact"}],
        "data_as_of": format_timestamp(written_at),
        "language": "en",
        **members,
    }
