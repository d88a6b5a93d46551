"""acknowledgement: what a recipient did with a notice or any other message, and what became of it further on."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.alerts.coded import NoticeEffect
from schemas.alerts.refusal import Refusal
from schemas.alerts.registry import register
from schemas.alerts.shapes import Details, FieldError, FreeText, Moment
from schemas.coded import CodedValue
from schemas.model import AgencyId
from schemas.part import Part

MAX_TOLD = 50
"""So many agencies further on stand in one acknowledgement."""

MAX_WAY = 8
"""So many agencies stand between, at most."""


class ActionTaken(CodedValue):
    """What was done."""

    NOTED = "noted", "Noted"
    AMENDED = "amended", "Every copy corrected"
    DELETED = "deleted", "Every copy deleted"
    STOPPED_USING = "stopped-using", "No longer used"
    MARKED = "marked", "Every copy marked"
    RESTRICTED = "restricted", "Every copy restricted"
    NOTHING_HELD = "nothing-held", "Nothing was held"
    REFUSED = "refused", "Refused, with the ground"


class OnwardAnswer(Part):
    """What one agency further on made of a notice; without `effect` it was told and has not answered.

    `path` are the agencies between, the one that passed the message on to it last, where there is more than one.
    """

    agency: AgencyId
    effect: NoticeEffect | None = None
    at: Moment | None = None
    path: Annotated[tuple[AgencyId, ...], Field(min_length=1, max_length=MAX_WAY)] = ()

    @model_validator(mode="after")
    def _check_effect_has_its_time(self) -> Self:
        if (self.effect is None) != (self.at is None):
            raise FieldError("at", "stands with the effect, and never without it")
        return self


@register("acknowledgement", "Acknowledgement", is_aftercare=True, needs_refers_to=True)
class Acknowledgement(Details):
    """What was done, when, and which agencies further on were told.

    `onward`: what each of them answered. `is_automatic`: a node reports by itself; a person's answer is still due.
    """

    action: ActionTaken
    done_at: Moment
    told_onward: Annotated[tuple[AgencyId, ...], Field(min_length=1, max_length=MAX_TOLD)] = ()
    onward: Annotated[tuple[OnwardAnswer, ...], Field(min_length=1, max_length=MAX_TOLD)] = ()
    is_automatic: Literal[True] | None = None
    refusal: Refusal | None = None
    words: FreeText | None = None

    @model_validator(mode="after")
    def _check_onward_was_told(self) -> Self:
        if not {answer.agency for answer in self.onward} <= set(self.told_onward):
            raise FieldError("onward", "who answered further on stands in told_onward as well")
        return self

    @model_validator(mode="after")
    def _check_refusal_has_ground(self) -> Self:
        if (self.action is ActionTaken.REFUSED) != (self.refusal is not None):
            raise FieldError("refusal", "stands with the action refused, and refused never without it")
        return self
