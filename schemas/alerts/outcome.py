"""outcome: what became of an alert, so that its sender learns whether it was worth sending."""

from typing import Annotated

from pydantic import Field

from schemas.alerts.registry import register
from schemas.alerts.shapes import Details, Few, FreeText, IdentifierType, LineText, Moment
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
    OTHER = "other", "Other"


class Match(Part):
    """One key that matched, and how well."""

    key: MatchKey
    identifier: IdentifierType | None = None
    score_percent: Annotated[int, Field(ge=0, le=100, examples=[93])] | None = None
    note: LineText | None = None


@register("outcome", "Outcome of an alert", is_aftercare=True, needs_refers_to=True)
class Outcome(Details):
    """What became of the alert this refers to. `usefulness`: 1 (none) to 5 (decisive)."""

    result: MatchResult
    matches: Few[Match] = ()
    actions: Few[OutcomeAction] = ()
    at: Moment | None = None
    place: LineText | None = None
    state: StateCode | None = None
    usefulness: Annotated[int, Field(ge=1, le=5, examples=[4])]
    words: FreeText | None = None
