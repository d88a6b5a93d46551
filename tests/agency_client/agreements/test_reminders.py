"""What has to be done about an agreement: the table of notices, and whose turn it is in every state."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from agency_client.agreements.reminders import ReminderFacts, ReminderKind, find_notice, list_reminders
from schemas.agreements.lifecycle import AgreementView, State
from tests.strategies.agreements import make_terms

DAY = timedelta(days=1)
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
UNTIL = datetime(2028, 1, 1, tzinfo=UTC)
REVIEW = datetime(2027, 1, 1, tzinfo=UTC)
TERMS = make_terms("GB", "VN", in_force_from=SINCE, in_force_until=UNTIL, review_by=REVIEW)


def make_facts(state: State, proposer: str = "GB", us: str = "GB", suspended_by: tuple[str, ...] = ()) -> ReminderFacts:
    view = AgreementView(TERMS.digest(), TERMS, state, "because", proposer, frozenset(suspended_by))
    return ReminderFacts(us=us, partner=TERMS.counterpart_of(us), view=view, terms=TERMS)


def spell(facts: ReminderFacts, now: datetime = SINCE) -> list[str]:
    return [item.sentence for item in list_reminders(facts, now)]


@pytest.mark.parametrize(
    ("before", "notice"),
    [
        (60 * DAY + timedelta(seconds=1), None),
        (60 * DAY, 60),
        (30 * DAY + timedelta(seconds=1), 60),
        (30 * DAY, 30),
        (7 * DAY + timedelta(seconds=1), 30),
        (7 * DAY, 7),
        (timedelta(seconds=1), 7),
        (timedelta(), 0),
        (-9 * DAY, 0),
    ],
)
def test_notice_comes_sixty_thirty_and_seven_days_before(before: timedelta, notice: int | None) -> None:
    assert find_notice(UNTIL, UNTIL - before) == notice


@pytest.mark.parametrize("state", [State.IN_FORCE, State.CONFIRMED, State.SUSPENDED])
def test_review_and_end_are_announced_while_a_version_stands(state: State) -> None:
    facts = make_facts(state)
    assert spell(facts, REVIEW - 61 * DAY) == []
    assert spell(facts, REVIEW - 60 * DAY) == ["review by 2027-01-01"]
    assert spell(facts, REVIEW) == ["review was due on 2027-01-01"]
    assert spell(facts, UNTIL - 7 * DAY) == ["ends on 2028-01-01", "review was due on 2027-01-01"]
    (end, review) = list_reminders(facts, UNTIL - 7 * DAY)
    assert (end.kind, end.due_at, end.notice_days, end.is_ours) == (ReminderKind.EXPIRY, UNTIL, 7, True)
    assert (review.kind, review.due_at, review.notice_days) == (ReminderKind.REVIEW, REVIEW, 0)


@pytest.mark.parametrize(
    "state",
    [State.DRAFT, State.SUPERSEDED, State.REVOKED, State.EXPIRED, State.WITHDRAWN, State.REJECTED, State.LAPSED],
)
def test_nothing_is_asked_for_what_has_ended_or_is_nobodys_yet(state: State) -> None:
    assert spell(make_facts(state), UNTIL - DAY) == []


@pytest.mark.parametrize("state", [State.PROPOSED, State.COUNTERED])
def test_a_proposal_waits_for_the_other_party(state: State) -> None:
    (ours,) = list_reminders(make_facts(state, proposer="GB"), SINCE)
    assert (ours.kind, ours.sentence, ours.is_ours) == (ReminderKind.ANSWER, "VN answers", False)
    (theirs,) = list_reminders(make_facts(state, proposer="VN"), SINCE)
    assert (theirs.sentence, theirs.is_ours) == ("you accept, counter or reject", True)


def test_a_new_version_that_waits_is_told_as_one() -> None:
    second = make_terms("GB", "VN", version=2, supersedes=TERMS.digest(), in_force_from=SINCE, in_force_until=UNTIL)
    facts = replace(make_facts(State.PROPOSED, proposer="VN"), terms=second)
    assert spell(facts) == ["version 2 waits: you accept, counter or reject"]


def test_an_acceptance_waits_for_the_proposer_until_its_hour() -> None:
    until = SINCE + timedelta(days=14, hours=7)
    ours = replace(make_facts(State.ACCEPTED, proposer="GB"), confirm_by=until)
    (reminder,) = list_reminders(ours, SINCE)
    assert (reminder.kind, reminder.is_ours, reminder.due_at) == (ReminderKind.CONFIRMATION, True, until)
    assert reminder.sentence == "you confirm by 2026-01-15 07:00"
    (theirs,) = list_reminders(replace(ours, us="VN", partner="GB"), SINCE)
    assert (theirs.sentence, theirs.is_ours) == ("GB confirms by 2026-01-15 07:00", False)


def test_who_suspended_is_reminded_to_resume_and_nobody_else() -> None:
    assert spell(make_facts(State.SUSPENDED, suspended_by=("GB",))) == ["you resume"]
    assert spell(make_facts(State.SUSPENDED, suspended_by=("VN",))) == []


def test_a_revocation_with_notice_goes_before_review_and_expiry() -> None:
    end = UNTIL - 5 * DAY
    facts = replace(make_facts(State.IN_FORCE), ends_from=end)
    (reminder,) = list_reminders(facts, UNTIL - 20 * DAY)
    assert (reminder.kind, reminder.due_at, reminder.notice_days) == (ReminderKind.END, end, 30)
    assert reminder.sentence == "revoked with notice: ends on 2027-12-27"
    after = replace(facts, ends_from=UNTIL)
    assert [item.kind for item in list_reminders(after, UNTIL - 7 * DAY)] == [ReminderKind.EXPIRY, ReminderKind.REVIEW]


def test_a_version_that_another_will_follow_in_time_asks_for_nothing() -> None:
    followed = replace(make_facts(State.IN_FORCE), successor_from=UNTIL)
    assert spell(followed, UNTIL - DAY) == []
    too_late = replace(followed, successor_from=UNTIL + DAY)
    assert spell(too_late, UNTIL - DAY)[0] == "ends on 2028-01-01"


def test_what_one_officer_has_approved_comes_first() -> None:
    facts = replace(make_facts(State.PROPOSED, proposer="VN"), approved=("another officer gives accept",))
    assert spell(facts) == ["another officer gives accept", "you accept, counter or reject"]
    (approved, _) = list_reminders(facts, SINCE)
    assert (approved.kind, approved.is_ours, approved.due_at, approved.notice_days) == (
        ReminderKind.APPROVAL,
        True,
        None,
        None,
    )


def test_a_countered_or_accepted_proposal_is_told_of_the_version_it_is() -> None:
    second = make_terms("GB", "VN", version=2, supersedes=TERMS.digest(), in_force_from=SINCE, in_force_until=UNTIL)
    facts = replace(make_facts(State.COUNTERED, proposer="GB"), terms=second)
    assert spell(facts) == ["version 2 waits: VN answers"]


def test_an_acceptance_whose_hour_is_not_known_asks_for_nothing() -> None:
    assert spell(make_facts(State.ACCEPTED, proposer="GB")) == []


def test_reminders_of_dates_say_whether_this_agency_can_do_anything() -> None:
    (ends,) = list_reminders(replace(make_facts(State.IN_FORCE), ends_from=UNTIL - DAY), UNTIL - 2 * DAY)
    assert (ends.is_ours, ends.notice_days) == (False, 7)
    (review,) = list_reminders(make_facts(State.IN_FORCE), REVIEW - DAY)
    assert (review.kind, review.is_ours, review.due_at, review.notice_days) == (ReminderKind.REVIEW, True, REVIEW, 7)
    (resume,) = list_reminders(make_facts(State.SUSPENDED, suspended_by=("GB",)), SINCE)
    assert (resume.kind, resume.is_ours, resume.due_at) == (ReminderKind.RESUMPTION, True, None)


def test_programs_read_of_reminders_under_these_names() -> None:
    names = ["approval", "answer", "confirmation", "resumption", "end", "expiry", "review"]
    assert [kind.value for kind in ReminderKind] == names
