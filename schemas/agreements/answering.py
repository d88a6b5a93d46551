"""By when a message is answered: what the clause says, and for a request for information what the law says. Pure.

The shorter of the two counts. The clocks of Directive (EU) 2023/977, article 5(1), run from receipt, which is the
moment of the message's leaf: both sides know it, and neither can move it. What a sender asks for beyond that is judged
where messages are taken in (`agency_client.receiving.content_rules`).
"""

from dataclasses import dataclass

from schemas.agreements.coverage import find_answer_minutes
from schemas.agreements.terms import Clause
from schemas.markings import Urgency

REQUEST_KIND = "information-request"


@dataclass(frozen=True, slots=True)
class LegalDeadline:
    """So many minutes from receipt, and for which information."""

    minutes: int
    label: str


_URGENT = (
    LegalDeadline(8 * 60, "8 hours, if directly accessible"),
    LegalDeadline(3 * 24 * 60, "3 days, if obtained from other authorities or private parties"),
)
_ROUTINE = (LegalDeadline(7 * 24 * 60, "7 days"),)


def list_legal_deadlines(kind: str, urgency: Urgency) -> tuple[LegalDeadline, ...]:
    """Return what the law says of a request, the shortest first; nothing for any other kind."""
    if kind != REQUEST_KIND:
        return ()
    return _ROUTINE if urgency is Urgency.ROUTINE else _URGENT


def find_due_minutes(kind: str, clause: Clause, urgency: Urgency) -> int | None:
    """Return how many minutes after the leaf an answer is due; None where neither clause nor law says."""
    agreed = find_answer_minutes(clause, urgency)
    lawful = [deadline.minutes for deadline in list_legal_deadlines(kind, urgency)]
    return min([*lawful, *([] if agreed is None else [agreed])], default=None)
