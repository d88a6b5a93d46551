"""False documents of Utopia: what they say of themselves, in zones whose check digits are right or wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from agency_client.generating.dice import Dice
from agency_client.generating.people import SyntheticPerson
from agency_client.generating.reserved import SPECIMEN_STATE, draw_document_number
from schemas.alerts.coded import DocumentType
from schemas.alerts.kinds.document_fraud import FraudType
from schemas.identifiers.mrz_build import MrzFields, build_mrz
from schemas.identifiers.mrz_layout import LAYOUTS, MrzFormat, find_digit

TYPES: Mapping[DocumentType, int] = {
    DocumentType.PASSPORT: 38,
    DocumentType.IDENTITY_CARD: 24,
    DocumentType.RESIDENCE_PERMIT: 16,
    DocumentType.VISA: 9,
    DocumentType.DRIVING_LICENCE: 6,
    DocumentType.ENTRY_EXIT_STAMP: 5,
    DocumentType.REFUGEE_TRAVEL_DOCUMENT: 2,
}
"""Shares of a hundred. Assumed: published totals for 2023 are not split by type of document and of fraud together."""

FALSE_ZONE_PERCENT: Mapping[FraudType, int] = {
    FraudType.COUNTERFEIT: 15,
    FraudType.FORGERY: 30,
    FraudType.PSEUDO: 50,
    FraudType.STOLEN_BLANK: 5,
}
"""How many zones in a hundred have a wrong check digit, by what is false. Assumed. In other frauds none has: there the
document itself is genuine."""

_ZONES: Mapping[DocumentType, tuple[MrzFormat, str]] = {
    DocumentType.PASSPORT: (MrzFormat.TD3, "P"),
    DocumentType.REFUGEE_TRAVEL_DOCUMENT: (MrzFormat.TD3, "PR"),
    DocumentType.IDENTITY_CARD: (MrzFormat.TD1, "I"),
    DocumentType.RESIDENCE_PERMIT: (MrzFormat.TD1, "IR"),
    DocumentType.VISA: (MrzFormat.MRV_A, "V"),
}
_VALID_DAYS: Mapping[DocumentType, int] = {DocumentType.VISA: 90, DocumentType.RESIDENCE_PERMIT: 5 * 365}
_USUALLY_VALID_DAYS = 10 * 365
_NO_HOLDER = frozenset({DocumentType.ENTRY_EXIT_STAMP})


@dataclass(frozen=True, slots=True)
class SyntheticDocument:
    """A document as an alert has it, and whether a check digit of its zone is wrong."""

    type: DocumentType
    wire: dict[str, Any]
    is_zone_false: bool


def draw_document(dice: Dice, holder: SyntheticPerson, fraud: FraudType, on: date) -> SyntheticDocument:
    """Return a document that somebody could present on a day."""
    type_ = dice.weigh(TYPES)
    wire: dict[str, Any] = {"type": type_.value, "issuing_state": SPECIMEN_STATE}
    if type_ in _NO_HOLDER:
        return SyntheticDocument(type_, wire, False)
    number = draw_document_number(dice)
    valid_days = _VALID_DAYS.get(type_, _USUALLY_VALID_DAYS)
    issued = max(on - timedelta(days=dice.between(1, valid_days)), holder.born + timedelta(days=30))
    expires = issued + timedelta(days=valid_days)
    wire |= {
        "number": number,
        "holder": _describe_holder(holder),
        "issued_on": issued.isoformat(),
        "expires_on": expires.isoformat(),
        "authority": "Passport Office of Utopia",
    }
    if type_ not in _ZONES:
        return SyntheticDocument(type_, wire, False)
    lines = _build_zone(_ZONES[type_], holder, number, expires)
    is_false = dice.happens(FALSE_ZONE_PERCENT.get(fraud, 0))
    wire["mrz"] = {"lines": list(_falsify(dice, _ZONES[type_][0], lines) if is_false else lines)}
    return SyntheticDocument(type_, wire, is_false)


def _describe_holder(holder: SyntheticPerson) -> dict[str, Any]:
    described = {
        "surname": holder.latin_surname,
        "given_names": holder.latin_given_names,
        "birth_date": holder.born.isoformat(),
        "sex": "female" if holder.sex == "F" else "male",
        "nationality": SPECIMEN_STATE,
    }
    own = {} if holder.script == "Latn" else {"name_in_own_script": holder.name}
    return described | own


def _build_zone(form: tuple[MrzFormat, str], holder: SyntheticPerson, number: str, expires: date) -> tuple[str, ...]:
    return build_mrz(
        MrzFields(
            format=form[0],
            document_code=form[1],
            issuing_state=SPECIMEN_STATE,
            surname=holder.latin_surname,
            given_names=holder.latin_given_names,
            document_number=number,
            nationality=SPECIMEN_STATE,
            birth_date=f"{holder.born:%y%m%d}",
            sex=holder.sex,
            expiry_date=f"{expires:%y%m%d}",
        )
    )


def _falsify(dice: Dice, form: MrzFormat, lines: tuple[str, ...]) -> list[str]:
    """Return the lines with one check digit another than it must be."""
    layout = LAYOUTS[form]
    line, place, _ = find_digit(dice.choose((layout.number, layout.birth, layout.expiry)))
    right = lines[line - 1][place - 1]
    wrong = str((int(right) + dice.between(1, 9)) % 10)
    return [
        text[: place - 1] + wrong + text[place:] if number == line else text for number, text in enumerate(lines, 1)
    ]
