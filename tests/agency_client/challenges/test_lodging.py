"""Challenges lodged: once on each ground, shown at once, ended by a withdrawal alone, passed on for a partner."""

from datetime import timedelta

import pytest

from agency_client.challenges.lodging import Grounds, lodge, lodge_for_partner
from agency_client.challenges.overview import view_challenges
from agency_client.errors import NotFoundError, UsageError
from agency_client.local_store.inbox import InboxFilter
from agency_client.onward.passing_on import PassOn, pass_on
from agency_client.reading.lists import view_inbox, view_thread
from agency_client.reading.messages import ReadMessage, read_message
from agency_client.retention.by_hand import erase_early
from agency_client.sending.noticing import withdraw
from schemas.alerts.kinds.document_status import default_review_date
from schemas.alerts.kinds.revocation_challenge import ChallengeGround
from tests.support.reports import AUTHOR, BE, GB, VN, Reporters

GROUNDS = Grounds(ChallengeGround.NOT_FINAL)


def test_a_challenge_is_shown_where_it_was_lodged_and_at_the_issuer_at_once(reporters: Reporters) -> None:
    report = reporters.report()
    challenge = reporters.challenge(report[VN])
    assert reporters.marks(VN, report[VN]) == ("CHALLENGED",)
    assert reporters.marks(GB, report[VN]) == ("CHALLENGED",)
    assert reporters.marks(GB, report[BE]) == ("CHALLENGED",), "it is the same report"
    assert reporters.marks(BE, report[BE]) == (), "that is for the issuing state to tell"
    found = read_message(reporters.world[GB], challenge.items[0].message_id, reason="x")
    assert isinstance(found, ReadMessage)
    details = found.alert.to_wire()["details"]
    assert (details["ground"], details["demands"]) == ("not-final", ["review"])


def test_lists_and_threads_of_both_sides_say_it(reporters: Reporters) -> None:
    report = reporters.report()
    reporters.challenge(report[VN])
    rows = view_inbox(reporters.world[VN], InboxFilter(kind="document-status")).rows
    assert [row.marks for row in rows if row.message.digest == report[VN].digest] == [("CHALLENGED",)]
    for agency in (VN, GB):
        _, entries = view_thread(reporters.world[agency], report[VN].id)
        (marked,) = [entry for entry in entries if entry.message_id == report[VN].id]
        assert marked.marks == ("CHALLENGED",)


def test_the_same_ground_is_lodged_once_and_another_one_beside_it(reporters: Reporters) -> None:
    report = reporters.report()
    first = reporters.challenge(report[VN])
    again = reporters.challenge(report[VN])
    other = reporters.challenge(report[VN], ground="no-legal-basis")
    assert [item.is_repeated for item in (first, again, other)] == [False, True, False]
    assert again.items[0].message_id == first.items[0].message_id


def test_it_ends_when_it_is_withdrawn_and_may_be_lodged_again(reporters: Reporters) -> None:
    report = reporters.report()
    challenge = reporters.challenge(report[VN])
    withdraw(reporters.world[VN], challenge.items[0].message_id, AUTHOR, because="no-longer-needed")
    reporters.world.collect(GB)
    assert reporters.marks(VN, report[VN]) == ()
    assert reporters.marks(GB, report[VN]) == ()
    (line,) = [item for item in view_challenges(reporters.world[VN]).lodged if item.target_id == report[VN].id]
    assert line.is_taken_back
    assert not reporters.challenge(report[VN]).is_repeated


def test_what_is_due_stands_at_both_ends(reporters: Reporters) -> None:
    report = reporters.report()
    challenge = reporters.challenge(report[VN])
    own = [item for item in view_challenges(reporters.world[VN]).lodged if item.target_id == report[VN].id]
    theirs = [item for item in view_challenges(reporters.world[GB]).received if item.target_id == report[VN].id]
    assert [(item.partner, item.told) for item in (*own, *theirs)] == [(GB, None), (VN, None)]
    now = reporters.world.clock.now()
    assert not own[0].is_overdue(now)
    assert own[0].is_overdue(now + timedelta(days=8))
    received = read_message(reporters.world[GB], challenge.items[0].message_id, reason="x")
    assert isinstance(received, ReadMessage)
    assert received.stored.reply_due == theirs[0].challenge.acknowledge_by


