"""What the header and the alert inside must say alike; the header is all that the broker saw.

A sender calls both functions. A recipient calls `verify_header_agrees` only: a message that says too little of its
urgency may still be about somebody's life.
"""

from schemas.alerts.base import Alert
from schemas.alerts.registry import AlertError, FieldProblem, InvalidAlertError, kind_of
from schemas.envelope import CONFIDENTIAL_KIND, Header
from schemas.markings import Urgency


class HeaderMismatchError(AlertError):
    """The alert inside is not what the header says; `field` is the alert's."""

    code = "header-mismatch"


def choose_shown_kind(kind: str) -> str:
    """Return what the header shows of a kind: of a confidential one no more than that.

    Raises:
        UnknownKindError: there is none of that name.
    """
    return CONFIDENTIAL_KIND if kind_of(kind).is_confidential else kind


def verify_header_agrees(alert: Alert, header: Header, *, original: Header | None = None) -> None:
    """Check that kind and reference are the same in both.

    `original` is the header of the message whose alert is passed on to the letter: the alert refers to what that one
    refers to, under the id its author knew.

    Raises:
        HeaderMismatchError: the header shows another kind, or refers to another message.
    """
    if header.routing.kind != choose_shown_kind(alert.kind):
        raise HeaderMismatchError(f"the header says {header.routing.kind}, the alert {alert.kind}", "kind")
    referring = header if original is None else original
    if kind_of(alert.kind).needs_refers_to and alert.in_reply_to != referring.refers_to:
        raise HeaderMismatchError("the header refers to another message, or to none", "in_reply_to")


def verify_urgency_reason(alert: Alert, urgency: Urgency) -> None:
    """Check that what is more than routine says why.

    Raises:
        InvalidAlertError: naming `urgency_reason`.
    """
    if urgency is not Urgency.ROUTINE and alert.urgency_reason is None:
        example = "The traveller is held at the border until the answer."
        problem = FieldProblem("urgency_reason", f"is missing, and {urgency} needs it", example)
        raise InvalidAlertError((problem,))
