"""Numbers of documents, accounts, devices and conveyances: normal forms and check digits, explained and never refused.

Most rules are python-stdnum's; this module turns its refusals into findings.
"""

import re
from collections.abc import Callable

from stdnum import bic, iban, imei, imo, imsi, iso6346
from stdnum.exceptions import InvalidChecksum, InvalidComponent, InvalidFormat, InvalidLength, ValidationError

from schemas.identifiers.checked import Checked, Finding, explain

_SEPARATORS = re.compile(r"[\s<./\-]+")
_VIN = re.compile(r"[A-HJ-NPR-Z0-9]{17}")
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VIN_VALUES = dict(zip("0123456789ABCDEFGHJKLMNPRSTUVWXYZ", "012345678912345678123457923456789", strict=True))
_STDNUM_FINDINGS: dict[type[ValidationError], Finding] = {
    InvalidChecksum: Finding.WRONG_CHECK_DIGIT,
    InvalidComponent: Finding.UNKNOWN_PREFIX,
    InvalidFormat: Finding.WRONG_CHARACTERS,
    InvalidLength: Finding.WRONG_LENGTH,
}


def normalise_document_number(as_seen: str) -> str:
    """Return the form under which spellings of one document number meet: upper case, no separators or fillers."""
    return _SEPARATORS.sub("", as_seen).upper()


def check_iban(as_seen: str) -> Checked:
    """Check an account number (ISO 13616)."""
    return _check(as_seen, iban.validate)


def check_bic(as_seen: str) -> Checked:
    """Check a bank's identifier (ISO 9362), which has no check digit."""
    return _check(as_seen, bic.validate, Finding.NO_CHECK_DIGIT)


def check_imei(as_seen: str) -> Checked:
    """Check a device's number (3GPP TS 23.003): 15 digits with a check digit, 14 or 16 without."""
    digits = len(normalise_document_number(as_seen))
    return _check(as_seen, imei.validate, Finding.VALID if digits == len("490154203237518") else Finding.NO_CHECK_DIGIT)


def check_imsi(as_seen: str) -> Checked:
    """Check a subscriber's number (ITU-T E.212), which has no check digit."""
    return _check(as_seen, imsi.validate, Finding.NO_CHECK_DIGIT)


def check_imo(as_seen: str) -> Checked:
    """Check a ship's number (IMO resolution A.1117(30))."""
    return _check(as_seen, imo.validate)


def check_container(as_seen: str) -> Checked:
    """Check a container's number (ISO 6346)."""
    return _check(as_seen, iso6346.validate)


def check_mmsi(as_seen: str) -> Checked:
    """Check a ship station's number (ITU-R M.585): nine digits, no check digit."""
    digits = normalise_document_number(as_seen)
    if not (digits.isascii() and digits.isdigit()):
        return explain(as_seen, None, Finding.WRONG_CHARACTERS)
    finding = Finding.NO_CHECK_DIGIT if len(digits) == len("235012345") else Finding.WRONG_LENGTH
    return explain(as_seen, digits if finding is Finding.NO_CHECK_DIGIT else None, finding)


def check_vin(as_seen: str) -> Checked:
    """Check a vehicle's number (ISO 3779). Its check digit holds in North America only, so a wrong one is a remark."""
    vin = normalise_document_number(as_seen)
    if len(vin) != len(_VIN_WEIGHTS):
        return explain(as_seen, None, Finding.WRONG_LENGTH)
    if not _VIN.fullmatch(vin):
        return explain(as_seen, None, Finding.WRONG_CHARACTERS)
    remainder = sum(int(_VIN_VALUES[letter]) * weight for letter, weight in zip(vin, _VIN_WEIGHTS, strict=True)) % 11
    right = vin[8] == "0123456789X"[remainder]
    return explain(as_seen, vin, Finding.VALID if right else Finding.WRONG_CHECK_DIGIT)


def _check(as_seen: str, validate: Callable[[str], str], found_valid: Finding = Finding.VALID) -> Checked:
    try:
        return explain(as_seen, validate(as_seen), found_valid)
    except ValidationError as error:
        findings = (finding for refusal, finding in _STDNUM_FINDINGS.items() if isinstance(error, refusal))
        finding = next(findings, Finding.WRONG_CHARACTERS)
        # A number with a wrong check digit is still looked for: somebody else may have seen the same one.
        is_searchable = finding is Finding.WRONG_CHECK_DIGIT
        return explain(as_seen, normalise_document_number(as_seen) if is_searchable else None, finding)
