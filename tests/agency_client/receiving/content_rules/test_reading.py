"""What an opened message is taken for: what lists show of it, what it follows, and why it is refused, in words."""

from datetime import UTC, datetime
from typing import Any

import pytest

from agency_client.errors import ClientError
from agency_client.receiving.content_rules import AcceptedContent, accept_content, read_alert
from agency_client.receiving.errors import NotCoveredError, UnprovenError
from agency_client.receiving.rules import MessageFacts
from agency_client.receiving.sealed import strip_ciphertext
from schemas.agreements.terms import AnswerDeadline, OnwardRule
from schemas.codec import decode_json
from schemas.disclosure import disclose
from schemas.envelope import Message, Provenance, Reference
from schemas.markings import HandlingCode, Purpose, Urgency
from tests.agency_client.receiving.test_content_rules import make_content
from tests.agency_client.receiving.test_rules import GB, VN, make_facts
from tests.support.lying_world import make_alert, make_ping
from tests.support.messages import make_id, make_message, seal

HERE = Reference(id=make_id("the copy here"), digest="A" * 43)
THERE = Reference(id=make_id("the original there"), digest="B" * 42 + "A")


def accept(alert: dict[str, Any], clause: dict[str, Any] | None = None, **message: Any) -> AcceptedContent:
    """Accept an alert under an agreement of one clause."""
    return accept_content(*make_content(alert, clause, **message))


def refuse(facts: MessageFacts, message: Message) -> tuple[type[ClientError], str, str]:
    """Return how content is refused: kind, code and sentence."""
    with pytest.raises((UnprovenError, NotCoveredError)) as caught:
        accept_content(facts, message)
    return type(caught.value), caught.value.code, caught.value.sentence


def pass_on(message: Message, **original: Any) -> Message:
    """Return a message as one that was passed on, from an original with another header."""
    first = make_message(VN, GB, name="original", alert=message.alert, kind=message.header.routing.kind, **original)
    document = strip_ciphertext(seal(first, VN, GB).envelope)
    provenance = Provenance(original=disclose(document, first, b"proof"), path=("VN", "GB-HO"))
    return message.model_copy(update={"provenance": provenance})


def test_what_was_accepted_is_the_message_and_the_alert_inside() -> None:
    facts, message = make_content(make_ping(subject="Series 77"))
    accepted = accept_content(facts, message)
    assert accepted.message is message
    assert (accepted.alert.kind, accepted.alert.subject) == ("ping", "Series 77")


def test_lists_show_subject_author_attachments_and_conditions_and_nothing_else() -> None:
    caveats = [{"code": "protect-source"}]
    ping = make_ping(handling={"codes": ["h0", "h2"]}, caveats=caveats)
    assert decode_json(accept(ping, {"handling": tuple(HandlingCode)}).summary) == {
        "subject": "A ping of the tests",
        "unit": "Duty desk",
        "officer": "officer-17",
        "attachments": 0,
        "handling": "green h0 h2 protect-source",
    }


def test_a_notice_is_answered_by_the_day_it_names() -> None:
    details = {"ground": "accuracy-contested", "required_action": "restrict", "acknowledge_by": "2026-11-05T12:00:00Z"}
    notice = make_alert("restriction", details, in_reply_to=HERE.to_wire())
    assert accept(notice, refers_to=HERE).reply_due == datetime(2026, 11, 5, 12, tzinfo=UTC)


def test_an_answer_asked_for_too_soon_is_shown_with_the_time_agreed_for_its_urgency() -> None:
    deadlines = (
        AnswerDeadline(urgency=Urgency.ROUTINE, minutes=60),
        AnswerDeadline(urgency=Urgency.URGENT, minutes=480),
    )
    ping = make_ping(reply_due="2026-11-02T03:00:00Z", urgency_reason="A crossing is expected.")
    (urgent,) = accept(ping, {"answer_within": deadlines}, urgency=Urgency.URGENT).applied
    (routine,) = accept(ping, {"answer_within": deadlines}).applied
    assert [limit.code for limit in urgent.limits] == ["reply-due-too-soon"]
    assert routine.limits == ()


def test_a_relayed_notice_refers_to_what_its_author_knew_and_its_header_to_the_copy_here() -> None:
    details = {"ground": "accuracy-contested", "required_action": "restrict", "acknowledge_by": "2026-11-05T12:00:00Z"}
    notice = make_alert("restriction", details, in_reply_to=THERE.to_wire())
    facts, message = make_content(notice, refers_to=HERE)
    assert refuse(facts, message)[:2] == (UnprovenError, "header-mismatch")
    assert read_alert(pass_on(message, refers_to=THERE), facts).kind == "restriction"
    assert refuse(facts, pass_on(message, refers_to=HERE))[:2] == (UnprovenError, "header-mismatch")


def test_an_agreement_that_forbids_passing_on_covers_no_copy() -> None:
    """A copy names whom its originator let have it; that list is no leave that this sender gives in advance."""
    facts, message = make_content(make_ping(onward=["VN"]), {"onward": OnwardRule.FORBIDDEN})
    assert refuse(facts, message)[:2] == (NotCoveredError, "onward-not-covered")
    (applied,) = accept_content(facts, pass_on(message)).applied
    assert applied.limits == ()


def test_another_kind_inside_than_outside_is_refused_in_words() -> None:
    facts = make_facts(message={"kind": "withdrawal", "alert": make_ping()})
    assert refuse(facts, make_message(GB, VN, alert=make_ping())) == (
        UnprovenError,
        "header-mismatch",
        "kind: the header says withdrawal, the alert ping",
    )


def test_an_alert_that_cannot_be_read_is_refused_by_what_is_wrong_with_it() -> None:
    unknown = refuse(*make_content(make_alert("stowaway", {})))
    unreadable = refuse(*make_content(make_alert("ping", {"text": 7})))
    assert unknown[:2] == (NotCoveredError, "unknown-kind")
    assert unknown[2].startswith("the alert's kind is not known to this version: ")
    assert "stowaway" in unknown[2]
    assert unreadable[:2] == (NotCoveredError, "alert-invalid")
    assert unreadable[2].startswith("the alert inside cannot be read: details.text")


def test_every_reason_for_which_an_agreement_does_not_cover_content_stands_in_the_sentence() -> None:
    alert = make_ping(handling={"codes": ["h1"]})
    kind, code, sentence = refuse(*make_content(alert, {"purposes": (Purpose.SYSTEM_TEST,)}))
    assert (kind, code) == (NotCoveredError, "purpose-not-covered")
    assert sentence == (
        "“Memorandum on document fraud”, version 1, does not cover its content: "
        "document-integrity is not among system-test; handling h1 is not among h0"
    )
