"""Partial dates: `1985`, `1985-07` or `1985-07-03`, as far as they are known (ISO 8601 reduced precision)."""

import calendar
import re
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from pydantic import AfterValidator, Field

_PARTIAL_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class DateRange:
    """The first and the last day that a partial date can mean."""

    first: date
    last: date

    def overlaps(self, other: "DateRange") -> bool:
        """Say whether some day lies in both."""
        return self.first <= other.last and other.first <= self.last


def read_partial_date(unverified_text: str) -> DateRange:
    """Return the days that a partial date covers.

    Raises:
        ValueError: another spelling, or no date of the calendar.
    """
    match = _PARTIAL_DATE.fullmatch(unverified_text)
    if match is None:
        raise ValueError("a date is written 1985, 1985-07 or 1985-07-03")
    year, month, day = (None if part is None else int(part) for part in match.groups())
    if year is None or year < 1000:
        raise ValueError("a year has four digits and does not begin with 0")
    try:
        return _span(year, month, day)
    except (ValueError, calendar.IllegalMonthError) as error:
        raise ValueError("no such day in the calendar") from error


def _span(year: int, month: int | None, day: int | None) -> DateRange:
    if month is None:
        return DateRange(date(year, 1, 1), date(year, 12, 31))
    if day is None:
        return DateRange(date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1]))
    return DateRange(date(year, month, day), date(year, month, day))


def _verify_partial_date(text: str) -> str:
    read_partial_date(text)
    return text


PartialDate = Annotated[
    str,
    Field(pattern=r"^[1-9]\d{3}(-\d{2}(-\d{2})?)?$", examples=["1985-07"], description="YYYY, YYYY-MM or YYYY-MM-DD"),
    AfterValidator(_verify_partial_date),
]


def _verify_day(text: str) -> str:
    if len(text) != len("1985-07-03"):
        raise ValueError("a whole date is expected, such as 2027-03-31")
    return _verify_partial_date(text)


Day = Annotated[
    str,
    Field(pattern=r"^[1-9]\d{3}-\d{2}-\d{2}$", examples=["2027-03-31"], description="YYYY-MM-DD"),
    AfterValidator(_verify_day),
]
