"""Numbers of documents, accounts, devices, ships, containers: normal forms and check digits, explained, never refused.

Most rules are python-stdnum's; this module turns its refusals into findings.
"""

import re
from typing import Protocol

from stdnum import bic, iban, imei, imo, imsi, iso6346, luhn
from stdnum.exceptions import InvalidChecksum, InvalidComponent, InvalidFormat, InvalidLength, ValidationError

from schemas.identifiers.checked import Checked, Finding, explain

_SEPARATORS = re.compile(r"[\s<./\-]+")
_ICCID_DIGITS = range(18, 21)
_STDNUM_FINDINGS: dict[type[ValidationError], Finding] = {
    InvalidChecksum: Finding.WRONG_CHECK_DIGIT,
    InvalidComponent: Finding.UNKNOWN_PREFIX,
    InvalidFormat: Finding.WRONG_CHARACTERS,
    InvalidLength: Finding.WRONG_LENGTH,
}


class _Rules(Protocol):
    """What a module of python-stdnum knows of one kind of number."""

    def compact(self, number: str) -> str: ...
    def validate(self, number: str) -> str: ...


def normalise_document_number(as_seen: str) -> str:
    """Return the form under which spellings of one document number meet: upper case, no separators or fillers."""
    return _SEPARATORS.sub("", as_seen).upper()


def check_iban(as_seen: str) -> Checked:
    """Check an account number (ISO 13616)."""
    return _check(as_seen, iban)


def check_bic(as_seen: str) -> Checked:
    """Check a bank's identifier (ISO 9362), which has no check digit."""
    return _check(as_seen, bic, Finding.NO_CHECK_DIGIT)


def check_imei(as_seen: str) -> Checked:
    """Check a device's number (3GPP TS 23.003): 15 digits with a check digit, 14 or 16 without."""
    digits = len(normalise_document_number(as_seen))
    return _check(as_seen, imei, Finding.VALID if digits == len("490154203237518") else Finding.NO_CHECK_DIGIT)


def check_imsi(as_seen: str) -> Checked:
    """Check a subscriber's number (ITU-T E.212), which has no check digit."""
    return _check(as_seen, imsi, Finding.NO_CHECK_DIGIT)


def check_iccid(as_seen: str) -> Checked:
    """Check the number printed on a SIM card (ITU-T E.118): 89, then 17 or 18 digits, the last of them a check digit.

    Some operators print it without that digit: 18 digits have none.
    """
    digits = normalise_document_number(as_seen)
    if not (digits.isascii() and digits.isdigit()):
        return explain(as_seen, None, Finding.WRONG_CHARACTERS)
    if len(digits) not in _ICCID_DIGITS:
        return explain(as_seen, None, Finding.WRONG_LENGTH)
    if not digits.startswith("89"):
        return explain(as_seen, digits, Finding.UNKNOWN_PREFIX)
    if len(digits) == min(_ICCID_DIGITS):
        return explain(as_seen, digits, Finding.NO_CHECK_DIGIT)
    return explain(as_seen, digits, Finding.VALID if luhn.is_valid(digits) else Finding.WRONG_CHECK_DIGIT)


def check_imo(as_seen: str) -> Checked:
    """Check a ship's number (IMO resolution A.1117(30))."""
    return _check(as_seen, imo)


def check_container(as_seen: str) -> Checked:
    """Check a container's number (ISO 6346)."""
    return _check(as_seen, iso6346)


def _check(as_seen: str, rules: _Rules, found_valid: Finding = Finding.VALID) -> Checked:
    try:
        return explain(as_seen, rules.validate(as_seen), found_valid)
    except ValueError as error:  # ValidationError is one; digits of other scripts make some rules raise another
        findings = (finding for refusal, finding in _STDNUM_FINDINGS.items() if isinstance(error, refusal))
        finding = next(findings, Finding.WRONG_CHARACTERS)
        # A number of the right form is still looked for: somebody else may have seen the same one.
        is_searchable = finding in {Finding.WRONG_CHECK_DIGIT, Finding.UNKNOWN_PREFIX}
        return explain(as_seen, rules.compact(as_seen) if is_searchable else None, finding)
