"""What has to be done about one version of an agreement, by whom and until when: a pure rule over state and time.

Review and expiry are announced 60, 30 and 7 days before; an answer or a confirmation is asked for as long as it is due.
Nothing here sends or stops anything: `doctor`, `inbox` and `agreements` show what it finds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from schemas.agreements.lifecycle import AgreementView, State
from schemas.agreements.terms import Terms

NOTICE_DAYS = (7, 30, 60)
"""How many days before a review or an end somebody is reminded, the most pressing first."""

_NEGOTIABLE = frozenset({State.PROPOSED, State.COUNTERED})
_STANDING = frozenset({State.IN_FORCE, State.CONFIRMED, State.SUSPENDED})


class ReminderKind(StrEnum):
    """What somebody is reminded of."""

    APPROVAL = "approval"
    ANSWER = "answer"
    CONFIRMATION = "confirmation"
    RESUMPTION = "resumption"
    END = "end"
    EXPIRY = "expiry"
    REVIEW = "review"


@dataclass(frozen=True, slots=True)
class Reminder:
    """One thing to do. `is_ours` tells whether this agency can do it; `sentence` says what, who and until when.

    `notice_days` is the notice that has come of a review or an end: 60, 30, 7, or 0 once its day has passed.
    """

    kind: ReminderKind
    sentence: str
    is_ours: bool
    due_at: datetime | None = None
    notice_days: int | None = None


@dataclass(frozen=True, slots=True)
class ReminderFacts:
    """What is known of one version: how it stands for us and the partner, beside its own view.

    `confirm_by` is its acceptance's; `ends_from` the first moment without it, where a party revoked it with notice;
    `successor_from` the first day of a confirmed version that takes its place; `approved` what one of our own officers
    has approved and another has not.
    """

    us: str
    partner: str
    view: AgreementView
    terms: Terms
    confirm_by: datetime | None = None
    ends_from: datetime | None = None
    successor_from: datetime | None = None
    approved: tuple[str, ...] = ()


def list_reminders(facts: ReminderFacts, now: datetime) -> tuple[Reminder, ...]:
    """Return what has to be done about a version, the most pressing first."""
    return (
        *(Reminder(ReminderKind.APPROVAL, sentence, is_ours=True) for sentence in facts.approved),
        *_list_negotiation(facts),
        *(_list_dates(facts, now) if facts.view.state in _STANDING else ()),
    )


def find_notice(due_at: datetime, now: datetime) -> int | None:
    """Return the notice that has come of a day: 60, 30, 7, or 0 once it has passed; None before the first."""
    if now >= due_at:
        return 0
    return next((days for days in NOTICE_DAYS if now + timedelta(days=days) >= due_at), None)


def _list_negotiation(facts: ReminderFacts) -> Iterator[Reminder]:
    state, is_ours = facts.view.state, facts.view.proposer == facts.us
    if state in _NEGOTIABLE:
        what = "" if facts.terms.version == 1 else f"version {facts.terms.version} waits: "
        words = f"{facts.partner} answers" if is_ours else "you accept, counter or reject"
        yield Reminder(ReminderKind.ANSWER, what + words, is_ours=not is_ours)
    elif state is State.ACCEPTED and facts.confirm_by is not None:
        who = "you confirm" if is_ours else f"{facts.partner} confirms"
        until = facts.confirm_by
        yield Reminder(ReminderKind.CONFIRMATION, f"{who} by {until:%Y-%m-%d %H:%M}", is_ours=is_ours, due_at=until)
    elif state is State.SUSPENDED and facts.us in facts.view.suspended_by:
        yield Reminder(ReminderKind.RESUMPTION, "you resume", is_ours=True)


def _list_dates(facts: ReminderFacts, now: datetime) -> Iterator[Reminder]:
    terms = facts.terms
    if facts.ends_from is not None and facts.ends_from < terms.in_force_until:
        sentence = f"revoked with notice: ends on {facts.ends_from:%Y-%m-%d}"
        notice = find_notice(facts.ends_from, now)
        yield Reminder(ReminderKind.END, sentence, is_ours=False, due_at=facts.ends_from, notice_days=notice)
        return
    if facts.successor_from is not None and facts.successor_from <= terms.in_force_until:
        return
    expiry = find_notice(terms.in_force_until, now)
    if expiry is not None:
        until = terms.in_force_until
        sentence = f"ends on {until:%Y-%m-%d}"
        yield Reminder(ReminderKind.EXPIRY, sentence, is_ours=True, due_at=until, notice_days=expiry)
    review = find_notice(terms.review_by, now)
    if review is not None:
        words = "review by" if review else "review was due on"
        sentence = f"{words} {terms.review_by:%Y-%m-%d}"
        yield Reminder(ReminderKind.REVIEW, sentence, is_ours=True, due_at=terms.review_by, notice_days=review)
