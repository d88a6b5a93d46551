"""Telephone numbers in E.164, through libphonenumber's metadata; an unreadable number is kept and explained."""

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

from schemas.identifiers.checked import Checked, Finding, explain

_PARSE_FINDINGS = {
    NumberParseException.INVALID_COUNTRY_CODE: Finding.NEEDS_COUNTRY,
    NumberParseException.NOT_A_NUMBER: Finding.WRONG_CHARACTERS,
    NumberParseException.TOO_SHORT_AFTER_IDD: Finding.WRONG_LENGTH,
    NumberParseException.TOO_SHORT_NSN: Finding.WRONG_LENGTH,
    NumberParseException.TOO_LONG: Finding.WRONG_LENGTH,
}


def check_phone(as_seen: str, *, iso_alpha_2: str | None = None) -> Checked:
    """Check a telephone number; `iso_alpha_2` (such as `GB`) is where a number without a country code was seen."""
    try:
        number = phonenumbers.parse(as_seen, iso_alpha_2)
    except NumberParseException as error:
        return explain(as_seen, None, _PARSE_FINDINGS.get(error.error_type, Finding.WRONG_CHARACTERS))
    if not phonenumbers.is_possible_number(number):
        return explain(as_seen, None, Finding.WRONG_LENGTH)
    normalised = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    if not phonenumbers.is_valid_number(number):
        return explain(as_seen, normalised, Finding.NOT_IN_USE)
    return explain(as_seen, normalised, Finding.VALID)
