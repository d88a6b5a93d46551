"""Why a copy may not go on, in words: a person must know whom to ask, or that nobody can allow it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from agency_client.onward.rules import RightKind, describe_use, judge_clause, judge_decision, judge_passing
from schemas.agreements.coverage import Finding
from schemas.agreements.terms import OnwardRule
from schemas.alerts.kinds.release_request import ReleaseUse
from schemas.markings import Tlp
from tests.agency_client.onward.test_rules import (
    ANOTHER,
    CONSENT,
    COURT,
    FOR_COURT,
    NOW,
    OTHER_PURPOSE,
    PASSING,
    PURPOSE,
    change,
    make_alert,
)
from tests.strategies.agreements import make_clause


def list_sentences(findings: Sequence[Finding]) -> list[str]:
    """Return findings as a person reads them."""
    return [finding.sentence for finding in findings]


def test_rights_are_stored_and_shown_under_stable_names() -> None:
    assert [right.value for right in RightKind] == ["named", "consent", "follows"]


def test_every_reason_stands_in_the_sentence() -> None:
    judged = judge_passing(replace(PASSING, recipient="BE", marking=Tlp.GREEN), None)
    assert judged.sentence == (
        "BE had it before: VN → BE; TLP:GREEN is lower than the originator's TLP:AMBER; "
        "VN has neither named BE nor consented since"
    )
    assert list_sentences(judged.findings) == judged.sentence.split("; ")


def test_what_follows_a_message_up_says_where_it_belongs() -> None:
    judged = judge_passing(replace(PASSING, alert=make_alert("release-request")), CONSENT)
    assert judged.sentence == "a release request belongs to the message it follows and is not passed on by itself"


def test_each_agency_that_nobody_named_is_named() -> None:
    further = replace(PASSING, path=("VN", "BE", "AL", "GB"), recipient="RS")
    assert judge_passing(further, None).sentence == "VN has neither named AL, GB, RS nor consented since"


def test_another_purpose_than_it_was_sent_for_needs_a_consent() -> None:
    named = replace(PASSING, alert=make_alert(onward=["AL"]), purpose=OTHER_PURPOSE)
    assert judge_passing(named, None).sentence == (
        f"it was sent for {PURPOSE.value}, and {OTHER_PURPOSE.value} needs a consent"
    )


@pytest.mark.parametrize(
    ("rule", "listed", "sentences"),
    [
        (
            OnwardRule.FORBIDDEN,
            (),
            ["its agreement forbids passing it on, and one party alone cannot widen what two agreed"],
        ),
        (
            OnwardRule.LISTED,
            ("GB", "RS"),
            ["its agreement lets it go on to GB, RS only, not to AL, BE"],
        ),
    ],
)
def test_what_a_clause_keeps_from_everybody_is_said_with_whom_it_does_allow(
    rule: OnwardRule, listed: tuple[str, ...], sentences: list[str]
) -> None:
    clause = make_clause("VN", "BE", onward=rule, onward_agencies=listed)
    assert list_sentences(judge_clause(clause, ["BE", "AL"])) == sentences


def test_where_no_clause_is_known_the_sentence_says_so() -> None:
    assert list_sentences(judge_clause(None, ["AL"])) == [
        "no clause of its agreement covers it, so nothing says that it may go on"
    ]


def test_a_consent_to_something_else_says_what_it_is_for() -> None:
    narrow = change(
        CONSENT,
        original=ANOTHER,
        held_by="GB",
        recipients=("GB", "RS"),
        purposes=(OTHER_PURPOSE, type(PURPOSE).SYSTEM_TEST),
        valid_until=NOW,
    )
    assert list_sentences(judge_decision(narrow, describe_use(PASSING))) == [
        "the consent is for another message",
        "the consent lets GB do it, not BE",
        "the consent is for GB, RS, not for AL",
        f"the consent is for {OTHER_PURPOSE.value}, system-test, not for {PURPOSE.value}",
        f"the consent ended at {NOW:%Y-%m-%d %H:%M} UTC",
    ]


def test_a_consent_for_a_court_names_nobody_to_pass_it_on_to() -> None:
    for_court = replace(describe_use(PASSING), use=ReleaseUse.COURT, recipient=None, court=COURT)
    assert list_sentences(judge_decision(FOR_COURT, describe_use(PASSING))) == [
        f"the consent is for: {ReleaseUse.COURT.label.lower()}",
        "the consent is for nobody, not for AL",
    ]
    assert list_sentences(judge_decision(CONSENT, for_court)) == [
        f"the consent is for: {ReleaseUse.ONWARD.label.lower()}",
        "the consent is for another court or proceeding",
    ]
