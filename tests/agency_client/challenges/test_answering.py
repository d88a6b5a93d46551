"""The issuing state's answer: the report once more, to everyone who has it, with what became of the challenge."""

from datetime import timedelta

import pytest

from agency_client.challenges.answering import ChallengeAnswer, ChallengeReport, answer_challenge
from agency_client.challenges.overview import view_challenges
from agency_client.errors import NotFoundError, UsageError
from agency_client.local_store.inbox import InboxFilter
from agency_client.reading.lists import view_inbox
from agency_client.reading.messages import read_message
from agency_client.sending.draft import AlertRefusedError
from agency_client.sending.noticing import correct, restrict, withdraw
from schemas.alerts.kinds.document_status import ChallengeState
from schemas.envelope import Reference
from tests.support.reports import AUTHOR, BE, GB, VN, Reporters

OPEN = ChallengeAnswer(ChallengeState.OPEN, "Administrative court, Zenith")
DISMISSED = ChallengeAnswer(ChallengeState.DISMISSED, "Passport office", "2026-12-03", "The appeal was late.")
UPHELD = ChallengeAnswer(ChallengeState.UPHELD, "Administrative court, Zenith", "2026-12-03")


def answer(reporters: Reporters, challenge_id: str, said: ChallengeAnswer) -> ChallengeReport:
    """Let GB answer, a minute after whatever was said before; the others collect it."""
    reporters.world.clock.ahead += timedelta(minutes=1)
    report = answer_challenge(reporters.world[GB], challenge_id, AUTHOR, said)
    for agency in (VN, BE):
        reporters.world.collect(agency)
    return report


def find_newest(reporters: Reporters, agency: str) -> Reference:
    """Return the report an agency received last."""
    rows = view_inbox(reporters.world[agency], InboxFilter(sender=GB, kind="document-status")).rows
    newest = max((row.message for row in rows), key=lambda message: message.leaf_index)
    return Reference(id=newest.message_id, digest=newest.digest)


def test_everyone_who_has_the_report_is_told_of_it(reporters: Reporters) -> None:
    report = reporters.report()
    challenge_id = reporters.challenge(report[VN]).items[0].message_id
    told = answer(reporters, challenge_id, OPEN)
    assert len(told.items) == 2
    assert told.acknowledgement.kind == "acknowledgement"
    assert told.untold == ()
    for agency in (VN, BE):
        newest = find_newest(reporters, agency)
        assert newest != report[agency]
        assert reporters.marks(agency, newest) == reporters.marks(agency, report[agency]) == ("CHALLENGED",)
        alert = read_message(reporters.world[agency], newest.id, reason="x").alert.to_wire()
        assert alert["supersedes"] == report[agency].to_wire()
        assert alert["details"]["challenge"]["lodged_with"] == "Administrative court, Zenith"
        assert alert["details"]["revocation"]["legal_reference"] == "Nationality Act, section 29"


def test_a_dismissal_ends_it_at_everybody_but_who_lodged_it(reporters: Reporters) -> None:
    report = reporters.report()
    challenge_id = reporters.challenge(report[VN]).items[0].message_id
    answer(reporters, challenge_id, OPEN)
    answer(reporters, challenge_id, DISMISSED)
    assert reporters.marks(BE, report[BE]) == ("challenge dismissed",)
    assert reporters.marks(VN, report[VN]) == ("CHALLENGED", "challenge dismissed")
    (line,) = [item for item in view_challenges(reporters.world[VN]).lodged if item.target_id == report[VN].id]
    assert line.told is not None
    assert (line.told.state, line.settled_at) == (ChallengeState.DISMISSED, line.told.said_at)


def test_what_was_upheld_is_said_of_every_report_of_the_document(reporters: Reporters) -> None:
    report = reporters.report()
    challenge_id = reporters.challenge(report[VN]).items[0].message_id
    answer(reporters, challenge_id, UPHELD)
    for agency in (VN, BE):
        assert reporters.marks(agency, report[agency]) == ("CHALLENGE UPHELD",)
        assert reporters.marks(agency, find_newest(reporters, agency)) == ("CHALLENGE UPHELD",)


def test_the_same_answer_is_sent_once(reporters: Reporters) -> None:
    report = reporters.report()
    challenge_id = reporters.challenge(report[VN]).items[0].message_id
    first, again = (answer(reporters, challenge_id, OPEN) for _ in range(2))
    assert {item.message_id for item in first.items} == {item.message_id for item in again.items}
    assert again.acknowledgement.is_repeated


def test_a_dismissal_says_why(reporters: Reporters) -> None:
    report = reporters.report(VN)
    challenge_id = reporters.challenge(report[VN]).items[0].message_id
    wordless = ChallengeAnswer(ChallengeState.DISMISSED, "Passport office", "2026-12-03")
    with pytest.raises(AlertRefusedError, match="words"):
        answer_challenge(reporters.world[GB], challenge_id, AUTHOR, wordless)


def test_only_a_challenge_that_came_here_is_answered(reporters: Reporters) -> None:
    report = reporters.report(VN)
    challenge_id = reporters.challenge(report[VN]).items[0].message_id
    with pytest.raises(NotFoundError, match="no challenge"):
        answer_challenge(reporters.world[VN], challenge_id, AUTHOR, OPEN)
    with pytest.raises(NotFoundError, match="no challenge"):
        answer_challenge(reporters.world[GB], report[VN].id, AUTHOR, OPEN)


def test_of_a_report_that_was_taken_back_nothing_goes_again(reporters: Reporters) -> None:
    report = reporters.report()
    challenge_id = reporters.challenge(report[VN]).items[0].message_id
    for message in report.values():
        withdraw(reporters.world[GB], message.id, AUTHOR, because="wrong")
    told = answer(reporters, challenge_id, UPHELD)
    assert (told.items, told.untold) == ((), ())
    assert told.acknowledgement.items
    assert find_newest(reporters, BE) == report[BE]
    reporters.world.clock.ahead += timedelta(days=30)
    view = view_challenges(reporters.world[GB])
    (line,) = [line for line in view.received if line.message_id == challenge_id]
    assert (line.is_given_up, line.is_overdue(view.now)) == (True, False)
    reporters.world.clock.ahead -= timedelta(days=30)


def test_what_was_corrected_does_not_come_back(reporters: Reporters) -> None:
    report = reporters.report()
    challenge_id = reporters.challenge(report[VN]).items[0].message_id
    change = {"field": "details.national_reference", "was": "UTO-RV-2026-1", "now": "UTO-RV-2026-9"}
    due = {"reason": "typing-error", "required_action": "amend", "acknowledge_by": reporters.now()}
    correct(reporters.world[GB], report[VN].id, AUTHOR, details={"changes": [change], **due})
    answer(reporters, challenge_id, OPEN)
    alert = read_message(reporters.world[VN], find_newest(reporters, VN).id, reason="x").alert.to_wire()
    assert alert["details"]["national_reference"] == "UTO-RV-2026-9"


def test_what_is_restricted_is_not_sent_anew_without_that(reporters: Reporters) -> None:
    report = reporters.report()
    challenge_id = reporters.challenge(report[VN]).items[0].message_id
    restrict(reporters.world[GB], report[VN].id, AUTHOR, ground="accuracy-contested")
    with pytest.raises(UsageError, match="would stand without that"):
        answer(reporters, challenge_id, OPEN)
