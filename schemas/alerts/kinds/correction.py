"""correction: something in a message was wrong. It follows the original to everyone it reached."""

from typing import ClassVar

from schemas.alerts.coded import RequiredAction
from schemas.alerts.notice import Notice
from schemas.alerts.registry import register
from schemas.alerts.shapes import FieldPath, FreeText, LineText, Many
from schemas.coded import CodedValue
from schemas.envelope import Reference
from schemas.part import Part


class CorrectionReason(CodedValue):
    """Why something was wrong."""

    TYPING_ERROR = "typing-error", "Typing or reading error"
    WRONG_PERSON = "wrong-person", "Wrong person"
    MISUSED_IDENTITY = "misused-identity", "The identity is another person's, misused"
    OUTDATED = "outdated", "Outdated"
    NEW_FINDINGS = "new-findings", "New findings"
    COURT_OR_SUPERVISOR = "court-or-supervisor", "Ordered by a court or a supervisory authority"
    REQUEST_OF_PERSON = "request-of-person", "Asked for by the person concerned"


class Change(Part):
    """One field: what it said, what it says now. Without `now` nothing stands there any more."""

    field: FieldPath
    was: LineText | None = None
    now: LineText | None = None


@register(
    "correction", "Correction", is_aftercare=True, needs_refers_to=True, acts_by_itself=True, is_senders_alone=True
)
class Correction(Notice):
    """What to change in the message this refers to, what to do, by when to say it was done.

    `replaced_by` names the message that says it right, where there is one.
    """

    actions: ClassVar = frozenset({RequiredAction.AMEND, RequiredAction.DELETE, RequiredAction.STOP_USING})

    changes: Many[Change]
    reason: CorrectionReason
    words: FreeText | None = None
    replaced_by: Reference | None = None
