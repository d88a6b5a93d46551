"""Header and alert say the same kind and the same reference; what is urgent says why."""

import pytest

from schemas.alerts import Alert, parse_alert
from schemas.alerts.header_rules import (
    HeaderMismatchError,
    choose_shown_kind,
    verify_header_agrees,
    verify_urgency_reason,
)
from schemas.alerts.registry import InvalidAlertError
from schemas.envelope import Header, Reference
from schemas.markings import Urgency
from tests.schemas.alerts.filled import ABSENT, load, parse_changed

DIGEST = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
ID = "5d1c8a52-6f0e-4b7a-9a53-0c7de1c5a9b4"
OTHER = Reference(id="00000000-0000-4000-8000-000000000000", digest=DIGEST)


def header(kind: str, refers_to: Reference | None = None) -> Header:
    recipient = {"agency": "VN-IMM", "kid": DIGEST, "agreement": DIGEST, "stream": "A" * 22, "n": 1}
    wire = {
        "v": 1,
        "exchange": "test",
        "id": ID,
        "issued_at": "2026-11-21T21:02:25Z",
        "expires_at": "2026-11-22T21:02:25Z",
        "sender": {"agency": "BE-IMM", "keyset": 1, "kids": [DIGEST, DIGEST]},
        "recipients": [recipient],
        "routing": {"kind": kind, "marking": "amber", "urgency": "routine"},
    }
    return Header.from_wire(wire if refers_to is None else wire | {"refers_to": refers_to.to_wire()})


@pytest.fixture
def correction() -> Alert:
    return parse_alert(load("correction"))


def test_the_same_kind_and_reference_agree(correction: Alert) -> None:
    verify_header_agrees(correction, header("correction", correction.in_reply_to))
    verify_header_agrees(parse_alert(load("ping")), header("ping"))


def test_a_confidential_header_hides_the_kind_it_stands_for_and_no_other() -> None:
    verify_header_agrees(parse_alert(load("victim-safeguarding")), header("confidential"))
    with pytest.raises(HeaderMismatchError, match="the header says confidential, the alert ping"):
        verify_header_agrees(parse_alert(load("ping")), header("confidential"))


def test_a_kind_that_is_confidential_is_never_shown_by_its_name() -> None:
    with pytest.raises(HeaderMismatchError, match="the header says victim-safeguarding"):
        verify_header_agrees(parse_alert(load("victim-safeguarding")), header("victim-safeguarding"))
    assert choose_shown_kind("ping") == "ping"


def test_another_kind_in_the_header_is_refused() -> None:
    with pytest.raises(HeaderMismatchError, match="kind: the header says withdrawal, the alert ping") as refusal:
        verify_header_agrees(parse_alert(load("ping")), header("withdrawal"))
    assert refusal.value.code == "header-mismatch"


@pytest.mark.parametrize("refers_to", [None, OTHER])
def test_aftercare_refers_to_one_message_inside_and_outside(correction: Alert, refers_to: Reference | None) -> None:
    with pytest.raises(HeaderMismatchError) as refusal:
        verify_header_agrees(correction, header("correction", refers_to))
    assert str(refusal.value) == "in_reply_to: the header refers to another message, or to none"


def test_what_is_passed_on_refers_to_what_its_author_knew_and_not_to_the_copy(correction: Alert) -> None:
    original, copy = header("correction", correction.in_reply_to), header("correction", OTHER)
    verify_header_agrees(correction, copy, original=original)
    with pytest.raises(HeaderMismatchError):
        verify_header_agrees(correction, original, original=copy)


@pytest.mark.parametrize("urgency", [Urgency.URGENT, Urgency.THREAT_TO_LIFE])
def test_what_is_urgent_says_why(urgency: Urgency) -> None:
    verify_urgency_reason(parse_alert(load("document-verification")), urgency)
    with pytest.raises(InvalidAlertError, match=f"urgency_reason: is missing, and {urgency} needs it"):
        verify_urgency_reason(parse_changed("document-verification", {"urgency_reason": ABSENT}), urgency)


def test_routine_needs_no_reason() -> None:
    verify_urgency_reason(parse_alert(load("document-fraud")), Urgency.ROUTINE)


def test_who_must_say_why_is_shown_how() -> None:
    with pytest.raises(InvalidAlertError) as refusal:
        verify_urgency_reason(parse_changed("document-verification", {"urgency_reason": ABSENT}), Urgency.URGENT)
    (problem,) = refusal.value.problems
    assert problem.example == "The traveller is held at the border until the answer."
