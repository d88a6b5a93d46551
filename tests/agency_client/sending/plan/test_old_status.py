"""Nothing new goes to a partner whose newest status is too old, but a threat to life for a reason."""

from dataclasses import replace
from datetime import timedelta

import pytest

from agency_client.sending.plan import (
    MessageFacts,
    RecipientFacts,
    make_plan,
)
from agency_client.statuses.freshness import StatusFacts, StatusTimes, judge_age
from schemas.agreements.coverage import Finding
from schemas.markings import Urgency
from tests.agency_client.sending.plan.specimens import (
    CONTENT,
    CORRECTION,
    MESSAGE,
    NOW,
    WITHDRAWAL,
    list_codes,
    list_findings,
    make_candidate,
    make_original,
    make_recipient,
    say,
)
from tests.strategies.agreements import VN


def make_aged(hours: float) -> RecipientFacts:
    """Return the facts of a recipient whose newest status is so old, under an agreement that covers everything."""
    moment = NOW - timedelta(hours=hours)
    age = judge_age(StatusFacts(VN, StatusTimes(7, moment, moment, moment), asked_at=NOW), NOW)
    return make_recipient(make_candidate(), status_age=age)


THREAT = replace(say(urgency=Urgency.THREAT_TO_LIFE), overrides_old_status=True)


@pytest.mark.parametrize(("hours", "is_allowed"), [(0, True), (30, True), (72, True), (72.01, False), (200, False)])
def test_nothing_new_goes_to_a_partner_whose_status_is_older_than_72_hours(hours: float, is_allowed: bool) -> None:
    plan = make_plan(MESSAGE, [make_aged(hours)])
    assert plan.is_allowed == is_allowed
    assert ("status-stale" in list_codes(plan)) != is_allowed


@pytest.mark.parametrize("urgency", [Urgency.ROUTINE, Urgency.URGENT])
def test_only_a_threat_to_life_overrides_an_old_status(urgency: Urgency) -> None:
    assert list_codes(make_plan(replace(THREAT, content=replace(CONTENT, urgency=urgency)), [make_aged(80)])) == [
        "status-stale"
    ]
    plan = make_plan(THREAT, [make_aged(80)])
    assert plan.is_allowed
    found = plan.recipients[0].overridden
    assert found is not None
    assert "80 h old" in found.sentence


def test_a_threat_to_life_without_a_reason_overrides_nothing() -> None:
    assert not make_plan(replace(THREAT, overrides_old_status=False), [make_aged(80)]).is_allowed


def test_what_is_not_old_is_not_overridden() -> None:
    assert make_plan(THREAT, [make_aged(30)]).recipients[0].overridden is None


def test_an_override_overcomes_nothing_else() -> None:
    recipient = replace(make_aged(80), obstacles=(Finding("not-pinned", "not pinned"),))
    assert list_codes(make_plan(THREAT, [recipient])) == ["not-pinned"]
    assert not make_plan(THREAT, [recipient]).is_allowed


@pytest.mark.parametrize("message", [CORRECTION, WITHDRAWAL])
def test_aftercare_passes_however_old_the_status_is(message: MessageFacts) -> None:
    aged = make_aged(1000)
    aged = replace(aged, original=make_original(aged.candidates[0]))
    assert make_plan(message, [aged]).is_allowed


def test_the_sentence_says_after_how_many_hours_nothing_new_is_sent() -> None:
    (stale,) = list_findings(make_plan(MESSAGE, [make_aged(80)]))
    assert stale.sentence.endswith(": after 72 h nothing new is sent there but a threat to life")


def test_the_age_of_the_status_stands_in_the_plan_and_an_override_only_where_one_was_needed() -> None:
    aged = make_aged(80)
    (overridden,) = make_plan(THREAT, [aged]).recipients
    (refused,) = make_plan(MESSAGE, [aged]).recipients
    assert overridden.status_age == refused.status_age == aged.status_age
    assert overridden.overridden is not None
    assert refused.overridden is None


def test_nothing_is_overridden_unless_somebody_said_why() -> None:
    said = {name: getattr(MESSAGE, name) for name in MESSAGE.__dataclass_fields__ if name != "overrides_old_status"}
    threat = MessageFacts(**said | {"content": replace(CONTENT, urgency=Urgency.THREAT_TO_LIFE)})
    assert list_codes(make_plan(threat, [make_aged(80)])) == ["status-stale"]
