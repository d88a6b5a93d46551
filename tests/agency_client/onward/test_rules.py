"""By which right a message goes on: each way in which a name or a consent does not do, one by one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agency_client.onward.rules import (
    Passing,
    RightKind,
    describe_use,
    find_consent_demand,
    judge_clause,
    judge_decision,
    judge_form,
    judge_passing,
    spell_path,
)
from schemas.agreements.terms import OnwardRule
from schemas.alerts import parse_alert
from schemas.alerts.base import Alert
from schemas.alerts.kinds.release_decision import ReleaseDecision
from schemas.alerts.kinds.release_request import OriginalMessage, Proceeding, ReleaseUse
from schemas.codec import hash_text
from schemas.envelope import Reference
from schemas.markings import Purpose, Tlp
from tests.schemas.alerts.filled import load
from tests.strategies.agreements import make_clause
from tests.support.messages import make_id

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PURPOSE, OTHER_PURPOSE = Purpose.DOCUMENT_INTEGRITY, Purpose.BORDER_CONTROL
ORIGINAL = OriginalMessage(agency="VN", message=Reference(id=make_id("x"), digest=hash_text("envelope", b"x")))
ANOTHER = OriginalMessage(agency="VN", message=Reference(id=make_id("y"), digest=hash_text("envelope", b"y")))
COURT = Proceeding(court="Brussels", proceeding="74/08")


def make_alert(kind: str = "ping", **members: Any) -> Alert:
    return parse_alert(load(kind) | members)


ALERT = make_alert()
PASSING = Passing(
    original=ORIGINAL,
    alert=ALERT,
    original_marking=Tlp.AMBER,
    original_purpose=PURPOSE,
    path=("VN", "BE"),
    recipient="AL",
    marking=Tlp.AMBER,
    purpose=PURPOSE,
    at=NOW,
)
CONSENT = ReleaseDecision.from_wire(
    {
        "original": ORIGINAL.to_wire(),
        "use": "onward",
        "held_by": "BE",
        "recipients": ["AL", "RS"],
        "purposes": [PURPOSE.value],
        "outcome": "granted",
        "valid_until": "2026-12-21T12:00:00Z",
    }
)
FOR_COURT = ReleaseDecision.from_wire(
    {name: value for name, value in CONSENT.to_wire().items() if name != "recipients"}
    | {"use": "court", "court": COURT.to_wire()}
)


def list_codes(passing: Passing, decision: ReleaseDecision | None = None) -> list[str]:
    """Return why a copy may not go on; nothing where it may."""
    judged = judge_passing(passing, decision)
    assert judged.is_allowed is (not judged.findings)
    return [finding.code for finding in judged.findings]


def change(decision: ReleaseDecision, **members: Any) -> ReleaseDecision:
    return decision.model_copy(update=members)


def test_a_consent_to_exactly_this_lets_it_go_on() -> None:
    judged = judge_passing(PASSING, CONSENT)
    assert (judged.right, judged.sentence) == (RightKind.CONSENT, "VN consented to it")


@pytest.mark.parametrize(
    ("decision", "code"),
    [
        (change(CONSENT, original=ANOTHER), "consent-for-another-message"),
        (change(CONSENT, held_by="AL"), "consent-for-another-holder"),
        (change(CONSENT, recipients=("RS",)), "consent-for-another-recipient"),
        (change(CONSENT, purposes=(OTHER_PURPOSE,)), "consent-for-another-purpose"),
        (change(CONSENT, outcome="refused"), "consent-refused"),
        (change(CONSENT, valid_until=NOW), "consent-ended"),
    ],
)
def test_a_consent_to_anything_else_does_not(decision: ReleaseDecision, code: str) -> None:
    assert list_codes(PASSING, decision) == [code]


def test_a_consent_holds_until_its_end_and_not_beyond() -> None:
    assert list_codes(PASSING, change(CONSENT, valid_until=NOW + timedelta(seconds=1))) == []
    assert list_codes(PASSING, change(CONSENT, valid_until=NOW - timedelta(seconds=1))) == ["consent-ended"]


def test_a_consent_for_court_is_none_to_pass_on_and_the_other_way_round() -> None:
    assert list_codes(PASSING, FOR_COURT) == ["consent-for-another-use", "consent-for-another-recipient"]
    for_court = replace(describe_use(PASSING), use=ReleaseUse.COURT, recipient=None, court=COURT)
    assert judge_decision(FOR_COURT, for_court) == []
    assert [finding.code for finding in judge_decision(CONSENT, for_court)] == [
        "consent-for-another-use",
        "consent-for-another-court",
    ]


def test_a_consent_for_one_proceeding_is_none_for_another() -> None:
    elsewhere = replace(
        describe_use(PASSING),
        use=ReleaseUse.COURT,
        recipient=None,
        court=Proceeding(court="Brussels", proceeding="75/08"),
    )
    assert [finding.code for finding in judge_decision(FOR_COURT, elsewhere)] == ["consent-for-another-court"]


def test_who_is_named_in_the_message_needs_no_consent_for_what_it_was_sent_for() -> None:
    named = replace(PASSING, alert=make_alert(onward=["AL"]))
    judged = judge_passing(named, None)
    assert (judged.right, judged.sentence) == (RightKind.NAMED, "VN names AL in the message itself")
    assert list_codes(replace(named, purpose=OTHER_PURPOSE)) == ["purpose-changed"]
    assert list_codes(replace(named, recipient="RS")) == ["consent-missing"]
    assert list_codes(PASSING) == ["consent-missing"]


def test_who_passes_on_by_the_names_in_the_message_is_named_too() -> None:
    further = replace(PASSING, path=("VN", "BE", "AL"), recipient="RS")
    assert list_codes(replace(further, alert=make_alert(onward=["AL", "RS"]))) == []
    assert list_codes(replace(further, alert=make_alert(onward=["RS"]))) == ["consent-missing"]
    assert list_codes(further, change(CONSENT, held_by="AL", recipients=("RS",))) == []
    assert list_codes(further, CONSENT) == ["consent-for-another-holder"]


@pytest.mark.parametrize("marking", list(Tlp))
def test_what_is_narrow_goes_on_with_a_consent_alone(marking: Tlp) -> None:
    named = replace(PASSING, alert=make_alert(onward=["AL"]), original_marking=marking, marking=Tlp.RED)
    is_narrow = marking in (Tlp.RED, Tlp.AMBER_STRICT)
    assert list_codes(named) == (["consent-missing"] if is_narrow else [])
    assert list_codes(named, CONSENT) == []
    assert (find_consent_demand(ALERT, marking) is not None) is is_narrow


def test_what_is_h2_goes_on_with_a_consent_alone() -> None:
    handled = make_alert(onward=["AL"], handling={"codes": ["h0", "h2"]})
    assert list_codes(replace(PASSING, alert=handled)) == ["consent-missing"]
    assert list_codes(replace(PASSING, alert=handled), CONSENT) == []
    assert find_consent_demand(handled, Tlp.GREEN) is not None
    assert find_consent_demand(make_alert(handling={"codes": ["h1"]}), Tlp.GREEN) is None


@pytest.mark.parametrize("marking", list(Tlp))
def test_a_marking_is_never_lowered(marking: Tlp) -> None:
    lower = marking in (Tlp.CLEAR, Tlp.GREEN)
    assert list_codes(replace(PASSING, marking=marking), CONSENT) == (["marking-lowered"] if lower else [])


@pytest.mark.parametrize("agency", ["VN", "BE"])
def test_nothing_goes_in_a_circle(agency: str) -> None:
    circle = replace(PASSING, recipient=agency)
    assert [finding.code for finding in judge_form(circle)] == ["passed-in-a-circle"]


@pytest.mark.parametrize("kind", ["correction", "document-verification-reply", "release-request"])
def test_what_follows_a_message_up_is_not_passed_on_by_itself(kind: str) -> None:
    following = replace(PASSING, alert=make_alert(kind))
    assert "kind-not-passed-on" in list_codes(following, CONSENT)


@pytest.mark.parametrize(
    ("rule", "listed", "recipients", "codes"),
    [
        (OnwardRule.WITH_CONSENT, (), ("AL",), []),
        (OnwardRule.FORBIDDEN, (), ("AL",), ["onward-forbidden"]),
        (OnwardRule.LISTED, ("AL", "RS"), ("AL",), []),
        (OnwardRule.LISTED, ("RS",), ("AL", "RS"), ["onward-not-listed"]),
    ],
)
def test_the_clause_bounds_what_the_originator_can_allow(
    rule: OnwardRule, listed: tuple[str, ...], recipients: tuple[str, ...], codes: list[str]
) -> None:
    clause = make_clause("VN", "BE", onward=rule, onward_agencies=listed)
    assert [finding.code for finding in judge_clause(clause, recipients)] == codes


def test_where_no_clause_is_known_nothing_can_be_allowed() -> None:
    assert [finding.code for finding in judge_clause(None, ["AL"])] == ["clause-unknown"]


def test_a_way_is_spelt_as_it_went() -> None:
    assert spell_path(("VN", "BE"), "AL") == "VN → BE → AL"
    assert spell_path(("VN", "BE")) == "VN → BE"
