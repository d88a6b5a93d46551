"""What is confidential goes on by two consents: of its originator, and of the person it is about. Never by a name."""

from datetime import UTC, datetime
from typing import Any

import pytest

from agency_client.onward.rules import Passing, RightKind, find_consent_demand, judge_passing
from schemas.alerts import parse_alert
from schemas.alerts.kinds.release_decision import ReleaseDecision
from schemas.alerts.kinds.release_request import OriginalMessage
from schemas.envelope import Reference
from schemas.markings import Purpose, Tlp
from tests.schemas.alerts.filled import load_changed

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
ORIGINAL = OriginalMessage(agency="GB", message=Reference(id="5d1c8a52-6f0e-4b7a-9a53-0c7de1c5a9b4", digest="A" * 43))
DECISION: dict[str, Any] = {
    "original": ORIGINAL.to_wire(),
    "use": "onward",
    "held_by": "VN",
    "recipients": ["AL"],
    "purposes": ["victim-protection"],
    "outcome": "granted",
    "valid_until": "2026-12-21T20:00:00Z",
}


def judge(consent: dict[str, Any], decision: dict[str, Any] | None, **changes: Any) -> Any:
    alert = parse_alert(load_changed("victim-safeguarding", {"details.consent": consent}))
    members: dict[str, Any] = {
        "original": ORIGINAL,
        "alert": alert,
        "original_marking": Tlp.AMBER,
        "original_purpose": Purpose.VICTIM_PROTECTION,
        "path": ("GB", "VN"),
        "recipient": "AL",
        "marking": Tlp.AMBER,
        "purpose": Purpose.VICTIM_PROTECTION,
        "at": NOW,
    }
    return judge_passing(
        Passing(**members | changes), None if decision is None else ReleaseDecision.from_wire(decision)
    )


AGREED = {"status": "given", "scope": ["share-with-recipient", "onward-safeguarding"]}
NOT_AGREED = {"status": "given", "scope": ["share-with-recipient"]}


def test_another_desk_gets_it_by_both_consents_alone() -> None:
    assert judge(AGREED, DECISION).right is RightKind.CONSENT


@pytest.mark.parametrize(
    ("consent", "decision", "code"),
    [
        (AGREED, None, "consent-missing"),
        (NOT_AGREED, DECISION, "victim-consent-missing"),
        ({"status": "refused", "without_consent": "vital-interest"}, DECISION, "victim-consent-missing"),
    ],
)
def test_neither_consent_is_enough_alone(consent: dict[str, Any], decision: dict[str, Any] | None, code: str) -> None:
    assert code in [finding.code for finding in judge(consent, decision).findings]


def test_it_goes_on_for_protection_alone_whatever_was_allowed() -> None:
    wide = DECISION | {"purposes": ["victim-protection", "criminal-investigation"]}
    found = judge(AGREED, wide, purpose=Purpose.CRIMINAL_INVESTIGATION)
    assert [finding.code for finding in found.findings] == ["purpose-not-covered"]


def test_a_name_in_the_message_is_never_enough() -> None:
    alert = parse_alert(load_changed("victim-safeguarding", {}))
    assert find_consent_demand(alert, Tlp.GREEN) == "its confidence"
