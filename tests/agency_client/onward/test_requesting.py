"""A question goes back the way the message came, and is not asked where nobody can allow it."""

import pytest

from agency_client.errors import DeniedError, UsageError
from agency_client.local_store.inbox import InboxState
from agency_client.local_store.onward import find_asked_request
from agency_client.local_store.releases import list_questions
from agency_client.onward.passing_on import NoRightError
from agency_client.onward.requesting import Question, find_sent_digest, request_for_partner, request_release
from agency_client.reading.messages import ReadMessage, read_message
from agency_client.receiving.flow import receive
from agency_client.sending.flow import NotCoveredError
from schemas.agreements.terms import OnwardRule
from schemas.alerts.kinds.release_request import Proceeding, ReleaseRequest, ReleaseUse
from schemas.markings import Purpose
from tests.support.lying_world import LyingWorld
from tests.support.nodes import make_wide_clause
from tests.support.onward import AL, AUTHOR, BE, GB, PURPOSE, VN, Row, make_row

COURT = Proceeding(court="Brussels", proceeding="74/08")


def read_request(row: Row, agency: str, message_id: str) -> ReleaseRequest:
    found = read_message(row[agency], message_id, reason="case 74/08")
    assert isinstance(found, ReadMessage)
    assert isinstance(found.alert.details, ReleaseRequest)
    return found.alert.details


def test_the_originator_reads_what_is_asked_by_whom_and_why(row: Row) -> None:
    held = row.send(VN, BE)
    question = row.ask(BE, held, recipients=(AL,))
    asked = read_request(row, VN, question.message_id)

    assert (asked.use, asked.held_by, asked.recipients, asked.purposes) == (ReleaseUse.ONWARD, BE, (AL,), (PURPOSE,))
    assert (asked.original.agency, asked.original.message.digest) == (VN, held.digest)
    assert asked.because == "Their laboratory needs it."


def test_a_court_is_named_with_its_proceeding(row: Row) -> None:
    held = row.send(VN, BE)
    question = row.ask(BE, held, court=COURT, purposes=(Purpose.CRIMINAL_INVESTIGATION,))
    asked = read_request(row, VN, question.message_id)
    assert (asked.use, asked.court, asked.recipients) == (ReleaseUse.COURT, COURT, None)
    assert asked.purposes == (Purpose.CRIMINAL_INVESTIGATION,)


def test_what_the_agreement_forbids_is_not_asked(four_agencies: LyingWorld) -> None:
    strict = make_row(four_agencies, "not asked", onward=OnwardRule.LISTED, onward_agencies=(GB,))
    held = strict.send(VN, BE)
    with pytest.raises(NoRightError, match="lets it go on to GB only, not to AL") as refused:
        request_release(strict[BE], held.message_id, Question(because="Why", recipients=(AL,)), AUTHOR)
    assert refused.value.code == "onward-forbidden"
    # A court is no agency that it goes on to: that is the originator's to decide.
    assert request_release(strict[BE], held.message_id, Question(because="Why", court=COURT), AUTHOR).of == VN


def test_the_holder_of_a_copy_asks_over_who_passed_it_on(row: Row) -> None:
    held = row.send(VN, BE, onward=[AL])
    copy = row.take_in(AL, row.pass_on(BE, held, AL))
    question = row.ask(AL, copy, recipients=(GB,))
    mine = request_for_partner(row[BE], question.message_id, AUTHOR)
    receive(row[VN])
    asked = read_request(row, VN, mine.item.message_id)

    assert (asked.held_by, asked.recipients) == (AL, (GB,))
    assert asked.original.message.digest == held.digest
    with row[BE].store.read() as snapshot:
        assert find_asked_request(snapshot, find_sent_digest(snapshot, mine.item.message_id)) == question.digest
        (listed,) = [item for item in list_questions(snapshot) if item.digest == question.digest]
    assert (listed.is_own, listed.is_passed_on, listed.outcome) == (False, True, None)
    again = request_for_partner(row[BE], question.message_id, AUTHOR)
    assert (again.is_repeated, again.item.message_id) == (True, mine.item.message_id)


def test_nobody_passes_on_a_question_that_it_decides_itself_or_is_none(row: Row) -> None:
    held = row.send(VN, BE)
    question = row.ask(BE, held, recipients=(AL,))
    with pytest.raises(UsageError, match="this agency itself decides"):
        request_for_partner(row[VN], question.message_id, AUTHOR)
    with pytest.raises(UsageError, match="asks this agency for no release"):
        request_for_partner(row[BE], held.message_id, AUTHOR)


def test_a_question_about_something_else_than_was_passed_on_is_not_carried(row: Row) -> None:
    held, other = row.send(VN, BE, onward=[AL]), row.send(VN, BE, onward=[AL])
    copy = row.take_in(AL, row.pass_on(BE, held, AL))
    question = row.ask(AL, copy, recipients=(GB,))
    with row[BE].store.write() as transaction:
        transaction.execute(
            "UPDATE onward_copy SET original_digest = ? WHERE copy_digest = ?", other.digest, copy.digest
        )
    with pytest.raises(DeniedError, match="not about what this agency passed on there"):
        request_for_partner(row[BE], question.message_id, AUTHOR)


def test_the_holder_of_a_copy_may_ask_its_originator_itself_under_their_own_agreement(row: Row) -> None:
    held = row.send(VN, BE, onward=[AL])
    copy = row.take_in(AL, row.pass_on(BE, held, AL))
    directly = Question(because="Why", recipients=(GB,), is_direct=True)
    with pytest.raises(NotCoveredError, match="no agreement with this agency"):
        request_release(row[AL], copy.message_id, directly, AUTHOR)

    row.world.agree(AL, VN, "asked directly", clauses=(make_wide_clause(AL, VN), make_wide_clause(VN, AL)))
    asked = request_release(row[AL], copy.message_id, directly, AUTHOR)
    receive(row[VN])
    question = row.find(VN, asked.item.message_id)
    assert (asked.of, question.kind, question.refers_to) == (VN, "release-inquiry", None)
    row.grant(VN, question)
    further = row.take_in(GB, row.pass_on(AL, copy, GB))
    assert (further.state, further.problem) == (InboxState.OPENED, None)


def test_what_came_from_its_originator_is_asked_the_usual_way(row: Row) -> None:
    held = row.send(VN, BE)
    question = row.ask(BE, held, recipients=(AL,), is_direct=True)
    assert (question.kind, question.refers_to) == ("release-request", held.digest)
