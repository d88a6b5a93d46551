"""The originator's decision reaches who asked for it over others, to the letter, and once."""

import pytest

from agency_client.aftercare.overview import view_aftercare
from agency_client.aftercare.relaying import relay_notices
from agency_client.aftercare.rules import NOTHING_SAID
from agency_client.aftercare.standing import load_standing
from agency_client.local_store.aftercare import list_notices
from agency_client.local_store.content import has_content
from agency_client.local_store.inbox import InboxMessage, InboxState
from agency_client.local_store.onward import list_onward_copies
from agency_client.onward.forwarding import forward_decisions
from agency_client.onward.passing_on import NoRightError
from agency_client.onward.requesting import request_for_partner
from agency_client.reading.messages import ReadMessage, read_message
from agency_client.receiving.flow import receive
from agency_client.receiving.own_receipts import send_due_receipts, sign_owed_receipts
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


def test_a_consent_taken_back_follows_the_copies_that_went_by_it_and_no_others(row: Row) -> None:
    """AL has the message twice, by VN's consent and by its name in another one: only the first is taken back."""
    held, named = row.send(VN, BE), row.send(VN, BE, onward=[AL])
    consent = row.consent(BE, held, AL)
    copy = row.take_in(AL, row.pass_on(BE, held, AL))
    other = row.take_in(AL, row.pass_on(BE, named, AL))
    withdraw(row[VN], consent.message_id, AUTHOR, because="wrong")
    receive(row[BE])
    assert len(relay_notices(row[BE]).relayed) == 1
    receive(row[AL])
    with row[AL].store.read() as snapshot:
        (notice,) = list_notices(snapshot, copy.digest)
        assert (notice.author, notice.kind, notice.effect, notice.about) == (VN, "withdrawal", "erased", consent.digest)
        assert load_standing(snapshot, copy.digest).is_withdrawn
        assert (has_content(snapshot, copy.digest), has_content(snapshot, other.digest)) == (False, True)
        assert load_standing(snapshot, other.digest) == NOTHING_SAID
    with row[BE].store.read() as snapshot:
        assert has_content(snapshot, held.digest), "the message itself is not taken back"
        assert load_standing(snapshot, held.digest) == NOTHING_SAID
        (sent,) = list_onward_copies(snapshot, held.digest)
        assert not has_content(snapshot, sent.copy_digest)
    sign_owed_receipts(row[AL])
    send_due_receipts(row[AL])
    receive(row[BE])
    assert relay_notices(row[BE]).reported
    receive(row[VN])
    (line,) = [line for line in view_aftercare(row[VN]).lines if line.target_id == consent.message_id]
    assert [(acting.agency, acting.reported_by) for acting in line.agencies] == [(BE, ""), (AL, BE)]


def test_a_consent_for_a_holder_further_on_is_taken_back_where_its_copy_went(row: Row) -> None:
    copy, question = ask_over_be(row)
    decided = row.grant(VN, question)
    forward_decisions(row[BE])
    receive(row[AL])
    further = row.take_in(GB, row.pass_on(AL, copy, GB))
    withdraw(row[VN], decided.message_id, AUTHOR, because="wrong", required_action="stop-using")
    for agency in (BE, AL):
        receive(row[agency])
        relay_notices(row[agency])
    receive(row[GB])
    with row[GB].store.read() as snapshot:
        standing = load_standing(snapshot, further.digest)
    assert (standing.is_withdrawn, standing.is_restricted) == (True, True)
    with row[AL].store.read() as snapshot:
        assert load_standing(snapshot, copy.digest) == NOTHING_SAID, "AL has its copy by its name in the message"
