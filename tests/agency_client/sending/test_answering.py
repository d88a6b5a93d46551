"""Answers: each of its own kind, in the thread and under the handling of the original, sent once."""

from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from agency_client.errors import UsageError
from agency_client.local_store.content import erase_content, find_erasure
from agency_client.local_store.inbox import InboxMessage
from agency_client.local_store.receipts import list_receipts
from agency_client.reading.messages import ReadMessage, read_message
from agency_client.sending.answering import (
    Author,
    acknowledge,
    make_answers,
    refuse,
    reply,
    report_outcome,
)
from agency_client.sending.draft import AlertRefusedError, Draft
from agency_client.sending.flow import send_alert
from schemas.alerts.kinds.acknowledgement import ActionTaken
from schemas.log.records import Action
from schemas.markings import HandlingCode, Purpose, Tlp, Urgency
from schemas.model import format_timestamp
from tests.support.lying_world import LyingWorld, make_alert, make_ping
from tests.support.nodes import make_wide_clause

COUNT = count(1)
AUTHOR = Author(reason="case 74/08", unit="Second line", pseudonym="line2-14", case="74/08")


def ask(world: LyingWorld, terms: Any, **members: Any) -> InboxMessage:
    """Let GB ask VN whether a document is genuine; return the question as VN has it."""
    document = {"type": "passport", "issuing_state": "UTO", "number": "L898902C3"}
    details = {"document": document, "questions": ["genuine", "valid-now"]}
    alert = make_alert("document-verification", details, own_reference="GB-V-1", **members)
    return send_and_receive(world, terms, alert, purpose=Purpose.BORDER_CONTROL)


def send_and_receive(world: LyingWorld, terms: Any, alert: dict[str, Any], **changes: Any) -> InboxMessage:
    """Let GB send an alert through its own client and VN collect it."""
    wire = {name: value for name, value in alert.items() if name != "thread"}
    usual: dict[str, Any] = {"purpose": Purpose.SYSTEM_TEST, "marking": Tlp.GREEN, "recipients": ("VN",)}
    usual |= {"necessity": "The holder stands at the counter.", "reason": "t", "agreement": terms.id}
    sent = send_alert(world["GB"], Draft(alert=wire, **usual | changes))
    world.collect("VN")
    with world["VN"].store.read() as snapshot:
        from agency_client.local_store.inbox import load_by_digest

        return load_by_digest(snapshot, sent.legs[0].digest)


def read_at(world: LyingWorld, agency: str, message_id: str) -> ReadMessage:
    """Let an agency collect and read a message."""
    world.collect(agency)
    found = read_message(world[agency], message_id, reason="test")
    assert isinstance(found, ReadMessage)
    return found


def list_said(world: LyingWorld, message: InboxMessage) -> dict[str, str]:
    """Return the receipts VN has signed for a message: type and reason."""
    with world["VN"].store.read() as snapshot:
        return {item.type: item.subjects[0].reason for item in list_receipts(snapshot, message.digest)}


def test_an_acknowledgement_reaches_the_sender_in_its_thread(world: LyingWorld, terms: Any) -> None:
    message = send_and_receive(world, terms, make_ping(own_reference="GB-1"))
    report = acknowledge(world["VN"], message.message_id[:8], AUTHOR, action=ActionTaken.DELETED, words="Gone.")
    found = read_at(world, "GB", report.items[0].message_id)
    alert = found.alert.to_wire()
    assert (alert["kind"], alert["thread"], alert["details"]["action"]) == (
        "acknowledgement",
        message.thread,
        "deleted",
    )
    assert alert["partner_reference"] == "GB-1"
    assert (alert["unit"], alert["officer"]) == ("Second line", "line2-14")
    assert list_said(world, message)["acted"] == ""
    with world["VN"].store.read() as snapshot:
        from agency_client.local_store.inbox import load_by_digest

        assert load_by_digest(snapshot, message.digest).answered_at is not None


def test_the_same_again_sends_nothing_twice(world: LyingWorld, terms: Any) -> None:
    message = send_and_receive(world, terms, make_ping())
    first = acknowledge(world["VN"], message.message_id, AUTHOR)
    second = acknowledge(world["VN"], message.message_id, AUTHOR)
    assert (first.is_repeated, second.is_repeated) == (False, True)
    assert [item.message_id for item in first.items] == [item.message_id for item in second.items]
    assert list_said(world, message)["accepted"] == ""


