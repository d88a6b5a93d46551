"""What is taken from opened content: until when it may be kept, and by when somebody must answer."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agency_client.receiving.content_rules import accept_content
from agency_client.receiving.errors import NotCoveredError, UnprovenError
from schemas.agreements.terms import AnswerDeadline
from schemas.alerts.base import CaveatCode, SpecialCategory
from schemas.envelope import Message
from schemas.markings import HandlingCode, Purpose, Urgency
from schemas.model import LATEST_TIME
from tests.agency_client.receiving.test_rules import ACCEPTED, GB, VN, Agreement, make_facts
from tests.schemas.alerts.filled import load
from tests.strategies.agreements import make_clause
from tests.support.lying_world import make_alert, make_ping
from tests.support.messages import make_message


def make_content(alert: dict[str, Any], clause: dict[str, Any] | None = None, **message: Any) -> tuple[Any, Message]:
    """Return a message's facts under an agreement of one clause, and what is inside."""
    wide = {"kinds": (alert["kind"],), "purposes": (Purpose.DOCUMENT_INTEGRITY,), "handling": (HandlingCode.H0,)}
    agreement = Agreement(clauses=(make_clause("GB-HO", "VN", **wide | (clause or {})),)).bind()
    members = {"kind": alert["kind"], "alert": alert} | message
    facts = make_facts(agreement, message=members)
    return facts, make_message(GB, VN, agreement=agreement.terms.digest(), **members)


def test_content_is_kept_for_as_long_as_the_agreement_says_from_its_acceptance_on() -> None:
    facts, message = make_content(make_ping(), {"retention_days": 30})
    assert accept_content(facts, message).retain_until == facts.leaf.record.time + timedelta(days=30)


@pytest.mark.parametrize(
    ("day", "end"),
    [
        ("2026-11-10", datetime(2026, 11, 11, tzinfo=UTC)),
        ("2400-01-01", ACCEPTED + timedelta(days=365)),
        ("9999-12-31", ACCEPTED + timedelta(days=365)),
    ],
    ids=["the sender's day is earlier", "the agreement's end is earlier", "a day beyond the calendar"],
)
def test_the_earlier_of_the_two_ends_counts(day: str, end: datetime) -> None:
    assert accept_content(*make_content(make_ping(retain_until=day))).retain_until == end


def test_the_last_day_there_is_ends_nothing_by_itself() -> None:
    facts, message = make_content(
        make_ping(retain_until="9999-12-31"), {"retention_days": 36_500, "evidence_days": 36_500}
    )
    end = accept_content(facts, message).retain_until
    assert end is not None
    assert end < LATEST_TIME


DEADLINES = (
    AnswerDeadline(urgency=Urgency.URGENT, minutes=480),
    AnswerDeadline(urgency=Urgency.THREAT_TO_LIFE, minutes=60),
)
DUES: dict[str, tuple[Urgency, str | None, datetime | None]] = {
    "as agreed for its urgency": (Urgency.URGENT, None, ACCEPTED + timedelta(minutes=480)),
    "not sooner, whatever the sender asks": (
        Urgency.URGENT,
        "2026-11-02T01:00:00Z",
        ACCEPTED + timedelta(minutes=480),
    ),
    "not later, whatever the sender grants": (
        Urgency.URGENT,
        "2026-11-09T01:00:00Z",
        ACCEPTED + timedelta(minutes=480),
    ),
    "as the sender says where nothing was agreed": (
        Urgency.ROUTINE,
        "2026-11-09T01:00:00Z",
        datetime(2026, 11, 9, 1, tzinfo=UTC),
    ),
    "sooner, for a threat to life": (
        Urgency.THREAT_TO_LIFE,
        "2026-11-02T00:05:00Z",
        datetime(2026, 11, 2, 0, 5, tzinfo=UTC),
    ),
    "as agreed, for a threat to life that names no time": (
        Urgency.THREAT_TO_LIFE,
        None,
        ACCEPTED + timedelta(minutes=60),
    ),
    "never where nobody says": (Urgency.ROUTINE, None, None),
}


@pytest.mark.parametrize(("urgency", "named", "due"), DUES.values(), ids=DUES)
def test_an_answer_is_due(urgency: Urgency, named: str | None, due: datetime | None) -> None:
    alert = {} if named is None else {"reply_due": named}
    if urgency is not Urgency.ROUTINE:
        alert["urgency_reason"] = "A crossing is expected."
    accepted = accept_content(*make_content(make_ping(**alert), {"answer_within": DEADLINES}, urgency=urgency))
    assert accepted.reply_due == due


def test_what_an_agreement_limits_is_kept_to_and_said() -> None:
    accepted = accept_content(*make_content(make_ping(retain_until="2030-01-01")))
    assert [limit.code for item in accepted.applied for limit in item.limits] == ["retention-too-long"]
    assert accepted.retain_until == ACCEPTED + timedelta(days=365)


def test_the_clause_that_covers_is_named_beside_the_content() -> None:
    (applied,) = accept_content(*make_content(make_ping(), {"conditions": ("Confirm it first.",)})).applied
    assert applied.clause.conditions == ("Confirm it first.",)
    assert applied.clause in applied.terms.clauses
    assert applied.limits == ()


AGAINST: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "its purpose": ({}, {"purposes": (Purpose.SYSTEM_TEST,)}, "purpose-not-covered"),
    "its handling code": ({"handling": {"codes": ["h1"]}}, {}, "handling-not-covered"),
    "a caveat left out": ({}, {"caveats": (CaveatCode.PROTECT_SOURCE,)}, "caveat-missing"),
    "a special category": (
        {"special_categories": {"categories": ["health"], "strictly_necessary_because": "It is."}},
        {"special_categories": (SpecialCategory.BIOMETRIC,)},
        "special-category-not-covered",
    ),
    "onward use let by the sender in advance": ({"onward": ["AL"]}, {}, "onward-not-covered"),
}


