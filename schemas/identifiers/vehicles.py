"""Road vehicles: the manufacturer's number, and plates, of which the usual forms of some states are known.

A plate has no check digit and its form is custom: one of another form is unusual, never wrong. What the forms were
compared with, and which of them with nothing yet, is in docs/identifiers.md.
"""

import re
import unicodedata

from schemas.identifiers.checked import Checked, Finding, explain
from schemas.identifiers.numbers import normalise_document_number

_VIN = re.compile(r"[A-HJ-NPR-Z0-9]{17}")
_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VALUES = dict(zip("0123456789ABCDEFGHJKLMNPRSTUVWXYZ", "012345678912345678123457923456789", strict=True))
_CHECK_DIGIT_DUE = "12345L"
"""What the numbers begin with of makers in North America (49 CFR 565) and China (GB 16735), where it must be right."""

_MAX_PLATE_LETTERS = 15
_PLATES = {
    "ALB": r"[A-Z]{2}[0-9]{3}[A-Z]{2}|[A-Z]{2}[0-9]{4}[A-Z]",
    "AUT": r"[A-Z]{1,2}[A-Z0-9]{3,6}",
    "BEL": r"[0-9]?[A-Z]{3}[0-9]{3}|[0-9]{3}[A-Z]{3}",
    "BGR": r"[ABCEHKMOPTXY]{1,2}[0-9]{4}[ABCEHKMOPTXY]{1,2}",
    "BIH": r"[AEJKMOT][0-9]{2}[AEJKMOT][0-9]{3}",
    "CHE": r"[A-Z]{2}[0-9]{1,6}",
    "CZE": r"[0-9][A-Z0-9]{2}[0-9]{4}|[A-Z0-9]{5,8}",
    "D": r"[A-ZÄÖÜ]{1,3}[A-Z]{1,2}[0-9]{1,4}[EH]?",
    "DNK": r"[A-Z]{2}[0-9]{4,5}",
    "ESP": r"[0-9]{4}[B-DF-HJ-NP-TV-Z]{3}|[A-Z]{1,2}[0-9]{4}[A-Z]{0,2}",
    "EST": r"[0-9]{2,3}[A-Z]{3}",
    "FIN": r"[A-ZÅÄÖ]{2,3}[0-9]{1,3}",
    "FRA": r"[A-HJ-NP-TV-Z]{2}[0-9]{3}[A-HJ-NP-TV-Z]{2}|[0-9]{1,4}[A-Z]{1,3}(?:[0-9]{2}|2[AB]|97[1-8])",
    "GBR": r"[A-Z]{2}[0-9]{2}[A-Z]{3}|[A-Z][0-9]{1,3}[A-Z]{3}|[A-Z]{3}[0-9]{1,3}[A-Z]|[A-Z]{1,3}[0-9]{1,4}"
    r"|[0-9]{1,4}[A-Z]{1,3}",
    "GRC": r"[ABEZHIKMNOPTYX]{2,3}[0-9]{3,4}",
    "HRV": r"[A-ZČĆĐŠŽ]{2}[0-9]{3,4}[A-Z]{1,2}",
    "HUN": r"[A-Z]{3,4}[0-9]{3}",
    "IRL": r"[0-9]{2,3}[A-Z]{1,2}[0-9]{1,6}",
    "ITA": r"[A-HJ-NPR-TV-Z]{2}[0-9]{3}[A-HJ-NPR-TV-Z]{2}",
    "LTU": r"[A-Z]{3}[0-9]{3}",
    "LUX": r"[A-Z]{2}[0-9]{4}|[0-9]{4,5}",
    "LVA": r"[A-Z]{2}[0-9]{1,4}",
    "MKD": r"[A-Z]{2}[0-9]{3,4}[A-Z]{2}",
    "MNE": r"[A-Z]{4}[0-9]{3}",
    "NLD": r"(?=.*[A-Z])(?=.*[0-9])[A-Z0-9]{6}",
    "NOR": r"[A-Z]{2}[0-9]{4,5}",
    "POL": r"[A-Z]{1,3}[A-Z0-9]{3,5}",
    "PRT": r"[A-Z]{2}[0-9]{2}[A-Z]{2}|[0-9]{2}[A-Z]{2}[0-9]{2}|[A-Z]{2}[0-9]{4}|[0-9]{4}[A-Z]{2}",
    "RKS": r"[0-9]{5}[A-Z]{2}",
    "ROU": r"[A-Z]{1,2}[0-9]{2,3}[A-Z]{3}|[A-Z]{1,2}[0-9]{5,6}",
    "SRB": r"[A-ZČĆĐŠŽ]{2}[0-9]{3,5}[A-ZČĆĐŠŽ]{2}",
    "SVK": r"[A-Z]{2}[0-9]{3}[A-Z]{2}",
    "SVN": r"[A-Z]{2}(?=.*[0-9])[A-ZČŠŽ0-9]{4,6}",
    "SWE": r"[A-Z]{3}[0-9]{2}[A-Z0-9]",
    "TUR": r"(?:0[1-9]|[1-7][0-9]|8[01])[A-Z]{1,3}[0-9]{2,5}",
    "UKR": r"[ABCEHIKMOPTX\u0400-\u04ff]{2}[0-9]{4}[ABCEHIKMOPTX\u0400-\u04ff]{2}",
    "VNM": r"[0-9]{2}[A-ZĐ][A-Z0-9Đ]?[0-9]{4,5}",
}
"""The usual forms of private vehicles' plates, without separators and without letters that an authority leaves out."""


def check_vin(as_seen: str) -> Checked:
    """Check a vehicle's number (ISO 3779). Its ninth letter is a check digit only for some makers."""
    vin = normalise_document_number(as_seen)
    if not (vin.isascii() and vin.isalnum()):
        return explain(as_seen, None, Finding.WRONG_CHARACTERS)
    if len(vin) != len(_WEIGHTS):
        return explain(as_seen, None, Finding.WRONG_LENGTH)
    if not _VIN.fullmatch(vin):
        return explain(as_seen, None, Finding.WRONG_CHARACTERS)
    remainder = sum(int(_VALUES[letter]) * weight for letter, weight in zip(vin, _WEIGHTS, strict=True)) % 11
    if vin[8] == "0123456789X"[remainder]:
        return explain(as_seen, vin, Finding.VALID)
    return explain(as_seen, vin, Finding.WRONG_CHECK_DIGIT if vin[0] in _CHECK_DIGIT_DUE else Finding.NO_CHECK_DIGIT)


def check_plate(as_seen: str, state: str | None = None) -> Checked:
    """Check a plate against the usual forms of the state it is of; in any script, since it is copied as it is."""
    plate = normalise_plate(as_seen)
    if not plate:
        return explain(as_seen, None, Finding.WRONG_CHARACTERS)
    if len(plate) > _MAX_PLATE_LETTERS:
        return explain(as_seen, None, Finding.WRONG_LENGTH)
    usual = _PLATES.get(state or "")
    if usual is None:
        return explain(as_seen, plate, Finding.NO_RULE)
    return explain(as_seen, plate, Finding.NO_CHECK_DIGIT if re.fullmatch(usual, plate) else Finding.UNUSUAL_FORM)


def normalise_plate(as_seen: str) -> str:
    """Return the form under which copies of a plate meet: letters and digits only, in upper case."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", as_seen).upper())
    return "".join(letter for letter in folded if unicodedata.category(letter)[0] in "LN")
