"""Where everything stands in the five machine readable zones, and how check digits are computed (ICAO Doc 9303)."""

from dataclasses import dataclass

from schemas.coded import CodedValue

_WEIGHTS = (7, 3, 1)
_VALUES = {character: value for value, character in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")} | {"<": 0}

Span = tuple[int, int, int]
"""Line, first and last position, counted from 1 as the standard counts."""


class MrzError(ValueError):
    """Lines that have the shape of no machine readable zone, or fields that do not fit into one."""

    code = "mrz-shape"


class MrzFormat(CodedValue):
    """The five formats (ICAO Doc 9303 parts 4 to 7)."""

    TD1 = "td1", "TD1: card, three lines of 30"
    TD2 = "td2", "TD2: two lines of 36"
    TD3 = "td3", "TD3: passport, two lines of 44"
    MRV_A = "mrv-a", "MRV-A: visa, two lines of 44"
    MRV_B = "mrv-b", "MRV-B: visa, two lines of 36"


class CheckName(CodedValue):
    """The check digits a zone can have."""

    DOCUMENT_NUMBER = "document-number", "Document number"
    BIRTH_DATE = "birth-date", "Date of birth"
    EXPIRY_DATE = "expiry-date", "Date of expiry"
    OPTIONAL_DATA = "optional-data", "Optional data"
    COMPOSITE = "composite", "Composite"


class CheckResult(CodedValue):
    """What came of a check digit."""

    PASS = "pass", "Right"
    FAIL = "fail", "Wrong"
    ABSENT = "absent", "Not there, and none is due"


@dataclass(frozen=True, slots=True)
class Layout:
    """The fields of one format. A check digit stands right after the field it covers, the composite one at the end."""

    lines: int
    width: int
    name: Span
    number: Span
    nationality: Span
    birth: Span
    sex: Span
    expiry: Span
    optional: Span
    optional_2: Span | None = None
    composite: tuple[Span, ...] = ()
    optional_has_digit: bool = False
    number_may_overflow: bool = False

    @property
    def composite_digit(self) -> Span:
        """Return where the composite check digit stands: the last position of the second line."""
        return (2, self.width, self.width)


def _two_lines(width: int, optional_end: int, last_covered: int = 0) -> Layout:
    covered = ((2, 1, 10), (2, 14, 20), (2, 22, last_covered)) if last_covered else ()
    return Layout(
        lines=2,
        width=width,
        name=(1, 6, width),
        number=(2, 1, 9),
        nationality=(2, 11, 13),
        birth=(2, 14, 19),
        sex=(2, 21, 21),
        expiry=(2, 22, 27),
        optional=(2, 29, optional_end),
        composite=covered,
        optional_has_digit=last_covered == optional_end + 1,
        number_may_overflow=width == 36 and bool(covered),
    )


_TD1 = Layout(
    lines=3,
    width=30,
    name=(3, 1, 30),
    number=(1, 6, 14),
    nationality=(2, 16, 18),
    birth=(2, 1, 6),
    sex=(2, 8, 8),
    expiry=(2, 9, 14),
    optional=(1, 16, 30),
    optional_2=(2, 19, 29),
    composite=((1, 6, 30), (2, 1, 7), (2, 9, 15), (2, 19, 29)),
    number_may_overflow=True,
)
LAYOUTS: dict[MrzFormat, Layout] = {
    MrzFormat.TD1: _TD1,
    MrzFormat.TD2: _two_lines(36, optional_end=35, last_covered=35),
    MrzFormat.TD3: _two_lines(44, optional_end=42, last_covered=43),
    MrzFormat.MRV_A: _two_lines(44, optional_end=44),
    MrzFormat.MRV_B: _two_lines(36, optional_end=36),
}


def compute_check_digit(text: str) -> str | None:
    """Return the check digit of a field, weights 7-3-1 (ICAO Doc 9303-3, 4.9); None where a character has no value."""
    if not _VALUES.keys() >= set(text):
        return None
    return str(sum(_VALUES[character] * _WEIGHTS[at % 3] for at, character in enumerate(text)) % 10)


def cut(lines: tuple[str, ...], span: Span) -> str:
    """Return the characters of a field."""
    line, first, last = span
    return lines[line - 1][first - 1 : last]


def find_digit(span: Span) -> Span:
    """Return where the check digit of a field stands: right after it."""
    line, _, last = span
    return (line, last + 1, last + 1)
