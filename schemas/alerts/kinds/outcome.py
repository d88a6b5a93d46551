"""outcome: what became of an alert, so that its sender learns whether it was worth sending.

Where a machine matched, a person decides (Directive (EU) 2016/680, article 11): an outcome that confirms an automatic
match, or tells of coercion after one, names whose decision that was.
"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from schemas.alerts.money import Money
from schemas.alerts.people import Count
from schemas.alerts.registry import register
from schemas.alerts.shapes import Details, Few, FieldError, FreeText, IdentifierType, LineText, Moment, ShortText
from schemas.coded import CodedValue
from schemas.identifiers.states import StateCode
from schemas.part import Part


class MatchKey(CodedValue):
    """By what an alert was matched, beside identifiers."""

    NAME = "name", "Name"
    BIRTH_DATE = "birth-date", "Date of birth"
    FACE = "face", "Face"
    FINGERPRINT = "fingerprint", "Fingerprint"
    DOCUMENT = "document", "Document"
    IDENTIFIER = "identifier", "Identifier"
    CONVEYANCE = "conveyance", "Vehicle, vessel, aircraft or container"
    ACCOUNT = "account", "Account or address of money"
    PATTERN = "pattern", "Pattern of an operation"


class MatchResult(CodedValue):
    """What a person found when looking at the match (Directive (EU) 2016/680, article 11)."""

    CONFIRMED = "confirmed", "Confirmed"
    FALSE = "false", "False match"
    UNRESOLVED = "unresolved", "Unresolved"
    NO_MATCH = "no-match", "No match"


class OutcomeAction(CodedValue):
    """What was done."""

    NONE = "none", "Nothing"
    DOCUMENT_SEIZED = "document-seized", "Document seized"
    ENTRY_REFUSED = "entry-refused", "Entry refused"
    BOARDING_REFUSED = "boarding-refused", "Boarding refused"
    VISA_REFUSED_OR_REVOKED = "visa-refused-or-revoked", "Visa refused or revoked"
    ARREST = "arrest", "Arrest"
    PERSON_SAFEGUARDED = "person-safeguarded", "Person safeguarded"
    INVESTIGATION_OPENED = "investigation-opened", "Investigation opened"
    RECORD_UPDATED = "record-updated", "Own records updated"
    PASSED_ON = "passed-on", "Passed on to the competent authority"
    RETURN = "return", "Return"
    CONVEYANCE_SEIZED = "conveyance-seized", "Conveyance seized"
    MONEY_FROZEN = "money-frozen", "Money or assets frozen or seized"
    CONTENT_REMOVED = "content-removed", "Content removed from a platform"
    PEOPLE_RESCUED = "people-rescued", "People rescued"
    PERSON_WATCHED = "person-watched", "Person or conveyance watched, not stopped"
    INTERVIEW = "interview", "Person interviewed"
    DOCUMENT_ISSUED = "document-issued", "Document replaced for its true holder"
    OTHER = "other", "Other"


class FalseBecause(CodedValue):
    """Why a match was false: what the sender can do better."""

    NAMESAKE = "namesake", "Another person of the same name"
    OUTDATED = "outdated", "The data were out of date"
    MISREAD = "misread", "Something was misread or mistyped"
    TRANSLITERATION = "transliteration", "The name was transliterated otherwise"
    MISUSED_IDENTITY = "misused-identity", "The person's identity had been misused"
    TOO_LITTLE = "too-little", "Too little was said to tell persons apart"
    MACHINE = "machine", "The machine's threshold was too low"


COERCIVE_ACTIONS = frozenset(
    {
        OutcomeAction.DOCUMENT_SEIZED,
        OutcomeAction.ENTRY_REFUSED,
        OutcomeAction.BOARDING_REFUSED,
        OutcomeAction.VISA_REFUSED_OR_REVOKED,
        OutcomeAction.ARREST,
        OutcomeAction.RETURN,
        OutcomeAction.CONVEYANCE_SEIZED,
        OutcomeAction.MONEY_FROZEN,
    }
)
"""Actions with an adverse effect on a person, which no machine takes."""


class Decision(Part):
    """Who looked at what a machine found and decided: a pseudonym, when, and on what grounds."""

    officer: Annotated[ShortText, Field(examples=["officer-17"], description="a pseudonym, never a name")]
    decided_at: Moment
    words: Annotated[FreeText, Field(examples=["Photograph and signature compared at the second line."])]


class Match(Part):
    """One key that matched, and how well."""

    key: MatchKey
    identifier: IdentifierType | None = None
    score_percent: Annotated[int, Field(ge=0, le=100, examples=[93])] | None = None
    note: LineText | None = None


@register("outcome", "Outcome of an alert", is_aftercare=True, needs_refers_to=True, declares_special=True)
class Outcome(Details):
    """What became of the alert this refers to. `usefulness`: 1 (none) to 5 (decisive).

    `is_automatic`: a machine matched. `decision` is then the person's who looked at the match.
    """

    result: MatchResult
    is_automatic: bool | None = None
    decision: Decision | None = None
    false_because: FalseBecause | None = None
    matches: Few[Match] = ()
    actions: Few[OutcomeAction] = ()
    at: Moment | None = None
    place: LineText | None = None
    state: StateCode | None = None
    money: Few[Money] = ()
    people_helped: Count | None = None
    usefulness: Annotated[int, Field(ge=1, le=5, examples=[4])]
    words: FreeText | None = None
    next_step: LineText | None = None

    @model_validator(mode="after")
    def _check_false_is_explained_only_when_false(self) -> Self:
        if self.false_because is not None and self.result is not MatchResult.FALSE:
            raise FieldError("false_because", "stands with the result false only")
        return self

    @model_validator(mode="after")
    def _check_a_person_decided(self) -> Self:
        if self.is_automatic and self.needs_decision and self.decision is None:
            raise FieldError("decision", "what a machine matched is confirmed, or acted on, by a named officer only")
        return self

    @property
    def needs_decision(self) -> bool:
        """Return whether a person must have decided if a machine matched."""
        return self.result is MatchResult.CONFIRMED or not COERCIVE_ACTIONS.isdisjoint(self.actions)
