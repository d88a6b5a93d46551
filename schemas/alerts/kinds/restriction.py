"""restriction: a message is kept and no longer used (Directive (EU) 2016/680, article 16(3)), or is free again.

Only who restricted a message lifts that: the restriction of another stands until that one lifts it.
"""

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from schemas.alerts.coded import RequiredAction, RestrictedUse
from schemas.alerts.notice import Notice
from schemas.alerts.registry import register
from schemas.alerts.shapes import Few, FieldError, FreeText
from schemas.coded import CodedValue


class RestrictionGround(CodedValue):
    """Why it is restricted, or free again."""

    ACCURACY_CONTESTED = "accuracy-contested", "The person contests it, and nobody can say yet who is right"
    NEEDED_AS_EVIDENCE = "needed-as-evidence", "It would have to be erased, and is needed as evidence"
    COURT_OR_SUPERVISOR = "court-or-supervisor", "Ordered by a court or a supervisory authority"
    REQUEST_OF_PERSON = "request-of-person", "Asked for by the person concerned"
    CLARIFIED = "clarified", "Clarified: it is right as it stands, or was corrected"


@register(
    "restriction", "Restriction", is_aftercare=True, needs_refers_to=True, acts_by_itself=True, is_senders_alone=True
)
class Restriction(Notice):
    """Why the message this refers to is restricted, or free again; `still_allowed`: what it may be used for even so."""

    actions: ClassVar = frozenset({RequiredAction.RESTRICT, RequiredAction.LIFT})

    required_action: Annotated[RequiredAction, Field(examples=["restrict"])]
    ground: RestrictionGround
    still_allowed: Few[RestrictedUse] = ()
    words: FreeText | None = None

    @model_validator(mode="after")
    def _check_lifting_allows_all(self) -> Self:
        if self.required_action is RequiredAction.LIFT and self.still_allowed:
            raise FieldError("still_allowed", "stands in a restriction only; what is lifted restricts nothing")
        return self
