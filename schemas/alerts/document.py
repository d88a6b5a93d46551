"""Documents as alerts speak of them: what names one, the zone as seen, the holder as printed.

What is printed on a false document may be impossible. Every field here holds what was seen, whether or not it is right.
"""

import re
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Self

from pydantic import Field, model_validator

from schemas.alerts.coded import DocumentType, Sex
from schemas.alerts.shapes import Few, FieldError, Identifier, IdentifierType, LineText, Name, ShortText
from schemas.coded import CodedValue
from schemas.identifiers.dates import PartialDate
from schemas.identifiers.mrz import CheckDigit, parse_mrz, read_birth_date, read_expiry_date
from schemas.identifiers.mrz_layout import CheckName, CheckResult, MrzError, MrzFormat
from schemas.identifiers.numbers import normalise_document_number
from schemas.identifiers.states import StateCodeAsSeen, is_state_code
from schemas.model import Line
from schemas.part import Part

DocumentNumber = Annotated[Line, Field(max_length=40, examples=["L898902C3"], description="as printed")]
MrzLine = Annotated[
    str,
    Field(
        min_length=1,
        max_length=60,
        pattern=r"^[ -~]+$",
        examples=["L898902C36UTO7408122F1204159ZE184226B<<<<<10"],
        description="one line as seen, in ASCII",
    ),
]
MrzCharacter = Annotated[str, Field(pattern=r"^[ -~]$", examples=["6"])]
MrzDigit = Annotated[str, Field(pattern=r"^[0-9]$", examples=["6"])]

_SEXES = {"F": Sex.FEMALE, "M": Sex.MALE, "<": Sex.UNSPECIFIED, "X": Sex.UNSPECIFIED}
# The second letter (ICAO Doc 9303-4, 4.4, in force since 2026); older passports have others, of their state's choice.
_PASSPORTS = {
    "PD": DocumentType.DIPLOMATIC_PASSPORT,
    "PE": DocumentType.EMERGENCY_TRAVEL_DOCUMENT,
    "PL": DocumentType.EMERGENCY_TRAVEL_DOCUMENT,
    "PO": DocumentType.SERVICE_PASSPORT,
    "PR": DocumentType.REFUGEE_TRAVEL_DOCUMENT,
    "PS": DocumentType.STATELESS_TRAVEL_DOCUMENT,
    "PT": DocumentType.ALIEN_PASSPORT,
    "PU": DocumentType.EMERGENCY_TRAVEL_DOCUMENT,
}
_STATE_LETTERS = re.compile(r"[A-Z]{1,3}")


class DocumentIdentity(Part):
    """What names one document: its type, its issuing state as it says, its number."""

    type: DocumentType
    issuing_state: StateCodeAsSeen
    number: DocumentNumber

    def identifier(self) -> Identifier:
        """Return the number in the form under which copies meet."""
        return Identifier(IdentifierType.DOCUMENT_NUMBER, normalise_document_number(self.number))


class ZoneCheck(Part):
    """One check digit's result: the character printed, the digit it would have to be, and what follows."""

    name: CheckName
    printed: MrzCharacter | None = None
    computed: MrzDigit | None = None
    result: CheckResult


class SeenZone(Part):
    """A machine readable zone: the lines exactly as seen and what its check digits say.

    `format` and `checks` follow from the lines: they may be left out, and are refused only when they say otherwise.
    """

    lines: Annotated[tuple[MrzLine, ...], Field(min_length=1, max_length=3)]
    format: MrzFormat | None = None
    checks: Annotated[tuple[ZoneCheck, ...], Field(min_length=1, max_length=5)] = ()

    @model_validator(mode="after")
    def _check_results_follow_from_lines(self) -> Self:
        true_format, true_checks = _evaluate(self.lines)
        if self.format is not None and self.format is not true_format:
            raise FieldError("format", "not the format of these lines; leave it out and it is computed")
        if self.checks and self.checks != true_checks:
            raise FieldError("checks", "not the results of these lines; leave them out and they are computed")
        return self


class Holder(Part):
    """The holder as the document states it. An invented nationality is kept, and is nobody's."""

    surname: Name | None = None
    given_names: Name | None = None
    name_in_own_script: Name | None = None
    birth_date: PartialDate | None = None
    birth_place: LineText | None = None
    sex: Sex | None = None
    nationality: StateCodeAsSeen | None = None
    personal_number: ShortText | None = None

    def nationalities(self) -> tuple[str, ...]:
        """Return the nationality stated, if somebody has it (ICAO Doc 9303-3)."""
        return () if self.nationality is None or not is_state_code(self.nationality) else (self.nationality,)


