"""Ships' stations, call signs and hulls: whose they are by their prefix, whether they are of a known form.

IMO numbers are in `schemas.identifiers.numbers`. None of the three here has a check digit that holds everywhere.
"""

import re

from schemas.identifiers.alpha_2 import find_state
from schemas.identifiers.checked import Checked, Finding, explain
from schemas.identifiers.maritime_digits import find_flag, has_digits
from schemas.identifiers.numbers import normalise_document_number
from schemas.identifiers.states import canonicalise_state

_MMSI_DIGITS = 9
# Where the three digits of the state stand, by what the number begins with (ITU-R M.585-9, annex 1).
_DIGITS_AFTER = {"00": 2, "0": 1, "111": 3, "8": 1, "98": 2, "99": 2} | dict.fromkeys("234567", 0)
_WITHOUT_STATE = ("970", "972", "974")
# Two characters of the state, then two letters, perhaps with a digit; or a letter and digits (RR 19.55 to 19.59).
_SHIP_SIGN = re.compile(r"(?=.*[A-Z])[A-Z0-9]{2}(?:[A-Z]{2}[2-9]?|[A-Z]?[2-9][0-9]{3})")
_HULL = re.compile(r"[A-Z]{2}-?[A-Z0-9]{3}[A-Z0-9]{5}[A-L][0-9][0-9]{2}")
_HULL_OF_NO_STATE = re.compile(r"[A-Z0-9]{3}[A-Z0-9]{5}[A-Z0-9]{4}")


def check_mmsi(as_seen: str, *, flag: str | None = None) -> Checked:
    """Check a ship station's number (ITU-R M.585): nine digits, among them those of its state, no check digit."""
    digits = normalise_document_number(as_seen).removeprefix("MMSI")
    if not (digits.isascii() and digits.isdigit()):
        return explain(as_seen, None, Finding.WRONG_CHARACTERS)
    if len(digits) != _MMSI_DIGITS:
        return explain(as_seen, None, Finding.WRONG_LENGTH)
    if digits.startswith(_WITHOUT_STATE):
        return explain(as_seen, digits, Finding.NO_CHECK_DIGIT)
    state = find_station_state(digits)
    if state is None:
        return explain(as_seen, digits, Finding.UNKNOWN_PREFIX)
    return explain(as_seen, digits, *_compare(state, flag))


def find_station_state(mmsi: str) -> str | None:
    """Return the state whose digits are in a ship station's number of nine digits (`235012345`: `GBR`), or None."""
    start = next((at for prefix, at in _DIGITS_AFTER.items() if mmsi.startswith(prefix)), None)
    return None if start is None else find_flag(mmsi[start : start + 3])


def check_call_sign(as_seen: str) -> Checked:
    """Check a ship's call sign (ITU Radio Regulations, article 19), which has no check digit."""
    sign = normalise_document_number(as_seen)
    if not (sign.isascii() and sign.isalnum()):
        return explain(as_seen, None, Finding.WRONG_CHARACTERS)
    if not 3 <= len(sign) <= len("AB12345"):
        return explain(as_seen, None, Finding.WRONG_LENGTH)
    return explain(as_seen, sign, Finding.NO_CHECK_DIGIT if _SHIP_SIGN.fullmatch(sign) else Finding.UNUSUAL_FORM)


def check_hull(as_seen: str) -> Checked:
    """Check a small craft's hull number (ISO 10087): two letters of the builder's state and twelve more.

    American hulls before 2017 lack the state. The state is the builder's: it need not be the flag.
    """
    hull = normalise_document_number(as_seen)
    if not (hull.isascii() and hull.isalnum()):
        return explain(as_seen, None, Finding.WRONG_CHARACTERS)
    if len(hull) == len("ABC12345L718") and _HULL_OF_NO_STATE.fullmatch(hull):
        return explain(as_seen, hull, Finding.UNUSUAL_FORM)
    if len(hull) != len("GBABC12345L718"):
        return explain(as_seen, None, Finding.WRONG_LENGTH)
    if find_state(hull[:2]) is None:
        return explain(as_seen, hull, Finding.UNKNOWN_PREFIX)
    return explain(as_seen, hull, Finding.NO_CHECK_DIGIT if _HULL.fullmatch(hull) else Finding.UNUSUAL_FORM)


def _compare(state: str, flag: str | None) -> tuple[Finding, ...]:
    named = None if flag is None else canonicalise_state(flag)
    is_other = named is not None and has_digits(named) and named != state
    return (Finding.NO_CHECK_DIGIT, Finding.OTHER_STATE) if is_other else (Finding.NO_CHECK_DIGIT,)
