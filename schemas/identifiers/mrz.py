"""Machine readable zones (ICAO Doc 9303 parts 3 to 7) read from what was seen, in any of the five formats.

Reading keeps the lines exactly as seen and records the result of every check digit. A wrong digit, an unknown code or
an impossible date is a finding, never a reason to refuse: the zone may be the very thing reported. Only lines of no
known shape are refused, with `MrzError`. No century is guessed without a day to compare with. National layouts outside
the standard (the French card before 2021) are read as the format of their size and fail its check digits.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from schemas.identifiers.dates import read_partial_date
from schemas.identifiers.mrz_layout import (
    LAYOUTS,
    CheckName,
    CheckResult,
    Layout,
    MrzError,
    MrzFormat,
    compute_check_digit,
    cut,
    find_digit,
)

__all__ = [
    "CheckDigit",
    "CheckName",
    "CheckResult",
    "Mrz",
    "MrzError",
    "MrzFormat",
    "parse_mrz",
    "read_birth_date",
    "read_expiry_date",
]

_MAX_CHARACTERS = 200
_WHOLE_ZONES = {90: 30, 72: 36, 88: 44}
_VISAS = {MrzFormat.TD3: MrzFormat.MRV_A, MrzFormat.TD2: MrzFormat.MRV_B}
_DATE = re.compile(r"([0-9]{2})([0-9]{2}|<<)([0-9]{2}|<<)")


@dataclass(frozen=True, slots=True)
class CheckDigit:
    """One check digit: as printed, as it would have to be (None: unreadable characters forbid it), and the result."""

    name: CheckName
    printed: str
    computed: str | None
    result: CheckResult


@dataclass(frozen=True, slots=True)
class Mrz:
    """A zone as read. Fields lose their trailing fillers; dates stay six characters, `<` where unknown."""

    format: MrzFormat
    lines: tuple[str, ...]
    document_code: str
    issuing_state: str
    surname: str
    given_names: str
    document_number: str
    nationality: str
    birth_date: str
    sex: str
    expiry_date: str
    optional_data: str
    optional_data_2: str
    checks: tuple[CheckDigit, ...]

    @property
    def names_may_be_truncated(self) -> bool:
        """Say whether the name field is full, which the standard makes the sign of truncation."""
        return not cut(self.lines, LAYOUTS[self.format].name).endswith("<")

    @property
    def failed_checks(self) -> tuple[CheckName, ...]:
        """Return the check digits that are wrong."""
        return tuple(check.name for check in self.checks if check.result is CheckResult.FAIL)


def parse_mrz(unverified_zone: str | bytes | Sequence[str]) -> Mrz:
    """Read a zone from its lines: a list of them, or one text with line breaks or without.

    Raises:
        MrzError: the lines have the shape of none of the five formats. Nothing else is refused.
    """
    lines = _split_lines(unverified_zone)
    mrz_format = _find_format(lines)
    layout = LAYOUTS[mrz_format]
    number, number_check, optional = _read_number(lines, layout)
    surname, given_names = _split_names(cut(lines, layout.name))
    return Mrz(
        format=mrz_format,
        lines=lines,
        document_code=lines[0][:2].rstrip("<"),
        issuing_state=lines[0][2:5].rstrip("<"),
        surname=surname,
        given_names=given_names,
        document_number=number,
        nationality=cut(lines, layout.nationality).rstrip("<"),
        birth_date=cut(lines, layout.birth),
        sex=cut(lines, layout.sex),
        expiry_date=cut(lines, layout.expiry),
        optional_data=optional,
        optional_data_2=cut(lines, layout.optional_2).rstrip("<") if layout.optional_2 else "",
        checks=(number_check, *_check_other_digits(lines, layout)),
    )


def read_birth_date(mrz: Mrz, *, as_of: date) -> str | None:
    """Return the birth date as a partial date, in the last century not after `as_of`; None if it is no date."""
    years = range(as_of.year // 100 * 100, 0, -100)
    possible = (_write_date(mrz.birth_date, century) for century in years[:2])
    return next((text for text in possible if text and read_partial_date(text).first <= as_of), None)


def read_expiry_date(mrz: Mrz, *, as_of: date) -> str | None:
    """Return the expiry date as a partial date, in the century nearest to `as_of`; None if it is no date."""
    this_century = as_of.year // 100 * 100
    possible = [_write_date(mrz.expiry_date, this_century + offset) for offset in (-100, 0, 100)]
    return min((text for text in possible if text), key=lambda text: abs(int(text[:4]) - as_of.year), default=None)


def _split_lines(unverified_zone: str | bytes | Sequence[str]) -> tuple[str, ...]:
    if isinstance(unverified_zone, bytes):
        try:
            unverified_zone = unverified_zone.decode("ascii")
        except UnicodeDecodeError as error:
            raise MrzError("a machine readable zone is ASCII text") from error
    parts = re.split(r"[\r\n]+", unverified_zone) if isinstance(unverified_zone, str) else list(unverified_zone)
    lines = tuple(line.strip(" \t\r\n") for line in parts if line.strip(" \t\r\n"))
    if sum(map(len, lines)) > _MAX_CHARACTERS:
        raise MrzError(f"more than {_MAX_CHARACTERS} characters: no machine readable zone is that long")
    if len(lines) == 1 and len(lines[0]) in _WHOLE_ZONES:
        width = _WHOLE_ZONES[len(lines[0])]
        return tuple(lines[0][at : at + width] for at in range(0, len(lines[0]), width))
    return lines


def _find_format(lines: tuple[str, ...]) -> MrzFormat:
    for mrz_format in (MrzFormat.TD1, MrzFormat.TD2, MrzFormat.TD3):
        layout = LAYOUTS[mrz_format]
        if len(lines) == layout.lines and all(len(line) == layout.width for line in lines):
            return _VISAS.get(mrz_format, mrz_format) if lines[0].startswith("V") else mrz_format
    seen = ", ".join(str(len(line)) for line in lines) or "none"
    raise MrzError(f"3 lines of 30, 2 of 36 or 2 of 44 characters are expected; the lines given have: {seen}")


def _read_number(lines: tuple[str, ...], layout: Layout) -> tuple[str, CheckDigit, str]:
    # A number of more than nine characters goes on in the optional data, up to its check digit and a filler; in place
    # of the check digit then stands a filler (Doc 9303-5, 4.2.2 note j).
    field, printed = cut(lines, layout.number), cut(lines, find_digit(layout.number))
    optional = cut(lines, layout.optional)
    rest, _, after = optional.partition("<")
    if layout.number_may_overflow and printed == "<" and not field.endswith("<") and len(rest) > 1:
        number = field + rest[:-1]
        return number, _judge(CheckName.DOCUMENT_NUMBER, number, rest[-1]), after.rstrip("<")
    return field.rstrip("<"), _judge(CheckName.DOCUMENT_NUMBER, field, printed), optional.rstrip("<")


def _check_other_digits(lines: tuple[str, ...], layout: Layout) -> tuple[CheckDigit, ...]:
    none_due = CheckDigit(CheckName.OPTIONAL_DATA, "", None, CheckResult.ABSENT)
    optional = _judge_field(CheckName.OPTIONAL_DATA, lines, layout.optional) if layout.optional_has_digit else none_due
    composite = CheckDigit(CheckName.COMPOSITE, "", None, CheckResult.ABSENT)
    if layout.composite:
        covered = "".join(cut(lines, span) for span in layout.composite)
        composite = _judge(CheckName.COMPOSITE, covered, cut(lines, layout.composite_digit))
    return (
        _judge_field(CheckName.BIRTH_DATE, lines, layout.birth),
        _judge_field(CheckName.EXPIRY_DATE, lines, layout.expiry),
        optional,
        composite,
    )


def _judge_field(name: CheckName, lines: tuple[str, ...], span: tuple[int, int, int]) -> CheckDigit:
    return _judge(name, cut(lines, span), cut(lines, find_digit(span)))


def _judge(name: CheckName, field: str, printed: str) -> CheckDigit:
    computed = compute_check_digit(field)
    if printed == computed:
        result = CheckResult.PASS
    elif printed == "<" and not field.strip("<"):
        result = CheckResult.ABSENT
    else:
        result = CheckResult.FAIL
    return CheckDigit(name, printed, computed, result)


def _split_names(field: str) -> tuple[str, str]:
    primary, _, secondary = field.rstrip("<").partition("<<")
    return " ".join(filter(None, primary.split("<"))), " ".join(filter(None, secondary.split("<")))


def _write_date(six_characters: str, century: int) -> str | None:
    match = _DATE.fullmatch(six_characters)
    if match is None:
        return None
    year, month, day = match.groups()
    known = [f"{century + int(year):04d}"]
    if month != "<<":
        known += [month] if day == "<<" else [month, day]
    text = "-".join(known)
    try:
        read_partial_date(text)
    except ValueError:
        return None
    return text