def test_a_reply_names_the_document_and_keeps_urgency_and_purpose(world: LyingWorld, terms: Any) -> None:
    question = send_and_receive(
        world,
        terms,
        make_alert(
            "document-verification",
            {
                "document": {"type": "passport", "issuing_state": "UTO", "number": "L898902C3"},
                "questions": ["genuine"],
            },
            urgency_reason="The traveller is held.",
        ),
        purpose=Purpose.BORDER_CONTROL,
        urgency=Urgency.URGENT,
    )
    details = {"outcome": "answered", "answers": make_answers(["genuine=no:Never issued"]), "status": "never-issued"}
    report = reply(world["VN"], question.message_id, AUTHOR, details=details)
    found = read_at(world, "GB", report.items[0].message_id)
    assert found.stored.urgency == "urgent"
    assert found.message.purpose is Purpose.BORDER_CONTROL
    wire = found.alert.to_wire()["details"]
    assert wire["document"]["number"] == "L898902C3"
    assert wire["answers"] == [{"question": "genuine", "answer": "no", "note": "Never issued"}]


def test_a_reply_that_is_wrong_is_answered_with_the_field(world: LyingWorld, terms: Any) -> None:
    question = ask(world, terms)
    with pytest.raises(AlertRefusedError, match="answers"):
        reply(world["VN"], question.message_id, AUTHOR, details={"outcome": "answered"})


def test_only_a_question_is_replied_to(world: LyingWorld, terms: Any) -> None:
    message = send_and_receive(world, terms, make_ping())
    with pytest.raises(UsageError, match="no question"):
        reply(world["VN"], message.message_id, AUTHOR, details={"outcome": "no-record"})


def request_information(world: LyingWorld, terms: Any, **changes: Any) -> InboxMessage:
    """Let GB ask VN what it knows of a document; return the request as VN has it."""
    details = {
        "items": ["document-record"],
        "questions": ["To whom was it issued?"],
        "used_for": "document-integrity",
        "offence": {"offence": "none"},
        "held_because": [{"reason": "issuing-state"}],
    }
    fact = {"text": "It was presented at the counter.", "basis": "fact"}
    graded = {"scheme": "europol-4x4", "source": "A", "information": "1"}
    members = {"statements": [fact], "grading": graded, "urgency_reason": "Held.", "own_reference": f"IR-{next(COUNT)}"}
    alert = make_alert("information-request", details, **members, data_as_of=format_timestamp(world.clock.now()))
    return send_and_receive(world, terms, alert, purpose=Purpose.DOCUMENT_INTEGRITY, **changes)


@pytest.mark.parametrize(
    ("urgency", "due"), [(Urgency.ROUTINE, timedelta(days=7)), (Urgency.URGENT, timedelta(hours=8))]
)
def test_a_request_for_information_is_due_when_the_law_says(
    world: LyingWorld, terms: Any, urgency: Urgency, due: timedelta
) -> None:
    request = request_information(world, terms, urgency=urgency)
    found = read_at(world, "VN", request.message_id)
    assert found.stored.reply_due == found.provenance.accepted_at + due


def test_a_request_is_answered_in_steps_and_the_same_step_once(world: LyingWorld, terms: Any) -> None:
    request = request_information(world, terms)
    later = format_timestamp(world.clock.now() + timedelta(days=3))
    partly = {
        "outcome": "partly",
        "answers": [{"item": "document-record", "result": "follows"}],
        "more_by": later,
    }
    whole = {"outcome": "answered", "answers": [{"item": "document-record", "result": "told"}]}
    told = {
        "statements": [{"text": "Issued in 2007 to this holder.", "basis": "fact"}],
        "grading": {"scheme": "europol-4x4", "source": "A", "information": "1"},
    }
    first = reply(world["VN"], request.message_id, AUTHOR, details=partly)
    again = reply(world["VN"], request.message_id, AUTHOR, details=partly)
    second = reply(world["VN"], request.message_id, AUTHOR, details=whole, told=told)
    assert [report.is_repeated for report in (first, again, second)] == [False, True, False]
    assert again.items[0].message_id == first.items[0].message_id
    found = read_at(world, "GB", second.items[0].message_id)
    assert [statement.text for statement in found.alert.statements] == ["Issued in 2007 to this holder."]
    assert found.message.purpose is Purpose.DOCUMENT_INTEGRITY


def test_an_answer_that_would_change_more_than_it_may_is_refused(world: LyingWorld, terms: Any) -> None:
    request = request_information(world, terms)
    with pytest.raises(UsageError, match="onward"):
        reply(world["VN"], request.message_id, AUTHOR, details={"outcome": "no-record"}, told={"onward": ["BE"]})


def test_a_refused_request_becomes_a_reply_with_its_ground(world: LyingWorld, terms: Any) -> None:
    request = request_information(world, terms)
    report = refuse(world["VN"], request.message_id, AUTHOR, ground="national-security")
    found = read_at(world, "GB", report.items[0].message_id)
    assert (found.alert.kind, found.alert.to_wire()["details"]["outcome"]) == ("information-reply", "refused")
    assert list_said(world, request)["refused"] == "national-security"


