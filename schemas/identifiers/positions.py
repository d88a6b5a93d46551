"""Where on the Earth: coordinates in any usual notation, codes of trade places, codes of a state's subdivisions."""

import re
from decimal import ROUND_HALF_EVEN, Decimal

from schemas.identifiers.alpha_2 import find_alpha_2, find_state
from schemas.identifiers.checked import Checked, Finding, explain
from schemas.identifiers.states import canonicalise_state

_NUMBER = r"[0-9]{1,3}(?:\.[0-9]{1,8})?"
_MARKS = str.maketrans(dict.fromkeys("\u00b0\u00ba'\"\u2018\u2019\u201c\u201d\u2032\u2033", " "))
"""Signs of degrees, minutes and seconds."""
_SIGNED = re.compile(rf"([+-]?)({_NUMBER})(?: ?[,;] ?| )([+-]?)({_NUMBER})")
_ISO_6709 = re.compile(r"([+-])([0-9]{2}(?:\.[0-9]{1,8})?)([+-])([0-9]{3}(?:\.[0-9]{1,8})?)/?")
_PART = rf"({_NUMBER})(?: ([0-9]{{1,2}}(?:\.[0-9]{{1,6}})?)(?: ([0-9]{{1,2}}(?:\.[0-9]{{1,4}})?))?)? ?"
_SEXAGESIMAL = re.compile(rf"{_PART}([NS]) ?[,;]? ?{_PART}([EWO])")
_LOCODE = re.compile(r"[A-Z]{2}[A-Z2-9]{3}")
_NORTH, _EAST, _SIXTY = 90, 180, 60
_MAX_PLACES = 6
"""Decimal places of a degree that a position is written with: the sixth is a tenth of a metre."""


def check_position(as_seen: str) -> Checked:
    """Check coordinates (WGS 84); their normal form is that of ISO 6709, with as many places as were seen.

    Read are decimal degrees with signs, degrees with minutes and seconds and a letter for the side, and ISO 6709.
    """
    found = _read_position(" ".join(as_seen.translate(_MARKS).upper().split()))
    if found is None:
        return explain(as_seen, None, Finding.WRONG_CHARACTERS)
    latitude, longitude = found
    if latitude.is_nan() or longitude.is_nan() or abs(latitude) > _NORTH or abs(longitude) > _EAST:
        return explain(as_seen, None, Finding.OUT_OF_RANGE)
    return explain(as_seen, f"{_write(latitude, 2)}{_write(longitude, 3)}/", Finding.NO_CHECK_DIGIT)


def check_locode(as_seen: str, *, state: str | None = None) -> Checked:
    """Check a UN/LOCODE (UNECE Recommendation 16): the form, and the state; not whether the place is on the list."""
    code = re.sub(r"[\s-]+", "", as_seen).upper()
    if len(code) != len("GBDVR"):
        return explain(as_seen, None, Finding.WRONG_LENGTH)
    if not _LOCODE.fullmatch(code):
        return explain(as_seen, None, Finding.WRONG_CHARACTERS)
    return explain(as_seen, code, *_judge_state(code[:2], state))


def check_subdivision(as_seen: str, *, state: str | None = None) -> Checked:
    """Check the code of a state's subdivision (ISO 3166-2): the form, and the state."""
    code = as_seen.strip().upper()
    if not re.fullmatch(r"[A-Z]{2}-[A-Z0-9]{1,3}", code):
        return explain(as_seen, None, Finding.WRONG_CHARACTERS)
    return explain(as_seen, code, *_judge_state(code[:2], state))


def _judge_state(alpha_2: str, state: str | None) -> tuple[Finding, ...]:
    found = find_state(alpha_2)
    if found is None:
        return (Finding.UNKNOWN_PREFIX,)
    named = None if state is None else canonicalise_state(state)
    is_other = named is not None and find_alpha_2(named) is not None and named != found
    return (Finding.NO_CHECK_DIGIT, Finding.OTHER_STATE) if is_other else (Finding.NO_CHECK_DIGIT,)


def _read_position(text: str) -> tuple[Decimal, Decimal] | None:
    signed = _ISO_6709.fullmatch(text) or _SIGNED.fullmatch(text)
    if signed is not None:
        return Decimal(f"{signed[1]}{signed[2]}"), Decimal(f"{signed[3]}{signed[4]}")
    parts = _SEXAGESIMAL.fullmatch(text)
    if parts is None:
        return None
    latitude = _join(parts[1], parts[2], parts[3], is_negative=parts[4] == "S")
    longitude = _join(parts[5], parts[6], parts[7], is_negative=parts[8] in "WO")
    return latitude, longitude


def _join(degrees: str, minutes: str | None, seconds: str | None, *, is_negative: bool) -> Decimal:
    """Return degrees with as many places as minutes (two) and seconds (four) can tell; no number for 60 and more."""
    value, told = Decimal(degrees), _count_places(degrees)
    for part, weight, places in ((minutes, 60, 2), (seconds, 3600, 4)):
        if part is not None:
            if Decimal(part) >= _SIXTY:
                return Decimal("NaN")
            value, told = value + Decimal(part) / weight, places + _count_places(part)
    value = value.quantize(Decimal(1).scaleb(-told), ROUND_HALF_EVEN)
    return -value if is_negative else value


def _count_places(number: str) -> int:
    return len(number.partition(".")[2])


def _write(value: Decimal, digits: int) -> str:
    places = min(_MAX_PLACES, max(0, -int(value.as_tuple().exponent)))
    text = f"{abs(value):.{places}f}"
    sign = "-" if value < 0 and Decimal(text) != 0 else "+"
    return sign + text.zfill(digits + (places + 1 if places else 0))
