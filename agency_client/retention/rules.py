"""Which things kept here have come to their end. Pure: what is kept and a moment come in; nothing is erased here.

The same `Plan` is what a dry run shows and what the real run carries out. Terms say how long: the content by the
clause that covered it (computed when it was kept), its evidence by that clause too, and where none is on record, as of
what follows another message up, by the longest of its direction. Neither alerts nor the store are looked into.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from schemas.agreements.terms import Clause, Terms

UNKNOWN_EVIDENCE_DAYS = 5 * 365
"""How long evidence is kept under terms that are not here: it speaks of a message that nobody could verify."""

SEALED_KEPT = timedelta(days=7)
"""How long sealed bytes outlive their delivery deadline: as long as the exchange remembers the message's id."""

MIN_LOG_DAYS, MAX_LOG_DAYS = 365, 36_500
DEFAULT_LOG_DAYS = 5 * 365
"""The access log's own term: long enough for whoever may ask who read what, and no term of an agreement."""


DRAFT_KEPT = timedelta(days=365)
"""How long the draft of an agreement is kept that nobody changed or proposed."""

MAX_CLOCK_LEAD = timedelta(days=7)
"""How far this node's clock may be ahead of everything that others signed before it stops erasing by its own word."""


class Part(StrEnum):
    """What ends by itself."""

    CONTENT = "content"
    SEALED_BYTES = "sealed-bytes"
    EVIDENCE = "evidence"
    ACCESS_LOG = "access-log"
    DRAFT = "draft"


class ErasureCode(StrEnum):
    """Why content was erased, as its sender is told by a receipt."""

    TERM_ENDED = "retention-ended"
    BY_HAND = "erased-early"
    ON_NOTICE = "erased-on-notice"
    REPEATED = "erased-before-restore"


@dataclass(frozen=True, slots=True)
class Ending:
    """One thing that ends: of a message its envelope's digest, of the access log its entries, written `first-last`, of
    a draft its name.

    `direction` is `in` or `out`, "" for the access log and for drafts; `partner` and `message_id` are "" there too.
    `count` is how many entries it is. `kept_by` are the agencies whose restriction stands in place of its erasure:
    while there are any it is not due, whenever its term ended.
    """

    part: Part
    subject: str
    ends_at: datetime
    direction: str = ""
    message_id: str = ""
    partner: str = ""
    count: int = 1
    kept_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What is due at one moment, the longest overdue first; `kept` would be, but for a restriction.

    `doubt`: why nothing of it is erased until somebody has looked at this node's clock; "" where nothing is doubtful.
    """

    at: datetime
    endings: tuple[Ending, ...]
    kept: tuple[Ending, ...] = ()
    doubt: str = ""

    @property
    def oldest(self) -> datetime | None:
        """Return since when something has been due, None where nothing is."""
        return self.endings[0].ends_at if self.endings else None

    def count(self) -> dict[str, int]:
        """Return how many things of each part are due, every part named."""
        found: Counter[Part] = Counter()
        for ending in self.endings:
            found[ending.part] += ending.count
        return {part.value: found[part] for part in Part}

    def list_subjects(self, part: Part) -> list[str]:
        """Return what of one part is due."""
        return [ending.subject for ending in self.endings if ending.part is part]


def plan_erasure(endings: Iterable[Ending], now: datetime) -> Plan:
    """Return what of all this has come to its end: at the very moment of its end a thing is due."""
    ended = (ending for ending in endings if ending.ends_at <= now)
    due = sorted(ended, key=lambda ending: (ending.ends_at, ending.part, ending.subject))
    return Plan(
        now,
        tuple(ending for ending in due if not ending.kept_by),
        kept=tuple(ending for ending in due if ending.kept_by),
    )


def find_clock_doubt(now: datetime, newest_signed: datetime | None) -> str:
    """Return why a clock is not believed: nobody else has signed a moment near it; "" where it is.

    What is erased comes back from nowhere, so a clock that jumped must not end anything.
    """
    if newest_signed is not None and now - newest_signed <= MAX_CLOCK_LEAD:
        return ""
    what = "nothing that others signed says when it is now"
    if newest_signed is not None:
        days = (now - newest_signed).days
        what = f"this node's clock is {days} days ahead of all that others signed, last on {newest_signed:%Y-%m-%d}"
    return f"{what}: nothing is erased until an answer of the exchange, or an officer, confirms it"


def choose_endings(
    endings: Iterable[Ending], *, part: Part | None = None, partner: str | None = None
) -> tuple[Ending, ...]:
    """Return the endings that are meant, in their order; None does not filter."""
    return tuple(
        ending
        for ending in endings
        if (part is None or ending.part is part) and (partner is None or ending.partner == partner)
    )


def find_day(moment: datetime) -> datetime:
    """Return when a moment's UTC day began. The access log ends day by day: each erasure is an entry itself."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def find_evidence_end(clauses: Sequence[Clause], counted_from: datetime, content_until: datetime | None) -> datetime:
    """Return when a message's evidence ends: by the longest term of the clauses, never before its content does.

    `counted_from` is the acceptance, or the sealing of what was never accepted. Without a clause it speaks of a message
    under terms that are not here.
    """
    days = max((clause.evidence_days for clause in clauses), default=UNKNOWN_EVIDENCE_DAYS)
    end = counted_from + timedelta(days=days)
    return end if content_until is None else max(end, content_until)


def list_direction(terms: Terms, sender: str, recipient: str) -> tuple[Clause, ...]:
    """Return the clauses of one direction; all of them where none has it."""
    direction = tuple(clause for clause in terms.clauses if (clause.sender, clause.recipient) == (sender, recipient))
    return direction or terms.clauses
