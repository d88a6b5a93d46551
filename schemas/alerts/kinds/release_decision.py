"""release-decision: the originator's consent to a further use of its message, or its refusal.

The consent is this message itself, signed like any other. It travels, disclosed, with every copy it allows.
"""

from typing import Self

from pydantic import model_validator

from schemas.alerts.kinds.release_request import Release
from schemas.alerts.refusal import Refusal
from schemas.alerts.registry import register
from schemas.alerts.shapes import FieldError, FreeText, Moment
from schemas.coded import CodedValue


class ReleaseOutcome(CodedValue):
    """What was decided."""

    GRANTED = "granted", "Granted"
    REFUSED = "refused", "Refused"


@register("release-decision", "Release decision", is_aftercare=True, needs_refers_to=True)
class ReleaseDecision(Release):
    """What is granted, under which conditions and until when; or why it is not."""

    outcome: ReleaseOutcome
    conditions: FreeText | None = None
    valid_until: Moment | None = None
    refusal: Refusal | None = None

    @model_validator(mode="after")
    def _check_outcome_is_complete(self) -> Self:
        is_granted = self.outcome is ReleaseOutcome.GRANTED
        if is_granted != (self.valid_until is not None):
            raise FieldError("valid_until", "stands with the outcome granted, and granted never without it")
        if is_granted != (self.refusal is None):
            raise FieldError("refusal", "stands with the outcome refused, and refused never without it")
        if self.conditions is not None and not is_granted:
            raise FieldError("conditions", "belong to what is granted")
        return self
