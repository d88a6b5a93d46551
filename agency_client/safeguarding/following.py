"""What follows a confidential message up says nothing of it: acknowledged, taken back, restricted, and no more.

Such messages lie outside the compartment and every officer reads them; so the sender's client takes out whatever they
would repeat, and the recipient's refuses what says more. What corrects or answers it is a message of its own kind.
"""

from agency_client.errors import DeniedError, NotFoundError
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.inbox import load_by_digest
from agency_client.local_store.sent import find_message_by_digest
from schemas.alerts.base import Alert, Handling
from schemas.alerts.confidential import find_words_about
from schemas.alerts.registry import FieldProblem, kind_of
from schemas.envelope import CONFIDENTIAL_KIND, SAFEGUARDING_KIND, Reference
from schemas.markings import HandlingCode


class SaidOpenlyError(DeniedError):
    """It would say openly what stands in a confidential message."""

    default_code = "said-openly"


def is_about_confidential(snapshot: Snapshot, reference: Reference) -> bool:
    """Tell whether a message, sent or received, is a confidential one; one that is not here is none."""
    sent = find_message_by_digest(snapshot, reference.digest)
    if sent is not None:
        return sent.kind == SAFEGUARDING_KIND
    try:
        return load_by_digest(snapshot, reference.digest).kind == CONFIDENTIAL_KIND
    except NotFoundError:
        return False


def find_open_words(snapshot: Snapshot, alert: Alert, reference: Reference) -> tuple[FieldProblem, ...]:
    """Return what an alert says openly about a confidential message that it refers to; nothing about any other."""
    kind = kind_of(alert.kind)
    if kind.is_confidential or not is_about_confidential(snapshot, reference):
        return ()
    return tuple(FieldProblem(field, problem, None) for field, problem in find_words_about(alert, kind.label))


def hide_what_follows(snapshot: Snapshot, alert: Alert, reference: Reference, *, is_passed_on: bool) -> Alert:
    """Return what follows a message up without what it would repeat of a confidential one.

    What is passed on stands to the letter: its author took that out.

    Raises:
        SaidOpenlyError: it says more, in words of its own or by its kind.
    """
    kind = kind_of(alert.kind)
    if kind.is_confidential or not is_about_confidential(snapshot, reference):
        return alert
    hidden = alert if is_passed_on else _hide(alert, kind.label, reference)
    problems = find_open_words(snapshot, hidden, reference)
    if problems:
        raise SaidOpenlyError(
            "; ".join(str(problem) for problem in problems),
            fix="say it in a message of the kind victim-safeguarding, in the same thread",
        )
    return hidden


def _hide(alert: Alert, label: str, reference: Reference) -> Alert:
    codes = tuple(code for code in alert.handling.codes if code is not HandlingCode.H3) or (HandlingCode.H0,)
    hidden = {
        "subject": label,
        "thread": reference.id,
        "handling": Handling(codes=codes),
        "own_reference": None,
        "partner_reference": None,
        "urgency_reason": None,
    }
    return alert.model_copy(update=hidden)
