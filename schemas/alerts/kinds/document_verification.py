"""document-verification: is this document genuine, issued, this person's? And document-verification-reply.

A reply answers per question and per field. It may say that there is no record, or refuse and give its ground.
"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from schemas.alerts.document import DocumentIdentity, Holder, PrintedFieldName, SeenZone
from schemas.alerts.refusal import Refusal
from schemas.alerts.registry import register
from schemas.alerts.shapes import AttachmentId, Details, Few, FieldError, Identifier, LineText, Moment
from schemas.coded import CodedValue
from schemas.identifiers.dates import PartialDate
from schemas.part import Part

SubjectReference = Annotated[
    str,
    Field(
        pattern=r"^subject-[0-9a-f]{32}$",
        examples=["subject-6b1f0c6d2f5e4a7b9c8d7e6f5a4b3c2d"],
        description="names the person asked about to nobody but the asking agency",
    ),
]


class Question(CodedValue):
    """What is asked of the issuing state."""

    GENUINE = "genuine", "Is the document genuine?"
    ISSUED = "issued", "Was a document of this number issued?"
    ISSUED_TO_THIS_PERSON = "issued-to-this-person", "Was it issued to this person?"
    PHOTO_MATCHES = "photo-matches", "Is the photograph the one on record?"
    VALID_NOW = "valid-now", "Is it valid now?"
    REPORTED = "reported", "Is it reported stolen, lost or revoked?"


class Answer(CodedValue):
    """An answer to a question, or of a field."""

    YES = "yes", "Yes"
    NO = "no", "No"
    PARTLY = "partly", "Partly"
    NOT_KNOWN = "not-known", "Not known"


class ReplyOutcome(CodedValue):
    """What kind of reply it is."""

    ANSWERED = "answered", "Answered"
    NO_RECORD = "no-record", "No record"
    REFUSED = "refused", "Refused"


class DocumentState(CodedValue):
    """How a document stands in the issuing state's register."""

    VALID = "valid", "Valid"
    EXPIRED = "expired", "Expired"
    STOLEN = "stolen", "Stolen"
    LOST = "lost", "Lost"
    STOLEN_BLANK = "stolen-blank", "Stolen blank"
    REVOKED = "revoked", "Revoked"
    INVALID = "invalid", "Invalid"
    NEVER_ISSUED = "never-issued", "Never issued"


class Confidence(CodedValue):
    """How sure the answer is."""

    HIGH = "high", "High"
    MEDIUM = "medium", "Medium"
    LOW = "low", "Low"


@register("document-verification", "Is this document genuine?")
class DocumentVerification(Details):
    """A request: the document, what it says where that matters, the questions. The due time is `reply_due`.

    By `subject_reference` both sides find again what was asked about one person, without a name.
    """

    document: DocumentIdentity
    subject_reference: SubjectReference | None = None
    mrz: SeenZone | None = None
    holder: Holder | None = None
    issued_on: PartialDate | None = None
    expires_on: PartialDate | None = None
    questions: Few[Question]
    images: Few[AttachmentId] = ()

    @model_validator(mode="after")
    def _check_questions_can_be_answered(self) -> Self:
        if len(set(self.questions)) != len(self.questions):
            raise FieldError("questions", "each question once")
        if Question.ISSUED_TO_THIS_PERSON in self.questions and self.holder is None and self.mrz is None:
            raise FieldError("holder", "who is this person? the question issued-to-this-person needs holder or mrz")
        return self

    def identifiers(self) -> tuple[Identifier, ...]:
        """Return the document's number."""
        return (self.document.identifier(),)

    def nationalities(self) -> tuple[str, ...]:
        """Return the nationality the document states, if it states one that exists."""
        return () if self.holder is None else self.holder.nationalities()

    def attachment_ids(self) -> tuple[str, ...]:
        """Return the images."""
        return self.images


class QuestionAnswer(Part):
    """The answer to one question."""

    question: Question
    answer: Answer
    note: LineText | None = None


class FieldAnswer(Part):
    """Whether one field is as on record."""

    field: PrintedFieldName
    agrees: Answer
    note: LineText | None = None


@register("document-verification-reply", "Reply to a verification", needs_refers_to=True)
class DocumentVerificationReply(Details):
    """A reply. `is_automatic`: a register answered, no person looked (Directive (EU) 2016/680, article 11)."""

    document: DocumentIdentity
    subject_reference: SubjectReference | None = None
    outcome: ReplyOutcome
    is_automatic: bool
    answers: Few[QuestionAnswer] = ()
    fields: Few[FieldAnswer] = ()
    status: DocumentState | None = None
    confidence: Confidence | None = None
    refusal: Refusal | None = None
    valid_until: Moment | None = None

    @model_validator(mode="after")
    def _check_reply_is_of_one_kind(self) -> Self:
        answered = self.outcome is ReplyOutcome.ANSWERED
        if answered != bool(self.answers):
            raise FieldError("answers", "stand in an answered reply, and in no other")
        if not answered and (self.fields or self.status or self.confidence):
            raise FieldError("outcome", "fields, status and confidence stand in an answered reply only")
        if (self.outcome is ReplyOutcome.REFUSED) != (self.refusal is not None):
            raise FieldError("refusal", "stands in a refused reply, and in no other")
        if self.outcome is ReplyOutcome.REFUSED and self.valid_until is not None:
            raise FieldError("valid_until", "a refusal holds nothing that could end")
        return self

    @model_validator(mode="after")
    def _check_each_once(self) -> Self:
        if len({answer.question for answer in self.answers}) != len(self.answers):
            raise FieldError("answers", "each question once")
        named = [answer.field for answer in self.fields if answer.field is not PrintedFieldName.OTHER]
        if len(set(named)) != len(named):
            raise FieldError("fields", "each field once")
        return self

    def identifiers(self) -> tuple[Identifier, ...]:
        """Return the document's number."""
        return (self.document.identifier(),)
