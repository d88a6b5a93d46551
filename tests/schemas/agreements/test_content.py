"""What terms are about is read from an alert member by member, the same at both ends."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from schemas.agreements.content import describe_content
from schemas.agreements.coverage import ContentFacts
from schemas.alerts import parse_alert
from schemas.alerts.base import CaveatCode, SpecialCategory, Transfer, TransferGround
from schemas.markings import HandlingCode, Purpose, Urgency
from tests.support.lying_world import make_alert, make_ping

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
BARE: dict[str, Any] = {
    "purpose": Purpose.SYSTEM_TEST,
    "handling": frozenset({HandlingCode.H0}),
    "nationalities": frozenset(),
    "urgency": Urgency.URGENT,
    "issued_at": NOW,
    "is_personal": False,
}


def describe(wire: dict[str, Any], **changes: Any) -> ContentFacts:
    """Describe an alert, sent as urgent for a test of the system."""
    order: dict[str, Any] = {"purpose": Purpose.SYSTEM_TEST, "urgency": Urgency.URGENT, "issued_at": NOW}
    return describe_content(parse_alert(wire), **order | changes)


def test_what_an_alert_leaves_out_asks_for_nothing() -> None:
    assert describe(make_ping()) == ContentFacts(**BARE)


MEMBERS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "handling": (
        {"handling": {"codes": ["h1", "h2"]}},
        {"handling": frozenset({HandlingCode.H1, HandlingCode.H2})},
    ),
    "caveats": (
        {"caveats": [{"code": "protect-source"}, {"code": "other", "words": "In words."}]},
        {"caveats": frozenset({CaveatCode.PROTECT_SOURCE, CaveatCode.OTHER})},
    ),
    "special categories": (
        {"special_categories": {"categories": ["health"], "strictly_necessary_because": "It is."}},
        {"special_categories": frozenset({SpecialCategory.HEALTH})},
    ),
    "onward": ({"onward": ["BE", "AL"]}, {"onward": frozenset({"AL", "BE"})}),
    "transfer": (
        {"transfer": {"ground": "adequacy"}},
        {"transfer": Transfer(ground=TransferGround.ADEQUACY)},
    ),
    "reply_due": (
        {"reply_due": "2026-11-22T12:00:00Z"},
        {"reply_due": datetime(2026, 11, 22, 12, tzinfo=UTC)},
    ),
    "retain_until": ({"retain_until": "2027-01-31"}, {"retain_until": date(2027, 1, 31)}),
}


@pytest.mark.parametrize(("said", "read"), MEMBERS.values(), ids=MEMBERS)
def test_a_member_is_read(said: dict[str, Any], read: dict[str, Any]) -> None:
    assert describe(make_ping(**said)) == ContentFacts(**BARE | read)


def test_the_order_says_why_how_soon_when_and_whose_words_they_are() -> None:
    order: dict[str, Any] = {
        "purpose": Purpose.BORDER_CONTROL,
        "urgency": Urgency.ROUTINE,
        "issued_at": NOW.replace(hour=3),
    }

    assert describe(make_ping(), **order, is_passed_on=True) == ContentFacts(**BARE | order, is_passed_on=True)


def test_kinds_that_may_be_about_a_person_are_personal_and_an_answer_asks_for_no_answer() -> None:
    details = {
        "document": {"type": "passport", "issuing_state": "UTO", "number": "L898902C3"},
        "outcome": "no-record",
        "is_automatic": True,
    }
    reference = {"id": "0190a6f2-3c4d-7e5f-8a6b-7c8d9e0f1a2b", "digest": "A" * 43}
    reply = make_alert("document-verification-reply", details, in_reply_to=reference, reply_due="2026-11-22T12:00:00Z")

    assert (describe(reply).is_personal, describe(reply).reply_due) == (True, None)
