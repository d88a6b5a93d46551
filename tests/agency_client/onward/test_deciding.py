"""Only the originator decides, within its agreement and within what was asked."""

from dataclasses import replace

import pytest

from agency_client.errors import DeniedError, UsageError
from agency_client.local_store.releases import list_questions
from agency_client.onward.deciding import Grant, grant_release, refuse_release
from agency_client.onward.passing_on import NoRightError
from agency_client.reading.messages import ReadMessage, read_message
from agency_client.sending.draft import Draft
from agency_client.sending.flow import send_alert
from schemas.agreements.terms import OnwardRule
from schemas.alerts.coded import RefusalGround
from schemas.alerts.kinds.release_decision import ReleaseDecision, ReleaseOutcome
from schemas.markings import Tlp
from tests.support.lying_world import LyingWorld, make_alert
from tests.support.onward import AL, AUTHOR, BE, GB, PURPOSE, VN, Row, make_row


def read_decision(row: Row, agency: str, message_id: str) -> ReleaseDecision:
    found = read_message(row[agency], message_id, reason="case 74/08")
    assert isinstance(found, ReadMessage)
    assert isinstance(found.alert.details, ReleaseDecision)
    return found.alert.details


def test_a_consent_repeats_what_was_asked_and_ends(row: Row) -> None:
    held = row.send(VN, BE)
    question = row.ask(BE, held, recipients=(AL, GB), purposes=(PURPOSE,))
    decided = row.grant(VN, question, recipients=(AL,), conditions="Once.", valid_until=row.in_hours(24))
    decision = read_decision(row, BE, decided.message_id)

    assert decision.outcome is ReleaseOutcome.GRANTED
    assert (decision.held_by, decision.recipients, decision.purposes) == (BE, (AL,), (PURPOSE,))
    assert (decision.original.agency, decision.original.message.digest) == (VN, held.digest)
    assert decision.conditions == "Once."
    for agency in (VN, BE):
        with row[agency].store.read() as snapshot:
            (listed,) = [item for item in list_questions(snapshot) if item.original.message.digest == held.digest]
        assert (listed.outcome, listed.valid_until) == ("granted", decision.valid_until)
        assert listed.is_own is (agency == BE)


def test_a_refusal_names_its_ground(row: Row) -> None:
    held = row.send(VN, BE)
    question = row.ask(BE, held, recipients=(AL,))
    decided = refuse_release(row[VN], question.message_id, AUTHOR, ground="ongoing-investigation")
    decision = read_decision(row, BE, row.take_in(BE, decided).message_id)

    assert decision.outcome is ReleaseOutcome.REFUSED
    assert decision.refusal is not None
    assert decision.refusal.ground is RefusalGround.ONGOING_INVESTIGATION
    with pytest.raises(NoRightError, match="VN refused it") as refused:
        row.pass_on(BE, held, AL)
    assert refused.value.code == "consent-refused"


def test_a_question_is_decided_once(row: Row) -> None:
    held = row.send(VN, BE)
    question = row.ask(BE, held, recipients=(AL,))
    first = grant_release(row[VN], question.message_id, Grant(), AUTHOR)
    again = refuse_release(row[VN], question.message_id, AUTHOR, ground="not-competent")
    assert (first.is_repeated, again.is_repeated) == (False, True)
    assert again.item.message_id == first.item.message_id


@pytest.mark.parametrize(
    ("grant", "words"),
    [
        (Grant(recipients=(GB,)), "--to: nobody asked for GB"),
        (Grant(purposes=tuple(type(PURPOSE))), "--purpose: nobody asked for border-control"),
    ],
)
def test_nothing_is_granted_that_nobody_asked_for(row: Row, grant: Grant, words: str) -> None:
    question = row.ask(BE, row.send(VN, BE), recipients=(AL,), purposes=(PURPOSE,))
    with pytest.raises(UsageError, match=words):
        grant_release(row[VN], question.message_id, grant, AUTHOR)


def test_a_consent_that_would_have_ended_is_none(row: Row) -> None:
    question = row.ask(BE, row.send(VN, BE), recipients=(AL,))
    with pytest.raises(UsageError, match="would have ended"):
        grant_release(row[VN], question.message_id, Grant(valid_until=row.in_hours(-1)), AUTHOR)


def test_who_passed_it_on_decides_nothing_and_is_told_whom_to_ask(row: Row) -> None:
    held = row.send(VN, BE, onward=[AL])
    copy = row.take_in(AL, row.pass_on(BE, held, AL))
    question = row.ask(AL, copy, recipients=(GB,))
    with pytest.raises(DeniedError, match="only VN can decide") as refused:
        grant_release(row[BE], question.message_id, Grant(), AUTHOR)
    assert f"agency release request --for {question.message_id}" in refused.value.fix


def test_the_originator_cannot_widen_what_two_agreed(
    four_agencies: LyingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = make_row(four_agencies, "not widened", onward=OnwardRule.FORBIDDEN)
    held = strict.send(VN, BE)
    # BE's own client would not even ask: here it is one that does.
    monkeypatch.setattr("agency_client.onward.requesting.judge_clauses", lambda held, recipients: [])
    question = strict.ask(BE, held, recipients=(AL,))
    with pytest.raises(NoRightError, match="one party alone cannot widen") as refused:
        grant_release(strict[VN], question.message_id, Grant(), AUTHOR)
    assert refused.value.code == "onward-forbidden"
    refuse_release(strict[VN], question.message_id, AUTHOR, ground="not-covered")


def test_a_decision_is_marked_no_lower_than_the_message_it_is_about(row: Row) -> None:
    held = row.send(VN, BE, marking=Tlp.AMBER)
    details = {
        "original": {"agency": VN, "message": {"id": held.message_id, "digest": held.digest}},
        "use": "onward",
        "held_by": BE,
        "recipients": [AL],
        "purposes": [PURPOSE.value],
        "because": "Their laboratory needs it.",
    }
    cases: tuple[tuple[str, tuple[str, ...]], ...] = (("release-inquiry", (VN,)), ("release-request", ()))
    for kind, recipients in cases:
        about = {} if recipients else {"in_reply_to": {"id": held.message_id, "digest": held.digest}}
        alert = make_alert(kind, details, **about)
        alert.pop("thread")
        draft = Draft(alert, PURPOSE, "It is needed.", "t", marking=Tlp.CLEAR, recipients=recipients)
        asked = row.take_in(
            VN, send_alert(row[BE], replace(draft, agreement=row.terms[VN, BE].id if recipients else None))
        )
        assert row.grant(VN, asked).marking == Tlp.AMBER.value, kind