def test_a_refused_question_becomes_a_reply_with_its_ground(world: LyingWorld, terms: Any) -> None:
    question = ask(world, terms)
    report = refuse(world["VN"], question.message_id, AUTHOR, ground="not-competent")
    found = read_at(world, "GB", report.items[0].message_id)
    assert found.alert.to_wire()["details"]["refusal"] == {"ground": "not-competent"}
    assert found.alert.kind == "document-verification-reply"
    assert list_said(world, question)["refused"] == "not-competent"


def test_any_other_refused_message_is_acknowledged_with_the_ground(world: LyingWorld, terms: Any) -> None:
    message = send_and_receive(world, terms, make_ping())
    report = refuse(world["VN"], message.message_id, AUTHOR, ground="other", words="Not here.")
    found = read_at(world, "GB", report.items[0].message_id)
    assert found.alert.kind == "acknowledgement"
    assert found.alert.to_wire()["details"]["refusal"] == {"ground": "other", "words": "Not here."}


def test_a_refusal_without_a_ground_is_no_acknowledgement(world: LyingWorld, terms: Any) -> None:
    message = send_and_receive(world, terms, make_ping())
    with pytest.raises(UsageError, match="ground"):
        acknowledge(world["VN"], message.message_id, AUTHOR, action=ActionTaken.REFUSED)


def test_an_outcome_may_be_reported_again_when_more_is_known(world: LyingWorld, terms: Any) -> None:
    message = send_and_receive(world, terms, make_ping())
    ids = {
        report_outcome(world["VN"], message.message_id, AUTHOR, details={"result": result, "usefulness": 3})
        .items[0]
        .message_id
        for result in ("unresolved", "confirmed")
    }
    assert len(ids) == 2
    assert list_said(world, message)["acted"] == ""


def erase(world: LyingWorld, message: InboxMessage) -> None:
    """Let VN's content of a message come to its end."""
    with world["VN"].store.write() as transaction:
        note = world["VN"].note_access(Action.ERASURE, "erase", "its term has ended")
        erase_content(transaction, message.digest, note)


def test_what_was_erased_here_is_still_answered_by_the_rows_that_name_it(world: LyingWorld, request: Any) -> None:
    clauses = (make_wide_clause("GB", "VN", handling=(HandlingCode.H0, HandlingCode.H2)), make_wide_clause("VN", "GB"))
    terms = world.agree("GB", "VN", f"{request.node.path.stem} {request.node.name}", clauses=clauses)
    vn, message, question = world["VN"], send_and_receive(world, terms, make_ping()), ask(world, terms)
    erase(world, message)
    erase(world, question)
    document = {"type": "passport", "issuing_state": "UTO", "number": "L898902C3"}
    answered = {"outcome": "no-record", "document": document}
    reports = (
        acknowledge(vn, message.message_id, AUTHOR, words="Noted, and gone since."),
        report_outcome(vn, message.message_id, AUTHOR, details={"result": "confirmed", "usefulness": 4}),
        refuse(vn, question.message_id, AUTHOR, ground="not-competent"),
        reply(vn, question.message_id, AUTHOR, details=answered),
    )
    kinds = ["acknowledgement", "outcome", "acknowledgement", "document-verification-reply"]
    assert [report.kind for report in reports] == kinds
    read = [read_at(world, "GB", report.items[0].message_id) for report in reports]
    for found, about in zip(read, (message, message, question, question), strict=True):
        wire = found.alert.to_wire()
        assert (wire["thread"], wire["in_reply_to"]["id"]) == (about.thread, about.message_id)
        assert (wire["handling"], wire["pap"]) == ({"codes": ["h2"]}, "amber"), "the strictest that its clause knows"
    assert read[-1].message.purpose is Purpose.BORDER_CONTROL, "as its reader was told"
    assert acknowledge(vn, message.message_id, AUTHOR).is_repeated
    with vn.store.read() as snapshot:
        assert find_erasure(snapshot, message.digest) is not None
    with pytest.raises(UsageError, match="no question"):
        reply(vn, message.message_id, AUTHOR, details=answered)


def test_nobody_answers_a_message_of_ones_own(world: LyingWorld, terms: Any) -> None:
    message = send_and_receive(world, terms, make_ping())
    with pytest.raises(UsageError, match="own"):
        acknowledge(world["GB"], message.message_id, AUTHOR)


@pytest.mark.parametrize("text", ["genuine", "=no", "genuine="])
def test_an_answer_is_written_one_way(text: str) -> None:
    with pytest.raises(UsageError, match="no answer"):
        make_answers([text])
