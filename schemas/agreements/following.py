"""Whether what follows a message up is covered by the clause that this message came under. Pure.

Such a message passes in every state of the agreement, so that a duty can be done; it carries no more than the agreement
allowed when its message went. Sender, recipient and, as far as the header shows, the broker judge by this. Which
members such kinds may have at all stands in `schemas.alerts.registry`; which clause it was is the caller's to find.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from schemas.agreements.coverage import ContentFacts, Finding
from schemas.agreements.terms import Clause
from schemas.alerts import kind_of
from schemas.markings import HandlingCode, Tlp
from schemas.wording import with_article

MAX_FOLLOW_UPS = 64
"""So many messages of one kind one agency may send about one message. Each kind counts for itself: no flood of one
keeps another from passing."""


@dataclass(frozen=True, slots=True)
class FollowUpFacts:
    """What the header shows, and what is known of the message that it follows.

    `original_marking` is that message's, None where it is not here. `said_before`: how many of this kind its sender has
    sent about the same message.
    """

    kind: str
    marking: Tlp
    original_marking: Tlp | None
    attachments: int = 0
    said_before: int = 0


def judge_follow_up(
    clauses: Sequence[Clause], facts: FollowUpFacts, content: ContentFacts | None = None
) -> tuple[Finding, ...]:
    """Return why a message may not follow another up, nothing where it may.

    `clauses` are those that the message it follows may have come under: one that covers it is enough. `content` is
    None for the broker.
    """
    found = [*_find_form(facts)]
    judged = [[*_find_in_clause(clause, facts), *_find_in_content(clause, content)] for clause in clauses]
    return (*found, *_choose_nearest(judged))


def judge_correction(clauses: Sequence[Clause], before: ContentFacts, after: ContentFacts) -> tuple[Finding, ...]:
    """Return why what a corrected message says now is not covered: what is new in it, and no clause allows."""
    new = replace(
        after,
        nationalities=after.nationalities - before.nationalities,
        special_categories=after.special_categories - before.special_categories,
        handling=after.handling - before.handling,
    )
    return _choose_nearest([[*_find_in_content(clause, new)] for clause in clauses])


def _choose_nearest(judged: Sequence[list[Finding]]) -> tuple[Finding, ...]:
    """Return the findings of the clause that has fewest, none where there is no clause."""
    nearest: list[Finding] = min(judged, key=len, default=[])
    return tuple(nearest)


def _find_form(facts: FollowUpFacts) -> Iterator[Finding]:
    """Find what no clause could allow."""
    if facts.said_before >= MAX_FOLLOW_UPS:
        sentence = (
            f"{MAX_FOLLOW_UPS} messages of the kind {facts.kind} were sent about the same message: no more are taken"
        )
        yield Finding("follow-ups-exhausted", sentence)
    if facts.attachments:
        sentence = f"{with_article(facts.kind)} carries no attachments: send them in a message of their own"
        yield Finding("attachments-not-covered", sentence)
    original = facts.original_marking
    if original is not None and kind_of(facts.kind).acts_by_itself and facts.marking.rank > original.rank:
        sentence = (
            f"{with_article(facts.kind)} goes wherever its message went, so it is marked no higher than that: "
            f"{facts.marking.value} is above {original.value}"
        )
        yield Finding("marking-too-high", sentence)


def _find_in_clause(clause: Clause, facts: FollowUpFacts) -> Iterator[Finding]:
    if facts.marking.rank > clause.highest_marking.rank:
        sentence = f"{facts.marking.value} is above {clause.highest_marking.value}, the highest marking agreed"
        yield Finding("marking-too-high", sentence)


def _find_in_content(clause: Clause, content: ContentFacts | None) -> Iterator[Finding]:
    if content is None:
        return
    # H0 is the least there is, and what is passed on keeps the handling that its author gave it elsewhere.
    handling = set() if content.is_passed_on else content.handling - {HandlingCode.H0, *clause.handling}
    if handling:
        sentence = f"handling {_join(handling)} is not among {_join(clause.handling)}"
        yield Finding("handling-not-covered", sentence)
    foreign = set() if clause.nationalities is None else content.nationalities - set(clause.nationalities)
    if foreign:
        sentence = f"nationals of {_join(foreign)} are outside {_join(clause.nationalities or ())}"
        yield Finding("nationality-not-covered", sentence)
    special = content.special_categories - set(clause.special_categories or ())
    if special:
        allowed = _join(clause.special_categories or ()) or "any that were agreed"
        yield Finding("special-category-not-covered", f"special categories {_join(special)} are not among {allowed}")


def _join(codes: Iterable[str]) -> str:
    return ", ".join(sorted(codes))
