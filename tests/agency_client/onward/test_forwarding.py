"""The originator's decision reaches who asked for it over others, to the letter, and once."""

import pytest

from agency_client.aftercare.relaying import relay_notices
from agency_client.local_store.inbox import InboxMessage, InboxState
from agency_client.onward.forwarding import forward_decisions
from agency_client.onward.passing_on import NoRightError
from agency_client.onward.requesting import request_for_partner
from agency_client.reading.messages import ReadMessage, read_message
from agency_client.receiving.flow import receive
from agency_client.sending.noticing import withdraw
from tests.support.onward import AL, AUTHOR, BE, GB, VN, Row


def ask_over_be(row: Row) -> tuple[InboxMessage, InboxMessage]:
    """Let AL ask over BE whether a copy may go on to GB; return the copy and the question as VN has it."""
    held = row.send(VN, BE, onward=[AL])
    copy = row.take_in(AL, row.pass_on(BE, held, AL))
    question = row.ask(AL, copy, recipients=(GB,))
    mine = request_for_partner(row[BE], question.message_id, AUTHOR)
    receive(row[VN])
    return copy, row.find(VN, mine.item.message_id)


def test_a_consent_for_a_holder_further_on_arrives_there_and_lets_the_copy_go_on(row: Row) -> None:
    copy, question = ask_over_be(row)
    assert forward_decisions(row[BE]).forwarded == []
    decided = row.grant(VN, question, conditions="Once.")
    (forwarded,) = forward_decisions(row[BE]).forwarded
    receive(row[AL])
    arrived = row.find(AL, forwarded)

    assert (arrived.state, arrived.problem, arrived.kind) == (InboxState.OPENED, None, "release-decision")
    found = read_message(row[AL], forwarded, reason="case 74/08")
    assert isinstance(found, ReadMessage)
    assert found.origin is not None
    assert (found.origin.originator, found.origin.path) == (VN, (VN, BE))
    assert found.origin.reference.digest == decided.digest

    further = row.take_in(GB, row.pass_on(AL, copy, GB))
    assert (further.state, further.problem) == (InboxState.OPENED, None)
    shown = read_message(row[GB], further.message_id, reason="case 74/08")
    assert isinstance(shown, ReadMessage)
    assert shown.origin is not None
    assert shown.origin.spell_way().startswith("VN → BE → AL → GB, consent of VN of ")


def test_a_decision_is_passed_on_once(row: Row) -> None:
    _, question = ask_over_be(row)
    row.grant(VN, question)
    assert len(forward_decisions(row[BE]).forwarded) == 1
    report = forward_decisions(row[BE])
    assert (report.forwarded, report.problems) == ([], [])


def test_a_consent_taken_back_is_taken_back_where_it_was_passed_on_to(row: Row) -> None:
    copy, question = ask_over_be(row)
    decided = row.grant(VN, question)
    forward_decisions(row[BE])
    receive(row[AL])
    withdraw(row[VN], decided.message_id, AUTHOR, because="wrong", required_action="stop-using")
    receive(row[BE])
    assert len(relay_notices(row[BE]).relayed) == 1
    receive(row[AL])
    with pytest.raises(NoRightError):
        row.pass_on(AL, copy, GB)
