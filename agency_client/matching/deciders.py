"""What decides where names only rank: birth dates and numbers. Pure. Dates may be partial (`1985`, `1985-07`)."""

from collections.abc import Iterable
from enum import Enum

from schemas.identifiers.dates import read_partial_date


class BirthFinding(Enum):
    """How a birth date asked for stands to those known of somebody; the value is said to the officer."""

    EQUAL = "the same birth date"
    AGREES = "a birth date that agrees as far as it is known"
    SLIP = "a birth date like it: one digit apart, or day and month the other way round"
    CONTRADICTS = "another birth date"
    UNKNOWN = "no birth date to compare"


_BEST_FIRST = (BirthFinding.EQUAL, BirthFinding.AGREES, BirthFinding.SLIP, BirthFinding.CONTRADICTS)
_FULL_LENGTH = len("1985-07-03")


def compare_births(asked: str | None, known: Iterable[str]) -> BirthFinding:
    """Return how a birth date stands to those known of one person, the best of them.

    Raises:
        ValueError: the one asked for is no date.
    """
    if asked is None:
        return BirthFinding.UNKNOWN
    read_partial_date(asked)
    found = {_compare(asked, date) for date in known}
    return next((finding for finding in _BEST_FIRST if finding in found), BirthFinding.UNKNOWN)


def _compare(asked: str, known: str) -> BirthFinding:
    if asked == known and len(asked) == _FULL_LENGTH:
        return BirthFinding.EQUAL
    if read_partial_date(asked).overlaps(read_partial_date(known)):
        return BirthFinding.AGREES
    return BirthFinding.SLIP if _is_slip(asked, known) else BirthFinding.CONTRADICTS


def _is_slip(asked: str, known: str) -> bool:
    if len(asked) != _FULL_LENGTH or len(known) != _FULL_LENGTH:
        return False
    if sum(one != other for one, other in zip(asked, known, strict=True)) == 1:
        return True
    return asked[:4] == known[:4] and asked[5:7] == known[8:] and asked[8:] == known[5:7]
