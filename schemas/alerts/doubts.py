"""What was looked at before an alert left, as it travels: each doubt by its code, with the sender's words for it.

Directive (EU) 2016/680, article 7(2): what is inaccurate, incomplete or no longer up to date is not transmitted, and
the recipient is told enough to judge by itself. Finding the doubts is `schemas.alerts.quality`.
"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from schemas.alerts.shapes import FieldError, FreeText, LineText, Moment
from schemas.coded import CodedValue
from schemas.part import Part


class DoubtCode(CodedValue):
    """What can be doubtful about an alert that is well formed."""

    STALE_DATA = "stale-data", "The data are older than such data usually hold"
    FUTURE_DATA = "future-data", "The data are dated later than the check"
    CHECK_DIGITS = "check-digits", "Check digits fail, and that is not what is reported"
    WRONG_IDENTIFIER = "wrong-identifier", "An identifier was checked and found wrong"
    ZONE_DIFFERS = "zone-differs", "The zone says something else than the print, and that is not what is reported"
    BIRTH_AFTER_ISSUE = "birth-after-issue", "The holder was born after the document was issued"
    EXPIRY_BEFORE_ISSUE = "expiry-before-issue", "The document expires before it was issued"
    BIRTH_IN_FUTURE = "birth-in-future", "A birth date lies ahead"
    UNGRADED_FACT = "ungraded-fact", "A fact without a grade"
    DOUBTFUL_FACT = "doubtful-fact", "A fact whose own grade says that it is none"
    ROLE_MISSING = "role-missing", "The person the alert is about has no role"
    VICTIM_UNPROTECTED = "victim-unprotected", "A victim without the caveat that protects victims"
    REVIEW_PAST = "review-past", "The review date is past"
    RETENTION_PAST = "retention-past", "The last day of keeping is past"
    REPLY_DUE_PAST = "reply-due-past", "The answer was due before it was asked for"
    NECESSITY_EMPTY = "necessity-empty", "The necessity names nothing that is particular to this case"
    SENT_BEFORE = "sent-before", "The same was sent to the same agency before"


class AnsweredDoubt(Part):
    """A doubt and what the sender says to it. `field` is where in the alert it lies, absent where it lies outside."""

    code: DoubtCode
    field: Annotated[LineText, Field(max_length=200, examples=["data_as_of"])] | None = None
    words: Annotated[FreeText, Field(max_length=1000, examples=["confirmed by phone today"])]


class QualityCheck(Part):
    """When an alert was looked at before sending, and which doubts were answered; none stands where none was found."""

    checked_at: Moment
    answered: Annotated[tuple[AnsweredDoubt, ...], Field(min_length=1, max_length=50)] = ()

    @model_validator(mode="after")
    def _check_each_doubt_once(self) -> Self:
        places = [(item.code, item.field) for item in self.answered]
        if len(set(places)) != len(places):
            raise FieldError("answered", "each doubt once")
        return self
