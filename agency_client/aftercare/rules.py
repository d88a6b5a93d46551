"""What notices make of the message that they are about. Pure: the notices come in, in whatever order they came here.

A message stands by the set of its notices alone, so that no order of arrival shows more than another; of several
demands the strictest counts. Left to others: whose word a notice is, that it may be about this message
(`agency_client.receiving.rules`), and doing what it demands (`agency_client.aftercare.acting`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from agency_client.challenges.rules import UNDISPUTED, Disputed
from agency_client.matching.entries import list_numbers
from schemas.alerts.base import Alert
from schemas.alerts.coded import NoticeEffect, RequiredAction, RestrictedUse
from schemas.alerts.kinds.restriction import RestrictionGround
from schemas.alerts.shapes import Identifier

T = TypeVar("T")
CORRECTION, WITHDRAWAL, RESTRICTION = "correction", "withdrawal", "restriction"
MISUSED_IDENTITY, BREACH_NOTICE = "misused-identity", "breach-notice"

REPORTS_AT_ONCE = 8
"""So many reports of one notice go as soon as something changed. A person's answers need room beside all of them."""
_LONGEST_WAIT = 20

VICTIM_MARK = "VICTIM OF MISUSED IDENTITY"
USES_AFTER_STOP = frozenset({RestrictedUse.LEGAL_CLAIM, RestrictedUse.SUPERVISION})
"""What remains of a message that must no longer be used: a court, or an authority, may ask for it."""
GROUNDS_TO_KEEP = frozenset({RestrictionGround.ACCURACY_CONTESTED.value, RestrictionGround.NEEDED_AS_EVIDENCE.value})
"""Grounds on which data are restricted in place of being erased (Directive (EU) 2016/680, article 16(3))."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice as far as it counts. `author` is whose word it is, `said_at` when that agency signed it.

    `digest` is the notice's as it lies here, `origin` the author's own: the same, unless others passed it on.
    """

    digest: str
    origin: str
    author: str
    kind: str
    action: RequiredAction
    said_at: datetime
    acknowledge_by: datetime
    allowed: frozenset[RestrictedUse] = frozenset()
    subjects: tuple[str, ...] = ()
    ground: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What all notices about one message make of it.

    `allowed_uses` is None for a message that nobody restricts. `victims` are paths to persons in it who are victims of
    a misused identity. `corrections` and `breaches` are the notices, in the order in which they were said. `kept_by`
    are the agencies whose restriction stands in place of an erasure: neither a term nor an officer ends it till then.
    `disputed`: how far a report about a document is challenged.
    """

    is_withdrawn: bool = False
    is_to_be_erased: bool = False
    allowed_uses: frozenset[RestrictedUse] | None = None
    victims: tuple[str, ...] = ()
    corrections: tuple[Notice, ...] = ()
    breaches: tuple[Notice, ...] = ()
    kept_by: tuple[str, ...] = ()
    disputed: Disputed = UNDISPUTED

    @property
    def is_restricted(self) -> bool:
        """Return whether it may be used for what is named alone."""
        return self.allowed_uses is not None

    @property
    def is_in_force(self) -> bool:
        """Return whether what it says still counts: of a notice, whether it does anything to what it is about."""
        return not (self.is_withdrawn or self.is_restricted or self.is_to_be_erased)

    @property
    def words(self) -> tuple[str, ...]:
        """Return the marks that lists show beside the message."""
        marks = (
            ("withdrawn", self.is_withdrawn),
            ("restricted", self.is_restricted),
            (VICTIM_MARK, bool(self.victims)),
            ("corrected", bool(self.corrections)),
            ("breach", bool(self.breaches)),
        )
        return (*self.disputed.words, *(word for word, is_so in marks if is_so))


NOTHING_SAID = Standing()


def compute_standing(notices: Iterable[Notice], disputed: Disputed = UNDISPUTED) -> Standing:
    """Return what notices about one message make of it together; `disputed` is how far it is, where it is a report."""
    said = sorted(notices, key=lambda notice: (notice.said_at, notice.origin))
    if not said:
        return Standing(disputed=disputed)
    return Standing(
        is_withdrawn=any(notice.kind == WITHDRAWAL for notice in said),
        is_to_be_erased=any(notice.action is RequiredAction.DELETE for notice in said),
        allowed_uses=_find_allowed_uses(said),
        victims=tuple(
            dict.fromkeys(path for notice in said if notice.kind == MISUSED_IDENTITY for path in notice.subjects)
        ),
        corrections=tuple(notice for notice in said if notice.kind == CORRECTION),
        breaches=tuple(notice for notice in said if notice.kind == BREACH_NOTICE),
        kept_by=_find_keepers(said),
        disputed=disputed,
    )


def decide_effect(notice: Notice, *, holds_content: bool) -> NoticeEffect:
    """Return what a node does when it opens a notice; `holds_content`: it has the message, or a copy, opened."""
    if not holds_content:
        return NoticeEffect.NOTHING_HELD
    if notice.action is RequiredAction.DELETE:
        return NoticeEffect.ERASED
    if notice.action in (RequiredAction.RESTRICT, RequiredAction.STOP_USING):
        return NoticeEffect.RESTRICTED
    if notice.action is RequiredAction.LIFT:
        return NoticeEffect.LIFTED
    return NoticeEffect.REPLACED if notice.kind == CORRECTION else NoticeEffect.MARKED


def list_usable_identifiers(alert: Alert, standing: Standing) -> tuple[Identifier, ...]:
    """Return what an agency may search its records by in a message: nothing of a victim, nothing that is restricted."""
    return choose_usable(((entry.path, entry.identifier) for entry in list_numbers(alert)), standing)


def choose_usable(located: Iterable[tuple[str, T]], standing: Standing) -> tuple[T, ...]:
    """Return, each once, what may be compared of what stands at these paths of a message.

    Whatever compares messages with records or with each other asks here, so that a victim is never a hit: what is a
    victim's is left out wherever else in the message it stands.
    """
    if standing.is_withdrawn or standing.is_restricted or standing.is_to_be_erased:
        return ()
    if any(not victim.startswith("persons.") for victim in standing.victims):
        # The holder of the document is the victim: its numbers lead to that person as well.
        return ()
    victims = {victim.split(".")[1] for victim in standing.victims}
    items = list(located)
    of_victims = {item for path, item in items if path.startswith("persons.") and path.split(".")[1] in victims}
    return tuple(item for item in dict.fromkeys(item for _, item in items) if item not in of_victims)


def find_next_report(reported: int, last_at: datetime) -> datetime:
    """Return when a node may report of a notice again by itself that it has reported of so many times, last then.

    The first ones go at once; then each waits twice as long as the one before, so that no agency further on can have it
    send without end, and the last word still gets through.
    """
    waits = reported - REPORTS_AT_ONCE
    return last_at if waits < 0 else last_at + timedelta(minutes=1 << min(waits, _LONGEST_WAIT))


def find_lifted(notices: Iterable[Notice], author: str, at: datetime) -> list[Notice]:
    """Return the restrictions that this author's lifting at that moment would end."""
    said = list(notices)
    return [notice for notice in said if _is_restriction(notice) and notice.author == author and notice.said_at < at]


def _find_allowed_uses(said: list[Notice]) -> frozenset[RestrictedUse] | None:
    binding = [notice.allowed for notice in said if _is_restriction(notice) and not _is_lifted(notice, said)]
    binding += [USES_AFTER_STOP for notice in said if notice.action is RequiredAction.STOP_USING]
    return frozenset.intersection(*binding) if binding else None


def _find_keepers(said: list[Notice]) -> tuple[str, ...]:
    """Return who restricts the message in place of its erasure; nobody, once its erasure is demanded even so."""
    if any(notice.action is RequiredAction.DELETE for notice in said):
        return ()
    standing = (notice for notice in said if _is_restriction(notice) and not _is_lifted(notice, said))
    return tuple(sorted({notice.author for notice in standing if notice.ground in GROUNDS_TO_KEEP}))


def _is_restriction(notice: Notice) -> bool:
    return notice.kind == RESTRICTION and notice.action is RequiredAction.RESTRICT


def _is_lifted(restriction: Notice, said: Iterable[Notice]) -> bool:
    # Of the same second counts as before: in doubt it stays restricted.
    return any(
        notice.action is RequiredAction.LIFT
        and notice.author == restriction.author
        and notice.said_at > restriction.said_at
        for notice in said
    )