@pytest.mark.parametrize(("alert", "clause", "code"), AGAINST.values(), ids=AGAINST)
def test_content_is_refused_for(alert: dict[str, Any], clause: dict[str, Any], code: str) -> None:
    with pytest.raises(NotCoveredError) as caught:
        accept_content(*make_content(make_ping(**alert), clause))
    assert caught.value.code == code


def test_an_answer_needs_no_answer() -> None:
    clause = {"answer_within": (AnswerDeadline(urgency=Urgency.ROUTINE, minutes=60),)}
    asked = accept_content(*make_content(make_ping(), clause))
    assert asked.reply_due == ACCEPTED + timedelta(minutes=60)
    document = {"type": "passport", "issuing_state": "UTO", "number": "L898902C3"}
    details = {"document": document, "outcome": "no-record", "is_automatic": True}
    reference = {"id": "0190a6f2-3c4d-7e5f-8a6b-7c8d9e0f1a2b", "digest": "A" * 43}
    from schemas.envelope import Reference

    reply = make_alert("document-verification-reply", details, in_reply_to=reference)
    answered = accept_content(*make_content(reply, clause, refers_to=Reference(**reference)))
    assert answered.reply_due is None


@pytest.mark.parametrize(
    ("alert", "error", "code"),
    [
        (make_alert("stowaway", {}), NotCoveredError, "unknown-kind"),
        (make_alert("ping", {"text": 7}), NotCoveredError, "alert-invalid"),
        (make_alert("ping", {}, persons=[{"ref": "p1", "role": "suspect"}]), NotCoveredError, "alert-invalid"),
    ],
    ids=["of no known kind", "of another shape", "against its kind's rules"],
)
def test_an_alert_that_cannot_be_read_is_refused(alert: dict[str, Any], error: type[Exception], code: str) -> None:
    with pytest.raises(error) as caught:
        accept_content(*make_content(alert))
    assert getattr(caught.value, "code", "") == code


def test_another_kind_inside_than_outside_is_a_contradiction() -> None:
    facts, _ = make_content(make_ping())
    _, other = make_content(make_alert("stowaway", {}) | {"kind": "withdrawal"})
    with pytest.raises((UnprovenError, NotCoveredError)):
        accept_content(facts, other)


def test_nationalities_outside_the_clause_are_refused() -> None:
    person = {"ref": "p1", "role": "suspect", "nationalities": ["VNM"]}
    details = {"person": "p1", "roles": ["organiser"]}
    from schemas.codec import decode_json
    from tests.schemas.alerts.filled import FOLDER

    filled = decode_json((FOLDER / "facilitator.json").read_bytes()) | {"persons": [person]}
    filled["details"] = {name: filled["details"][name] for name in ("subject", "roles") if name in filled["details"]}
    filled["details"] |= details
    clause = {"nationalities": ("GBR",), "handling": tuple(HandlingCode)}
    with pytest.raises(NotCoveredError) as caught:
        accept_content(*make_content(_without(filled, "attachments"), clause))
    assert caught.value.code == "nationality-not-covered"


def _without(wire: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in wire.items() if name not in names}


@pytest.mark.parametrize(("state", "is_refused"), [("UTO", False), ("VNM", True)])
def test_a_report_about_a_document_is_the_issuing_states_own(state: str, is_refused: bool) -> None:
    details = load("document-status")["details"] | {"issuing_state": state}
    grading = load("document-status")["grading"]
    facts, message = make_content(make_alert("document-status", details, grading=grading))
    if not is_refused:
        assert accept_content(facts, message).alert.kind == "document-status"
        return
    with pytest.raises(NotCoveredError, match="only the issuing state may report") as refused:
        accept_content(facts, message)
    assert refused.value.code == "not-the-issuer"


@pytest.mark.parametrize(("nationality", "is_refused"), [("UTO", False), ("FRA", True)])
def test_movements_of_citizens_of_third_states_are_refused(nationality: str, is_refused: bool) -> None:
    alert = load("movement-notice")
    alert["details"]["nationality"] = nationality
    alert["persons"][0]["nationalities"] = [nationality]
    del alert["retain_until"]
    facts, message = make_content(alert, {"handling": (HandlingCode.H1, HandlingCode.H2)})
    if not is_refused:
        assert accept_content(facts, message).alert.kind == "movement-notice"
        return
    with pytest.raises(NotCoveredError, match="France") as refused:
        accept_content(facts, message)
    assert refused.value.code == "not-a-citizen"


@pytest.mark.parametrize(
    ("urgency", "agreed", "due"),
    [
        (Urgency.ROUTINE, (), timedelta(days=7)),
        (Urgency.URGENT, (), timedelta(hours=8)),
        (Urgency.URGENT, (AnswerDeadline(urgency=Urgency.URGENT, minutes=60),), timedelta(hours=1)),
        (Urgency.URGENT, (AnswerDeadline(urgency=Urgency.URGENT, minutes=6000),), timedelta(hours=8)),
    ],
)
def test_a_request_for_information_is_due_by_law_or_sooner_by_agreement(
    urgency: Urgency, agreed: tuple[AnswerDeadline, ...], due: timedelta
) -> None:
    alert = load("information-request")
    del alert["retain_until"]
    terms = {"handling": (HandlingCode.H1, HandlingCode.H2), "answer_within": agreed}
    facts, message = make_content(alert, terms, urgency=urgency)
    assert accept_content(facts, message).reply_due == facts.leaf.record.time + due