class PrintedFieldName(CodedValue):
    """A field of a document."""

    SURNAME = "surname", "Surname"
    GIVEN_NAMES = "given-names", "Given names"
    BIRTH_DATE = "birth-date", "Date of birth"
    BIRTH_PLACE = "birth-place", "Place of birth"
    SEX = "sex", "Sex"
    NATIONALITY = "nationality", "Nationality"
    DOCUMENT_NUMBER = "document-number", "Document number"
    PERSONAL_NUMBER = "personal-number", "Personal number"
    ISSUING_STATE = "issuing-state", "Issuing state"
    ISSUE_DATE = "issue-date", "Date of issue"
    EXPIRY_DATE = "expiry-date", "Date of expiry"
    AUTHORITY = "authority", "Authority"
    PHOTO = "photo", "Photograph"
    OTHER = "other", "Other field"


class PrintedField(Part):
    """A field whose text has no coded form, such as the 31st of February."""

    field: PrintedFieldName
    text: LineText


class SeenDocument(Part):
    """A document in somebody's hands: everything it says of itself."""

    type: DocumentType
    issuing_state: StateCodeAsSeen
    number: DocumentNumber | None = None
    mrz: SeenZone | None = None
    holder: Holder | None = None
    issued_on: PartialDate | None = None
    expires_on: PartialDate | None = None
    authority: LineText | None = None
    place_of_issue: LineText | None = None
    printed_otherwise: Few[PrintedField] = ()

    def identifiers(self) -> tuple[Identifier, ...]:
        """Return the numbers it carries: as printed, as in the zone, and the holder's personal number."""
        found = [] if self.number is None else [normalise_document_number(self.number)]
        found += [] if self.mrz is None else _read_zone_number(self.mrz.lines)
        numbers = dict.fromkeys(Identifier(IdentifierType.DOCUMENT_NUMBER, number) for number in found if number)
        personal = self.holder.personal_number if self.holder else None
        if personal is not None:
            numbers[Identifier(IdentifierType.PERSONAL_NUMBER, normalise_document_number(personal))] = None
        return tuple(numbers)

    def nationalities(self) -> tuple[str, ...]:
        """Return the nationality it states, if it states one that exists."""
        return () if self.holder is None else self.holder.nationalities()


def read_document(lines: Sequence[str], *, as_of: date) -> SeenDocument:
    """Return a document with everything its zone says, as of the day of reading: what an officer starts from.

    Raises:
        MrzError: the lines have the shape of no machine readable zone, or name no issuing state.
    """
    mrz = parse_mrz(lines)
    if not _STATE_LETTERS.fullmatch(mrz.issuing_state):
        raise MrzError("the zone names no issuing state: three letters, such as UTO, stand after the document's code")
    return SeenDocument(
        type=_guess_type(mrz.document_code),
        issuing_state=mrz.issuing_state,
        number=mrz.document_number or None,
        mrz=see_zone(mrz.lines),
        holder=Holder(
            surname=mrz.surname or None,
            given_names=mrz.given_names or None,
            birth_date=read_birth_date(mrz, as_of=as_of),
            sex=_SEXES.get(mrz.sex),
            nationality=mrz.nationality if _STATE_LETTERS.fullmatch(mrz.nationality) else None,
        ),
        expires_on=read_expiry_date(mrz, as_of=as_of),
    )


def _guess_type(document_code: str) -> DocumentType:
    if document_code.startswith("P"):
        return _PASSPORTS.get(document_code, DocumentType.PASSPORT)
    if document_code.startswith("V"):
        return DocumentType.VISA
    return DocumentType.CREW_CERTIFICATE if document_code == "AC" else DocumentType.IDENTITY_CARD


def see_zone(lines: Sequence[str]) -> SeenZone:
    """Return a zone with the results of its check digits; lines of no known shape are kept without any."""
    mrz_format, checks = _evaluate(tuple(lines))
    if mrz_format is None:
        return SeenZone(lines=tuple(lines))
    return SeenZone(lines=tuple(lines), format=mrz_format, checks=checks)


def _evaluate(lines: tuple[str, ...]) -> tuple[MrzFormat | None, tuple[ZoneCheck, ...]]:
    try:
        mrz = parse_mrz(lines)
    except MrzError:
        return None, ()
    return mrz.format, tuple(_write_check(check) for check in mrz.checks)


def _write_check(check: CheckDigit) -> ZoneCheck:
    return ZoneCheck(name=check.name, printed=check.printed or None, computed=check.computed, result=check.result)


def _read_zone_number(lines: tuple[str, ...]) -> list[str]:
    try:
        return [normalise_document_number(parse_mrz(lines).document_number)]
    except MrzError:
        return []
