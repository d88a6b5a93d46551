"""The common part of every alert: whose it is, what may be done with it, how good it is, whom it is about.

The envelope's header carries kind, marking and urgency, the message around the alert purpose and necessity; here is the
rest, which only a recipient reads. What a single kind adds stands in `details`, in the kind's own module.
"""

from typing import Annotated, Self

from pydantic import Field, SerializeAsAny, model_validator

from schemas.alerts.doubts import QualityCheck
from schemas.alerts.grading import Grading
from schemas.alerts.person import Person
from schemas.alerts.shapes import (
    AttachmentId,
    Details,
    Few,
    FieldError,
    FreeText,
    Identifier,
    LineText,
    Many,
    Moment,
    ShortText,
)
from schemas.coded import CodedValue
from schemas.envelope import Reference
from schemas.identifiers.dates import Day
from schemas.markings import HandlingCode, Pap, Tlp
from schemas.model import AgencyId, Code, Uuid
from schemas.part import Part

Language = Annotated[
    str,
    Field(pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$", examples=["en"], description="BCP 47, such as zh-Hans"),
]
Recipients = Annotated[tuple[AgencyId, ...], Field(min_length=1, max_length=50, examples=[["VN-IMM"]])]


class Handling(Part):
    """Handling codes, combined; H3 comes with its restriction in words, and only H3 does."""

    codes: Annotated[tuple[HandlingCode, ...], Field(min_length=1, max_length=4)]
    restriction: FreeText | None = None

    @model_validator(mode="after")
    def _check_restriction_belongs_to_h3(self) -> Self:
        if len(set(self.codes)) != len(self.codes):
            raise FieldError("codes", "each code once")
        if (HandlingCode.H3 in self.codes) != (self.restriction is not None):
            raise FieldError("restriction", "stands with h3, and h3 never without it")
        return self


class CaveatCode(CodedValue):
    """What must not come of a message."""

    NO_DEATH_PENALTY = "no-death-penalty", "Not to be used where a death penalty may follow"
    NO_TORTURE_RISK = "no-torture-risk", "Not to be used where torture or ill-treatment may follow"
    NO_AUTOMATED_DECISION = "no-automated-decision", "No decision about a person without a person's judgement"
    NOT_AGAINST_VICTIM = "not-against-victim", "Never usable against a victim"
    NO_CONTACT_WITH_SUBJECT = "no-contact-with-subject", "The person concerned must not learn of it"
    NO_CONTACT_WITH_STATE = "no-contact-with-state", "Not to reach the authorities of the person's own state"
    PROTECT_SOURCE = "protect-source", "Nothing may be done that shows the source"
    OTHER = "other", "Other caveat, in words"


class Caveat(Part):
    """A caveat; `other` says in words what it means."""

    code: CaveatCode
    words: FreeText | None = None

    @model_validator(mode="after")
    def _check_other_has_words(self) -> Self:
        if self.code is CaveatCode.OTHER and self.words is None:
            raise FieldError("words", "the code other needs words")
        return self


class Basis(CodedValue):
    """Whether a statement is a fact or somebody's assessment (Directive (EU) 2016/680, article 7)."""

    FACT = "fact", "Fact"
    ASSESSMENT = "assessment", "Assessment"


class Statement(Part):
    """One thing said, apart from the others; graded by itself where it differs from the whole."""

    text: FreeText
    basis: Basis
    grading: Grading | None = None


class SpecialCategory(CodedValue):
    """Special categories of personal data (Directive (EU) 2016/680, article 10)."""

    ETHNIC_ORIGIN = "ethnic-origin", "Racial or ethnic origin"
    POLITICAL_OPINION = "political-opinion", "Political opinions"
    RELIGION = "religion", "Religious or philosophical beliefs"
    TRADE_UNION = "trade-union", "Trade union membership"
    GENETIC = "genetic", "Genetic data"
    BIOMETRIC = "biometric", "Biometric data"
    HEALTH = "health", "Health"
    SEX_LIFE = "sex-life", "Sex life or sexual orientation"


class SpecialCategories(Part):
    """Which special categories are in the alert, and why that is strictly necessary."""

    categories: Annotated[tuple[SpecialCategory, ...], Field(min_length=1, max_length=8)]
    strictly_necessary_because: FreeText


class TransferGround(CodedValue):
    """Why data may leave one legal area (Directive (EU) 2016/680, articles 35 to 38)."""

    ADEQUACY = "adequacy", "Adequacy decision"
    APPROPRIATE_SAFEGUARDS = "appropriate-safeguards", "Appropriate safeguards"
    DEROGATION = "derogation", "Derogation for a specific situation, recorded"


class Transfer(Part):
    """The ground of this transfer where it is not the agreement's own, and the originating state's authorisation."""

    ground: TransferGround
    record: LineText | None = None
    originator_authorisation: LineText | None = None

    @model_validator(mode="after")
    def _check_derogation_is_recorded(self) -> Self:
        if self.ground is TransferGround.DEROGATION and self.record is None:
            raise FieldError("record", "a derogation names its record")
        return self


class AttachmentNote(Part):
    """What a reader is told of an attachment before opening it."""

    id: AttachmentId
    caption: LineText
    marking: Tlp | None = None


class Alert(Part):
    """An alert of any kind. Models of single kinds, with `kind` and `details` their own, come from the registry."""

    kind: Code
    thread: Annotated[Uuid, Field(examples=["0190a6f2-3c4d-7e5f-8a6b-7c8d9e0f1a2b"])]
    in_reply_to: Reference | None = None
    supersedes: Reference | None = None
    own_reference: ShortText | None = None
    partner_reference: ShortText | None = None
    unit: ShortText
    officer: Annotated[ShortText, Field(examples=["officer-17"], description="a pseudonym, never a name")]
    subject: Annotated[LineText, Field(max_length=120, examples=["Counterfeit passport, page substitution"])]
    urgency_reason: FreeText | None = None
    reply_due: Moment | None = None
    pap: Pap
    handling: Handling
    onward: Recipients | None = None
    caveats: Few[Caveat] = ()
    grading: Grading | None = None
    statements: Many[Statement] = ()
    data_as_of: Moment
    review_date: Day | None = None
    retain_until: Day | None = None
    language: Language
    translated_from: Annotated[Language, Field(examples=["vi"])] | None = None
    persons: Many[Person] = ()
    special_categories: SpecialCategories | None = None
    transfer: Transfer | None = None
    quality: QualityCheck | None = None
    attachments: Few[AttachmentNote] = ()
    details: SerializeAsAny[Details]

    @model_validator(mode="after")
    def _check_references(self) -> Self:
        _verify_unique("persons", [person.ref for person in self.persons])
        _verify_unique("attachments", [note.id for note in self.attachments])
        _verify_known("persons", self.details.person_refs(), {person.ref for person in self.persons})
        _verify_known("attachments", self._attachment_ids(), {note.id for note in self.attachments})
        self.details.verify_persons(tuple(person.ref for person in self.persons))
        return self

    @model_validator(mode="after")
    def _check_dates(self) -> Self:
        if self.review_date and self.retain_until and self.review_date > self.retain_until:
            raise FieldError("review_date", "the review comes before the data are erased")
        if self.translated_from is not None and self.translated_from == self.language:
            raise FieldError("translated_from", "the same language as language; leave it out")
        return self

    def identifiers(self) -> tuple[Identifier, ...]:
        """Return, each once, what an agency searches its own records by."""
        found = [identifier for person in self.persons for identifier in person.identifiers()]
        return tuple(dict.fromkeys([*found, *self.details.identifiers()]))

    def nationalities(self) -> tuple[str, ...]:
        """Return, each once, the codes of the states whose nationals this is about."""
        found = [code for person in self.persons for code in person.nationalities]
        return tuple(dict.fromkeys([*found, *self.details.nationalities()]))

    def _attachment_ids(self) -> tuple[str, ...]:
        return (*(photo for person in self.persons for photo in person.photos), *self.details.attachment_ids())


def _verify_unique(field: str, names: list[str]) -> None:
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise FieldError(field, f"{repeated} stands there twice")


def _verify_known(field: str, used: tuple[str, ...], known: set[str]) -> None:
    missing = next((name for name in used if name not in known), None)
    if missing is not None:
        raise FieldError(field, f"{missing} is spoken of and does not stand there")
