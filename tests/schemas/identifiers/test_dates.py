"""Partial dates: one spelling, real days only, and what days they cover."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from schemas.identifiers.dates import DateRange, Day, PartialDate, read_partial_date

PARTIAL = TypeAdapter(PartialDate)
DAY = TypeAdapter(Day)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("1985", date(1985, 1, 1), date(1985, 12, 31)),
        ("1984-02", date(1984, 2, 1), date(1984, 2, 29)),
        ("1985-07-03", date(1985, 7, 3), date(1985, 7, 3)),
    ],
)
def test_a_partial_date_covers_every_day_it_can_mean(text: str, first: date, last: date) -> None:
    assert read_partial_date(text) == DateRange(first, last)


@given(st.dates(min_value=date(1000, 1, 1)), st.sampled_from([4, 7, 10]))
def test_every_day_lies_in_each_of_its_partial_dates(day: date, length: int) -> None:
    text = day.isoformat()[:length]
    covered = read_partial_date(text)

    assert covered.first <= day <= covered.last
    assert PARTIAL.validate_python(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "85",
        "1985-7",
        "1985-13",
        "1985-00",
        "1985-02-30",
        "1985-07-03T00",
        "0985",
        " 1985",
        "1985\n",
        "١٩٨٥",
        "1985/07",
    ],
)
def test_other_spellings_and_days_that_never_were_are_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        PARTIAL.validate_python(text)
    with pytest.raises(ValueError, match=r".+"):
        read_partial_date(text)


def test_ranges_overlap_when_they_share_a_day() -> None:
    july = read_partial_date("1985-07")

    assert july.overlaps(read_partial_date("1985"))
    assert july.overlaps(read_partial_date("1985-07-31"))
    assert not july.overlaps(read_partial_date("1985-08"))


def test_a_day_is_a_whole_date() -> None:
    assert DAY.validate_python("2027-03-31") == "2027-03-31"
    for text in ("2027-03", "2027", "2027-02-29"):
        with pytest.raises(ValidationError):
            DAY.validate_python(text)


def test_the_schemas_of_dates_show_how_they_are_written() -> None:
    assert "pattern" in PARTIAL.json_schema()
    assert "pattern" in DAY.json_schema()
