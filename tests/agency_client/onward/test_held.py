"""What is held goes on as its originator lets it stand now: corrected, restricted or taken back, up to the seal."""

from typing import Any

import pytest

from agency_client.errors import DeniedError
from agency_client.local_store.inbox import InboxMessage
from agency_client.onward.consents import load_decisions
from agency_client.onward.passing_on import NoRightError
from agency_client.reading.messages import read_message
from agency_client.receiving.flow import receive
from agency_client.sending.noticing import correct, withdraw
from tests.support.onward import AL, AUTHOR, BE, VN, Row


def test_what_is_taken_back_while_it_is_judged_does_not_go_on(row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process of the node receives the withdrawal between the rule and the seal."""
    held = row.send(VN, BE, onward=[AL])

    def load_late(*names: Any, **members: Any) -> Any:
        found = load_decisions(*names, **members)
        withdraw(row[VN], held.message_id, AUTHOR, because="wrong", required_action="stop-using")
        receive(row[BE])
        return found

    monkeypatch.setattr("agency_client.onward.passing_on.load_decisions", load_late)
    with pytest.raises(DeniedError) as refused:
        row.pass_on(BE, held, AL)
    assert refused.value.code == "notice-came"


@pytest.mark.parametrize(("field", "was", "now"), [("onward", "AL", "GB"), ("handling.codes", "h0", "h0,h2")])
def test_whom_the_originator_names_no_more_gets_nothing(row: Row, field: str, was: str, now: str) -> None:
    held = row.send(VN, BE, onward=[AL], handling={"codes": ["h0"]})
    changes = {"changes": [{"field": field, "was": was, "now": now}], "reason": "new-findings"}
    correct(row[VN], held.message_id, AUTHOR, details=changes)
    receive(row[BE])
    with pytest.raises(NoRightError) as refused:
        row.pass_on(BE, held, AL)
    assert refused.value.code == "consent-missing"


def test_a_consent_that_was_corrected_is_asked_for_again(row: Row) -> None:
    held = row.send(VN, BE)
    decided = row.consent(BE, held, AL)
    was = read_decision(row, decided)
    changes = {
        "changes": [{"field": "details.purposes", "was": was, "now": "border-control"}],
        "reason": "new-findings",
    }
    correct(row[VN], decided.message_id, AUTHOR, details=changes)
    receive(row[BE])
    with pytest.raises(NoRightError):
        row.pass_on(BE, held, AL)


def read_decision(row: Row, decided: InboxMessage) -> str:
    details = read_message(row[BE], decided.message_id, reason="x").alert.to_wire()["details"]
    return ",".join(details["purposes"])
