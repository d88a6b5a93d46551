"""breach-notice: what was in a message became known, was changed or was lost where it must not (art. 30(6), 2016/680).

Either side of a message may send it: whoever sent the message, or whoever holds it.
"""

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from schemas.alerts.coded import RequiredAction
from schemas.alerts.notice import Notice
from schemas.alerts.registry import register
from schemas.alerts.shapes import Few, FieldError, FreeText, LineText, Moment
from schemas.coded import CodedValue


class BreachNature(CodedValue):
    """What was broken (Directive (EU) 2016/680, article 3(11))."""

    CONFIDENTIALITY = "confidentiality", "Somebody learnt of it who must not"
    INTEGRITY = "integrity", "It was changed"
    AVAILABILITY = "availability", "It was lost"


@register("breach-notice", "Breach notice", is_aftercare=True, needs_refers_to=True, acts_by_itself=True)
class BreachNotice(Notice):
    """What happened to the data of the message this refers to (article 30(3)), what to do, by when to say it was done.

    `persons_affected` is as near as is known. `contact` is who tells more.
    """

    actions: ClassVar = frozenset({RequiredAction.MARK, RequiredAction.DELETE, RequiredAction.STOP_USING})

    required_action: Annotated[RequiredAction, Field(examples=["mark"])]
    nature: Few[BreachNature]
    found_at: Moment
    happened_at: Annotated[Moment, Field(examples=["2026-11-20T22:00:00Z"])] | None = None
    persons_affected: Annotated[int, Field(ge=0, le=10**9, examples=[12])] | None = None
    consequences: FreeText
    measures: FreeText
    contact: LineText
    words: FreeText | None = None

    @model_validator(mode="after")
    def _check_order_of_times(self) -> Self:
        if self.happened_at is not None and self.happened_at > self.found_at:
            raise FieldError("happened_at", "it cannot be found before it happened")
        return self
