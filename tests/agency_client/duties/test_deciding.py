"""What a register answered is confirmed, or acted on, by a named officer only: at the sender and at the recipient."""

from datetime import UTC, datetime
from typing import Any

import pytest

from agency_client.duties.deciding import DecisionMissingError, make_decision, parse_special
from agency_client.errors import UsageError
from agency_client.local_store.inbox import InboxState
from agency_client.sending.answering import Author, report_outcome
from agency_client.sending.draft import Draft
from agency_client.sending.flow import send_alert
from schemas.envelope import Reference
from schemas.markings import Purpose
from tests.support.lying_world import LyingWorld, make_alert, make_ping, refer_to

AUTHOR = Author("second line", "Second line", "officer-17")
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
DECISION = {"officer": "officer-17", "decided_at": "2026-11-21T18:40:00Z", "words": "Photograph compared."}


def receive_automatic(world: LyingWorld, terms: Any) -> Reference:
    """Let GB ask and VN's register answer by itself, each through its own client; GB has the answer."""
    question = world.craft("GB", "VN", terms, alert=make_ping())
    world.deliver(question, "VN")
    world.collect("VN")
    details = {
        "document": {"type": "passport", "issuing_state": "UTO", "number": "L898902C3"},
        "outcome": "no-record",
        "is_automatic": True,
    }
    alert = make_alert("document-verification-reply", details, in_reply_to=refer_to(question).to_wire())
    draft = Draft(
        alert=alert,
        purpose=Purpose.SYSTEM_TEST,
        necessity="It answers what was asked.",
        reason="register",
        agreement=terms.id,
    )
    (leg,) = send_alert(world["VN"], draft).legs
    world.collect("GB")
    return Reference(id=leg.message_id, digest=leg.digest)


def make_outcome(reply: Reference, **details: Any) -> dict[str, Any]:
    """Return the outcome of an answer."""
    return make_alert("outcome", {"result": "confirmed", "usefulness": 3} | details, in_reply_to=reply.to_wire())


@pytest.mark.parametrize("details", [{"result": "confirmed"}, {"result": "unresolved", "actions": ["arrest"]}])
def test_an_automatic_answer_is_not_confirmed_without_a_decision(
    world: LyingWorld, terms: Any, details: dict[str, Any]
) -> None:
    reply = receive_automatic(world, terms)
    with pytest.raises(DecisionMissingError):
        report_outcome(world["GB"], reply.id, AUTHOR, details=details | {"usefulness": 3})
    decided = details | {"usefulness": 3, "decision": DECISION}
    assert report_outcome(world["GB"], reply.id, AUTHOR, details=decided).items


def test_what_harms_nobody_needs_no_decision(world: LyingWorld, terms: Any) -> None:
    reply = receive_automatic(world, terms)
    assert report_outcome(world["GB"], reply.id, AUTHOR, details={"result": "no-match", "usefulness": 3}).items


def test_a_recipient_refuses_what_a_hostile_sender_confirms_without_a_person(world: LyingWorld, terms: Any) -> None:
    """GB's client is somebody else's program here, and names nobody."""
    reply = receive_automatic(world, terms)
    for alert, state in (
        (make_outcome(reply), InboxState.REFUSED),
        (make_outcome(reply, is_automatic=True), InboxState.REFUSED),
        (make_outcome(reply, decision=DECISION), InboxState.OPENED),
    ):
        sealed = world.craft("GB", "VN", terms, alert=alert, refers_to=reply)
        world.deliver(sealed, "VN")
        found = world.receive("VN", sealed)
        assert found.state is state, found.problem


def test_the_decision_is_asked_for_only_where_a_machine_matched() -> None:
    def never() -> str:
        raise AssertionError("nobody is to be asked")

    confirmed = {"result": "confirmed", "is_automatic": True}
    assert make_decision({"result": "confirmed"}, AUTHOR, NOON, words=None, ask=never) == {}
    assert make_decision({"result": "false", "is_automatic": True}, AUTHOR, NOON, words=None, ask=never) == {}
    assert make_decision(confirmed | {"decision": DECISION}, AUTHOR, NOON, words="x", ask=never) == {}
    asked = make_decision(confirmed, AUTHOR, NOON, words=None, ask=lambda: "Signature compared.")
    given = make_decision(confirmed, AUTHOR, NOON, words="Signature compared.", ask=never)
    assert asked == given
    assert asked["decision"] == {
        "officer": "officer-17",
        "decided_at": "2026-11-21T12:00:00Z",
        "words": "Signature compared.",
    }


def test_special_categories_are_typed_with_their_reason() -> None:
    assert parse_special([]) is None
    assert parse_special(["biometric=namesakes", "health=officers must be safe"]) == {
        "categories": ["biometric", "health"],
        "strictly_necessary_because": "namesakes\nofficers must be safe",
    }
    for wrong in ("biometric", "biometric= ", "mood=bad"):
        with pytest.raises(UsageError, match="CATEGORY=WHY"):
            parse_special([wrong])
