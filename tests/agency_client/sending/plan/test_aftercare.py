"""What follows a message up passes in every state of its agreement, once that message has arrived."""

from dataclasses import replace
from typing import Any

import pytest

from agency_client.sending.plan import (
    Candidate,
    make_plan,
)
from schemas.agreements.coverage import Finding
from schemas.agreements.following import MAX_FOLLOW_UPS
from schemas.agreements.lifecycle import AgreementView, State
from schemas.alerts.base import SpecialCategory
from schemas.markings import Tlp
from tests.agency_client.sending.plan.specimens import (
    CONTENT,
    CORRECTION,
    WITHDRAWAL,
    list_codes,
    list_findings,
    make_candidate,
    make_original,
    make_recipient,
)
from tests.strategies.agreements import GB, VN, make_clause


@pytest.mark.parametrize("state", [State.IN_FORCE, State.SUSPENDED, State.REVOKED, State.EXPIRED, State.SUPERSEDED])
def test_aftercare_passes_in_every_state_and_whatever_the_clauses_say(state: State) -> None:
    candidate = make_candidate(state, kinds=("facilitator",))
    facts = make_recipient(candidate, original=make_original(candidate))
    assert make_plan(replace(CORRECTION, marking=Tlp.RED), [facts]).is_allowed


def test_aftercare_cites_the_version_in_force_of_the_agreement_of_its_original() -> None:
    old = make_candidate(State.SUPERSEDED)
    assert old.view.terms is not None
    newer = old.view.terms.model_copy(update={"version": 2, "supersedes": old.view.digest})
    new = Candidate(AgreementView(newer.digest(), newer, State.IN_FORCE, "it stands", binding=True), 0)
    facts = make_recipient(old, new, make_candidate(name="other"), original=make_original(old))
    chosen = make_plan(CORRECTION, [facts]).recipients[0].chosen
    assert chosen is not None
    assert chosen.view.digest == new.view.digest


def test_aftercare_cites_no_version_that_both_have_not_signed() -> None:
    old = make_candidate(State.SUSPENDED, title="B")
    assert old.view.terms is not None
    newer = old.view.terms.model_copy(update={"version": 2, "supersedes": old.view.digest, "title": "A"})
    new = Candidate(AgreementView(newer.digest(), newer, State.PROPOSED, "nobody answered"), 0)
    (plan,) = make_plan(CORRECTION, [make_recipient(old, new, original=make_original(old))]).recipients
    assert plan.chosen is not None
    assert plan.chosen.view.digest == old.view.digest
    assert [option.findings for option in plan.options] == [
        (),
        (Finding("agreement-proposed", "it is proposed: nobody answered"),),
    ]


def test_aftercare_needs_the_message_it_follows() -> None:
    assert list_codes(make_plan(CORRECTION, [make_recipient(make_candidate())])) == ["reference-refused"]


def test_what_never_arrived_is_not_followed_up() -> None:
    candidate = make_candidate()
    facts = make_recipient(candidate, original=make_original(candidate, has_ended=True))
    assert list_codes(make_plan(WITHDRAWAL, [facts])) == ["reference-refused"]


def test_a_held_message_can_be_withdrawn_and_not_corrected() -> None:
    candidate = make_candidate(State.SUSPENDED)
    facts = make_recipient(candidate, original=make_original(candidate, is_held=True))
    assert make_plan(WITHDRAWAL, [facts]).is_allowed
    assert list_codes(make_plan(CORRECTION, [facts])) == ["original-held", "agreement-suspended"]


def test_only_its_sender_withdraws_a_message() -> None:
    candidate = make_candidate()
    facts = make_recipient(candidate, original=make_original(candidate, is_own=False))
    assert list_codes(make_plan(WITHDRAWAL, [facts])) == ["reference-refused"]


def test_aftercare_is_refused_in_words() -> None:
    candidate, other = make_candidate(State.SUSPENDED), make_candidate(name="other")
    held = make_recipient(candidate, original=make_original(candidate, is_held=True))
    under_another = make_recipient(other, candidate, original=make_original(candidate))
    unknown = make_recipient(other, original=make_original(candidate))
    gone = make_recipient(candidate, original=make_original(candidate, has_ended=True))
    received = make_recipient(candidate, original=make_original(candidate, is_own=False, is_held=True))
    elsewhere = Finding("another-agreement", "the message it refers to was sent under another agreement")
    assert list_findings(make_plan(CORRECTION, [held])) == [
        Finding(
            "original-held", "the message it refers to is held back: withdraw it, or follow it up once it has arrived"
        ),
        Finding("agreement-suspended", "it is suspended: as the test says"),
    ]
    assert list_findings(make_plan(CORRECTION, [under_another])) == [elsewhere]
    assert list_findings(make_plan(CORRECTION, [unknown])) == [elsewhere]
    assert list_findings(make_plan(CORRECTION, [received])) == []
    assert list_findings(make_plan(CORRECTION, [gone])) == [
        Finding(
            "reference-refused",
            "the message it refers to never reached VN, so there is nothing to follow up there",
        )
    ]
    assert list_findings(make_plan(CORRECTION, [make_recipient(candidate)])) == [
        Finding("reference-refused", "the message it refers to did not pass between GB-HO and VN")
    ]
    own_only = make_recipient(candidate, original=make_original(candidate, is_own=False))
    assert list_findings(make_plan(WITHDRAWAL, [own_only])) == [
        Finding("reference-refused", "only the agency that sent a message can follow it up by a withdrawal")
    ]


FOLLOWED: dict[str, Any] = {"marking": Tlp.AMBER, "clauses": (make_clause(GB, VN, special_categories=None),)}


@pytest.mark.parametrize(
    ("content", "original", "code"),
    [
        ({"special_categories": frozenset({SpecialCategory.HEALTH})}, {}, "special-category-not-covered"),
        ({}, {"marking": Tlp.GREEN}, "marking-too-high"),
        ({}, {"said_before": MAX_FOLLOW_UPS}, "follow-ups-exhausted"),
    ],
)
def test_what_follows_a_message_up_is_held_to_the_clause_of_that_message(
    content: dict[str, Any], original: dict[str, Any], code: str
) -> None:
    candidate = make_candidate(State.REVOKED)
    message = replace(CORRECTION, content=replace(CONTENT, **content))
    plan = make_plan(message, [make_recipient(candidate, original=make_original(candidate, **FOLLOWED | original))])
    assert list_codes(plan) == [code]
    assert not plan.is_allowed
    sound = make_recipient(candidate, original=make_original(candidate, **FOLLOWED))
    assert make_plan(CORRECTION, [sound]).is_allowed
