"""Who may say what to whom, by the states that key sets name: reports about documents, movements of citizens."""

import pytest

from schemas.alerts import parse_alert
from schemas.alerts.base import Alert
from schemas.alerts.kinds.document_status import NotIssuerError
from schemas.alerts.kinds.movement_notice import NotACitizenError
from schemas.alerts.parties import (
    AnotherDocumentError,
    StateUnknownError,
    verify_reporter,
    verify_same_document,
    verify_subject,
)
from tests.schemas.alerts.filled import load

REPORT, MOVEMENT, OTHER = (parse_alert(load(kind)) for kind in ("document-status", "movement-notice", "facilitator"))


def test_a_document_is_reported_by_the_state_that_issued_it() -> None:
    verify_reporter(REPORT, "UT-PO", "UTO")
    with pytest.raises(NotIssuerError, match="Utopia"):
        verify_reporter(REPORT, "VN-IMM", "VNM")


def test_movements_are_told_of_citizens_of_the_two_states() -> None:
    verify_subject(MOVEMENT, ("GB-BF", "GBR"), ("UT-IMM", "UTO"))
    with pytest.raises(NotACitizenError, match="Utopia"):
        verify_subject(MOVEMENT, ("GB-BF", "GBR"), ("VN-IMM", "VNM"))


def test_who_names_no_state_says_nothing_that_depends_on_it() -> None:
    with pytest.raises(StateUnknownError, match="UT-PO") as refusal:
        verify_reporter(REPORT, "UT-PO", None)
    assert (refusal.value.code, refusal.value.field) == ("state-unknown", "details.issuing_state")
    for pair in ((("GB-BF", None), ("UT-IMM", "UTO")), (("UT-IMM", "UTO"), ("GB-BF", None))):
        with pytest.raises(StateUnknownError, match="GB-BF") as refusal:
            verify_subject(MOVEMENT, *pair)
        assert refusal.value.field == "details.nationality"


def test_other_kinds_depend_on_no_state() -> None:
    verify_reporter(OTHER, "GB-BF", None)
    verify_subject(OTHER, ("GB-BF", None), ("VN-IMM", None))


def report(**details: str) -> Alert:
    """Return a report that one passport was lost."""
    about = {"type": "passport", "issuing_state": "UTO", "status": "lost", "national_reference": "UTO-1"}
    return parse_alert(load("document-status") | {"details": about | {"number": "L898902C3"} | details})


def test_a_report_stays_one_of_the_same_document_however_its_number_is_spelled() -> None:
    verify_same_document(report(), report(number="L 898902-c3", status="stolen"))
    verify_same_document(OTHER, OTHER)
    with pytest.raises(AnotherDocumentError) as refusal:
        verify_same_document(report(), report(number="L898902C4"))
    assert str(refusal.value) == (
        "details.number: another document is reported in a report of its own; withdraw this one"
    )
    with pytest.raises(AnotherDocumentError, match=r"details\.number"):
        verify_same_document(REPORT, report())
    with pytest.raises(AnotherDocumentError, match=r"details\.issuing_state"):
        verify_same_document(report(), report(issuing_state="VNM"))
