"""document-status: the issuing state reports a document stolen, lost, revoked or otherwise not to be accepted.

Only the issuing state may report (`verify_issuer`). A revocation says who decided it, why and under which law, so that
it can be challenged (`schemas.alerts.kinds.revocation_challenge`); one that was challenged says so. The holder is not
part of it.
"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from schemas.alerts.base import Alert
from schemas.alerts.coded import DocumentType
from schemas.alerts.document import DocumentNumber
from schemas.alerts.registry import AlertError, register
from schemas.alerts.shapes import (
    Details,
    Few,
    FieldError,
    FreeText,
    Identifier,
    IdentifierType,
    LineText,
    ShortText,
)
from schemas.coded import CodedValue
from schemas.identifiers.dates import Day, PartialDate
from schemas.identifiers.numbers import normalise_document_number
from schemas.identifiers.states import StateCode, describe_state, find_issuer
from schemas.part import Part

REVIEW_AFTER_YEARS = 10


class StatusCode(CodedValue):
    """What became of a document."""

    STOLEN = "stolen", "Stolen"
    LOST = "lost", "Lost"
    STOLEN_BLANK = "stolen-blank", "Stolen blank"
    REVOKED = "revoked", "Revoked"
    INVALID = "invalid", "Invalid"
    MISAPPROPRIATED = "misappropriated", "Misappropriated"


class RevocationReason(CodedValue):
    """Why a document was revoked. There is no code for an opinion."""

    OBTAINED_BY_FRAUD = "obtained-by-fraud", "Obtained by fraud"
    ISSUED_IN_ERROR = "issued-in-error", "Issued in error"
    NATIONALITY_LOST = "nationality-lost", "Nationality lost"
    COURT_ORDER = "court-order", "Ordered by a court in criminal proceedings"
    CHILD_PROTECTION = "child-protection", "Protection of a child"
    HOLDER_DECEASED = "holder-deceased", "Holder deceased"
    REPLACED = "replaced", "Replaced by another document"
    OTHER = "other", "Other reason, in words"


class ChallengeState(CodedValue):
    """What became of a challenge, by the word of the issuing state."""

    OPEN = "open", "Being examined"
    UPHELD = "upheld", "Upheld: the report no longer counts"
    DISMISSED = "dismissed", "Dismissed"


class ToldChallenge(Part):
    """A challenge as the issuing state tells of it: since when, before whom, what became of it, and why."""

    lodged_on: PartialDate
    lodged_with: LineText
    status: ChallengeState
    decided_on: PartialDate | None = None
    words: FreeText | None = None

    @model_validator(mode="after")
    def _check_decision_is_explained(self) -> Self:
        is_decided = self.status is not ChallengeState.OPEN
        if is_decided != (self.decided_on is not None):
            raise FieldError("decided_on", "stands with what was decided, and with nothing else")
        if self.status is ChallengeState.DISMISSED and self.words is None:
            raise FieldError("words", "a dismissal says why")
        return self


class Revocation(Part):
    """Who revoked a document, why, and under which law (`legal_reference`); a court order names its own reference."""

    reason: RevocationReason
    words: FreeText | None = None
    ordered_by: LineText
    ordered_on: PartialDate
    legal_reference: Annotated[LineText, Field(examples=["Passport Act, section 11(1)(b)"])]
    court_reference: ShortText | None = None
    can_be_challenged_at: LineText | None = None

    @model_validator(mode="after")
    def _check_reason_is_given_in_full(self) -> Self:
        if self.reason is RevocationReason.COURT_ORDER and self.court_reference is None:
            raise FieldError("court_reference", "a court order names its reference")
        if self.reason is RevocationReason.OTHER and self.words is None:
            raise FieldError("words", "the reason other needs words")
        return self


class BlankRange(Part):
    """Numbers of blank documents, the first and the last included."""

    first: DocumentNumber
    last: DocumentNumber

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        first, last = normalise_document_number(self.first), normalise_document_number(self.last)
        if _split_serial(first)[0] != _split_serial(last)[0] or len(first) != len(last) or first > last:
            raise FieldError("last", "not after first in the same series: same letters before, same length")
        return self

    def covers(self, number: str) -> bool:
        """Say whether a document number, in any spelling, lies in the range."""
        first, last = normalise_document_number(self.first), normalise_document_number(self.last)
        sought = normalise_document_number(number)
        same_series = _split_serial(sought)[0] == _split_serial(first)[0] and len(sought) == len(first)
        return same_series and first <= sought <= last


class Recovery(Part):
    """When and where a document was found again. It stays not to be accepted."""

    on: PartialDate
    place: LineText | None = None
    state: StateCode | None = None


@register("document-status", "Document stolen, lost, revoked or invalid", needs_grading=True)
class DocumentStatus(Details):
    """A document, or a range of blanks, that is not to be accepted; `challenge` where the report is disputed."""

    type: DocumentType
    issuing_state: StateCode
    status: StatusCode
    number: DocumentNumber | None = None
    blanks: Few[BlankRange] = ()
    happened_on: PartialDate | None = None
    place: LineText | None = None
    state: StateCode | None = None
    national_reference: ShortText
    issued_on: PartialDate | None = None
    expires_on: PartialDate | None = None
    revocation: Revocation | None = None
    recovery: Recovery | None = None
    challenge: ToldChallenge | None = None

    @model_validator(mode="after")
    def _check_rules(self) -> Self:
        if (self.number is None) == (not self.blanks):
            raise FieldError("number", "either a number or ranges of blanks, not both")
        if self.blanks and self.status is not StatusCode.STOLEN_BLANK:
            raise FieldError("blanks", "ranges stand with the status stolen-blank only")
        if (self.revocation is not None) != (self.status is StatusCode.REVOKED):
            raise FieldError("revocation", "stands with the status revoked, and revoked never without it")
        if self.challenge is not None and self.number is None:
            raise FieldError("challenge", "is of one document; a range of blanks has no holder")
        return self

    def identifiers(self) -> tuple[Identifier, ...]:
        """Return the number; ranges are asked with `covers`."""
        if self.number is None:
            return ()
        return (Identifier(IdentifierType.DOCUMENT_NUMBER, normalise_document_number(self.number)),)

    def covers(self, number: str) -> bool:
        """Say whether a document number, in any spelling, is the one reported or in a range reported."""
        if self.number is not None:
            return normalise_document_number(self.number) == normalise_document_number(number)
        return any(blanks.covers(number) for blanks in self.blanks)


class NotIssuerError(AlertError):
    """A document's status was reported by somebody who did not issue it."""

    code = "not-the-issuer"


def verify_issuer(alert: Alert, agency_state: str) -> None:
    """Check that the agency of `agency_state` may report the status of this document.

    Raises:
        NotIssuerError: another state issues such documents.
    """
    if not isinstance(alert.details, DocumentStatus):
        return
    issuer = find_issuer(alert.details.issuing_state)
    if find_issuer(agency_state) != issuer:
        problem = f"only the issuing state may report: {describe_state(issuer)}, not {describe_state(agency_state)}"
        raise NotIssuerError(problem, "details.issuing_state")


def default_review_date(reported_on: Day) -> Day:
    """Return the day ten years later on which a report is looked at again; the 29th of February becomes the 28th."""
    year, rest = int(reported_on[:4]) + REVIEW_AFTER_YEARS, reported_on[4:]
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return f"{year}{'-02-28' if rest == '-02-29' and not is_leap else rest}"


def _split_serial(number: str) -> tuple[str, str]:
    serial = number.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return number[: len(number) - len(serial)], serial