def test_a_report_stolen_that_was_not_is_challenged_as_well(reporters: Reporters) -> None:
    report = reporters.report(VN, status="stolen", revocation=None)
    reporters.challenge(report[VN], ground="not-as-reported")
    assert reporters.marks(VN, report[VN]) == ("CHALLENGED",)


def test_a_report_is_reviewed_after_ten_years_unless_it_says_otherwise(reporters: Reporters) -> None:
    world = reporters.world
    read = read_message(world[VN], reporters.report(VN)[VN].id, reason="x")
    assert read.alert.review_date == default_review_date(read.stored.issued_at.date().isoformat())
    soon = (world.clock.now() + timedelta(days=30)).date().isoformat()
    sooner = reporters.send(reporters.make_report() | {"review_date": soon}, VN)[VN]
    assert read_message(world[VN], sooner.id, reason="x").alert.review_date == soon
    forgotten = reporters.send(reporters.make_report() | {"retain_until": soon}, VN)[VN]
    assert read_message(world[VN], forgotten.id, reason="x").alert.review_date is None


def test_what_was_erased_here_can_still_be_challenged(reporters: Reporters) -> None:
    alert = reporters.make_report()
    report = reporters.send(alert, VN)[VN]
    erase_early(reporters.world[VN], report.id, reason="not needed here")
    reporters.challenge(report)
    assert reporters.marks(GB, report) == ("CHALLENGED",)
    again = reporters.report(VN, number=alert["details"]["number"], national_reference="UTO-RV-2026-2")[VN]
    assert reporters.marks(VN, again) == ("CHALLENGED",)


def test_a_report_of_another_document_is_not_disputed(reporters: Reporters) -> None:
    report, other = reporters.report(VN), reporters.report(VN)
    reporters.challenge(report[VN])
    assert reporters.marks(VN, other[VN]) == ()


def test_what_is_no_report_of_one_document_is_not_challenged(reporters: Reporters) -> None:
    blanks = [{"first": "L8990001", "last": "L8990500"}]
    range_of_them = reporters.report(VN, status="stolen-blank", number=None, revocation=None, blanks=blanks)
    with pytest.raises(UsageError, match="one document"):
        lodge(reporters.world[VN], range_of_them[VN].id, AUTHOR, GROUNDS)
    own = reporters.report(VN)
    with pytest.raises(UsageError, match="own"):
        lodge(reporters.world[GB], own[VN].id, AUTHOR, GROUNDS)
    challenge = reporters.challenge(own[VN])
    with pytest.raises(UsageError, match="no report"):
        lodge(reporters.world[GB], challenge.items[0].message_id, AUTHOR, GROUNDS)


def test_a_partner_further_on_challenges_through_who_passed_it_on(reporters: Reporters) -> None:
    world = reporters.world
    sent = reporters.send(reporters.make_report() | {"onward": [BE]}, VN)
    pass_on(world[VN], PassOn(sent[VN].id, (BE,), reason="x"))
    world.collect(BE)
    copy = max(view_inbox(world[BE], InboxFilter(sender=VN)).rows, key=lambda row: row.message.leaf_index).message
    challenge = lodge(world[BE], copy.message_id, AUTHOR, GROUNDS)
    world.collect(VN)
    assert reporters.marks(VN, sent[VN]) == ("CHALLENGED",)
    passed = lodge_for_partner(world[VN], challenge.items[0].message_id, AUTHOR)
    world.collect(GB)
    (line,) = [item for item in view_challenges(world[GB]).received if item.target_id == sent[VN].id]
    assert (line.partner, line.challenge.on_behalf_of) == (VN, BE)
    assert reporters.marks(GB, sent[VN]) == ("CHALLENGED",)
    assert lodge_for_partner(world[VN], challenge.items[0].message_id, AUTHOR).is_repeated
    assert not passed.is_repeated


def test_a_challenge_of_ones_own_report_is_not_passed_on(reporters: Reporters) -> None:
    report = reporters.report(VN)
    challenge = reporters.challenge(report[VN])
    with pytest.raises(UsageError, match="itself"):
        lodge_for_partner(reporters.world[GB], challenge.items[0].message_id, AUTHOR)
    with pytest.raises(NotFoundError, match="no challenge"):
        lodge_for_partner(reporters.world[VN], challenge.items[0].message_id, AUTHOR)
