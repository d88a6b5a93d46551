"""acknowledgement: what a recipient did with a correction, a withdrawal or any other message."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from schemas.alerts.refusal import Refusal
from schemas.alerts.registry import register
from schemas.alerts.shapes import Details, FieldError, FreeText, Moment
from schemas.coded import CodedValue
from schemas.model import AgencyId


class ActionTaken(CodedValue):
    """What was done."""

    NOTED = "noted", "Noted"
    AMENDED = "amended", "Every copy corrected"
    DELETED = "deleted", "Every copy deleted"
    STOPPED_USING = "stopped-using", "No longer used"
    NOTHING_HELD = "nothing-held", "Nothing was held"
    REFUSED = "refused", "Refused, with the ground"


@register("acknowledgement", "Acknowledgement", is_aftercare=True, needs_refers_to=True)
class Acknowledgement(Details):
    """What was done, when, and which agencies further on were told."""

    action: ActionTaken
    done_at: Moment
    told_onward: Annotated[tuple[AgencyId, ...], Field(min_length=1, max_length=50)] = ()
    refusal: Refusal | None = None
    words: FreeText | None = None

    @model_validator(mode="after")
    def _check_refusal_has_ground(self) -> Self:
        if (self.action is ActionTaken.REFUSED) != (self.refusal is not None):
            raise FieldError("refusal", "stands with the action refused, and refused never without it")
        return self
