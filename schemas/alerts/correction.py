"""correction: something in a message was wrong. It follows the original to everyone it reached."""

from typing import Annotated

from pydantic import Field

from schemas.alerts.coded import RequiredAction
from schemas.alerts.registry import register
from schemas.alerts.shapes import Details, FreeText, LineText, Many, Moment
from schemas.coded import CodedValue
from schemas.envelope import Reference
from schemas.part import Part

FieldPath = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$",
        max_length=200,
        examples=["details.document.holder.birth_date"],
        description="the path of a field in the corrected alert",
    ),
]


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


@register("correction", "Correction", is_aftercare=True, needs_refers_to=True)
class Correction(Details):
    """What to change in the message this refers to, what to do, by when to say it was done."""

    changes: Many[Change]
    reason: CorrectionReason
    words: FreeText | None = None
    required_action: RequiredAction
    acknowledge_by: Moment
    replaced_by: Reference | None = None
