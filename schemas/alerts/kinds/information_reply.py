"""information-reply: what is told, what is not and on which ground, and what may be done with it.

What is told stands in `statements` and `persons`, facts apart from assessments, graded; here is what became of each
thing that was asked.
"""

from typing import Self

from pydantic import model_validator

from schemas.alerts.document import DocumentIdentity
from schemas.alerts.kinds.information_request import InformationItem, LimitOfUse
from schemas.alerts.refusal import Refusal
from schemas.alerts.registry import register
from schemas.alerts.shapes import Details, Few, FieldError, FreeText, Identifier, LineText, Moment
from schemas.coded import CodedValue
from schemas.part import Part


class InformationOutcome(CodedValue):
    """What kind of reply it is."""

    ANSWERED = "answered", "Answered"
    PARTLY = "partly", "Partly answered"
    NO_RECORD = "no-record", "No record"
    REFUSED = "refused", "Refused"
    CLARIFICATION_NEEDED = "clarification-needed", "Clarification needed"


class ItemResult(CodedValue):
    """What became of one thing asked."""

    TOLD = "told", "Told in the statements or persons"
    NO_RECORD = "no-record", "No record"
    REFUSED = "refused", "Refused"
    FOLLOWS = "follows", "Follows later"
    NOT_HELD = "not-held", "Not held: another authority, named in the note"


class Access(CodedValue):
    """How the information was reached (Directive (EU) 2023/977, article 2(5) and (6))."""

    DIRECT = "direct", "Directly accessible"
    INDIRECT = "indirect", "Obtained from other authorities or private parties"


class ItemAnswer(Part):
    """The answer to one thing asked; what is refused names its own ground."""

    item: InformationItem
    result: ItemResult
    refusal: Refusal | None = None
    note: LineText | None = None

    @model_validator(mode="after")
    def _check_result_is_complete(self) -> Self:
        if (self.result is ItemResult.REFUSED) != (self.refusal is not None):
            raise FieldError("refusal", "stands with the result refused, and refused never without it")
        if self.result is ItemResult.NOT_HELD and self.note is None:
            raise FieldError("note", "names the authority that holds it")
        return self


_TELLING = frozenset({InformationOutcome.ANSWERED, InformationOutcome.PARTLY})


@register("information-reply", "Reply to a request for information", needs_refers_to=True)
class InformationReply(Details):
    """A reply. `is_automatic`: a register answered, no person looked (Directive (EU) 2016/680, article 11).

    `more_by`: when what follows later will come, in a reply of its own.
    """

    outcome: InformationOutcome
    is_automatic: bool
    answers: Few[ItemAnswer] = ()
    access: Access | None = None
    documents: Few[DocumentIdentity] = ()
    limits_of_use: Few[LimitOfUse] = ()
    refusal: Refusal | None = None
    clarification: FreeText | None = None
    more_by: Moment | None = None
    valid_until: Moment | None = None

    @model_validator(mode="after")
    def _check_reply_is_of_one_kind(self) -> Self:
        tells = self.outcome in _TELLING
        if tells != bool(self.answers):
            raise FieldError("answers", "stand in a reply that answers, wholly or partly, and in no other")
        if not tells and (self.documents or self.limits_of_use or self.valid_until):
            raise FieldError("outcome", "documents, limits of use and valid_until stand in a reply that answers")
        if (self.outcome is InformationOutcome.REFUSED) != (self.refusal is not None):
            raise FieldError("refusal", "stands in a refused reply, and in no other; an item refused has its own")
        if (self.outcome is InformationOutcome.CLARIFICATION_NEEDED) != (self.clarification is not None):
            raise FieldError("clarification", "says what must be clarified, where that is the outcome")
        return self

    @model_validator(mode="after")
    def _check_answers_add_up(self) -> Self:
        if len({answer.item for answer in self.answers}) != len(self.answers):
            raise FieldError("answers", "each thing once")
        results = {answer.result for answer in self.answers}
        if self.outcome is InformationOutcome.ANSWERED and results - {ItemResult.TOLD, ItemResult.NO_RECORD}:
            raise FieldError("answers", "something is refused, not held, or follows later: the outcome is partly")
        if (ItemResult.FOLLOWS in results) != (self.more_by is not None):
            raise FieldError("more_by", "says when what follows later will come, and stands with nothing else")
        return self

    def identifiers(self) -> tuple[Identifier, ...]:
        """Return the numbers of the documents told of."""
        return tuple(document.identifier() for document in self.documents)
