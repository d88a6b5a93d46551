"""Positions and codes of places: every usual notation leads to one form, what lies nowhere is said to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.identifiers.checked import Finding
from schemas.identifiers.positions import check_locode, check_position, check_subdivision


@pytest.mark.parametrize(
    ("as_seen", "normalised"),
    [
        ("51.0504, 1.7811", "+51.0504+001.7811/"),
        ("51.0504 1.7811", "+51.0504+001.7811/"),
        ("-33.85; 151.2", "-33.85+151.2/"),
        ("+51.0504+001.7811/", "+51.0504+001.7811/"),
        ("51.0504N 1.7811E", "+51.0504+001.7811/"),
        ("51\u00b003'01\"N 1\u00b046'52\"W", "+51.0503-001.7811/"),
        ("51\u00b003'01.4\u2033 N, 001\u00b046'52.0\u2033 E", "+51.05039+001.78111/"),
        ("50 57 N 1 51 O", "+50.95-001.85/"),
        ("51 N 0 E", "+51+000/"),
        ("-0.0, 0.0", "+00.0+000.0/"),
        ("90, -180", "+90-180/"),
    ],
)
def test_every_notation_leads_to_one_form(as_seen: str, normalised: str) -> None:
    checked = check_position(as_seen)
    assert (checked.as_seen, checked.normalised, checked.findings) == (as_seen, normalised, (Finding.NO_CHECK_DIGIT,))


@pytest.mark.parametrize("as_seen", ["90.1, 0", "0, 180.01", "-91 0", "51 60 N 1 0 E", "51 0 61 N 1 0 0 E"])
def test_what_lies_nowhere_is_out_of_range(as_seen: str) -> None:
    assert check_position(as_seen).findings == (Finding.OUT_OF_RANGE,)


@pytest.mark.parametrize(
    "as_seen", ["", "51.05", "51,05 1,78", "north of the beach", "51.0504N", "1.2.3, 4", " " * 120]
)
def test_what_is_no_position_is_explained(as_seen: str) -> None:
    assert check_position(as_seen or "-").findings == (Finding.WRONG_CHARACTERS,)


@given(st.integers(-90_000_000, 90_000_000), st.integers(-180_000_000, 180_000_000))
def test_a_position_in_degrees_is_read_to_the_sixth_place(north: int, east: int) -> None:
    written = check_position(f"{north / 1e6:.6f}, {east / 1e6:.6f}").normalised
    assert written is not None
    assert check_position(written).normalised == written
    assert float(written[:10]) == pytest.approx(north / 1e6)
    assert float(written[10:-1]) == pytest.approx(east / 1e6)


@given(st.integers(1, 89), st.integers(0, 59), st.integers(0, 59))
def test_degrees_minutes_and_seconds_are_added_up(degrees: int, minutes: int, seconds: int) -> None:
    text = f"{degrees}\u00b0{minutes}'{seconds}\""
    written = check_position(f"{text}S {text}W").normalised
    assert written is not None
    south, west = written[:-1].rsplit("-", 1)
    expected = degrees + minutes / 60 + seconds / 3600
    assert abs(float(south)) == pytest.approx(expected, abs=6e-5)
    assert float(west) == pytest.approx(expected, abs=6e-5)


@pytest.mark.parametrize(
    ("as_seen", "state", "findings"),
    [
        ("GB DVR", "GBR", (Finding.NO_CHECK_DIGIT,)),
        ("gb-dvr", None, (Finding.NO_CHECK_DIGIT,)),
        ("DE HAM", "D", (Finding.NO_CHECK_DIGIT,)),
        ("DE HAM", "DEU", (Finding.NO_CHECK_DIGIT,)),
        ("GB DVR", "BEL", (Finding.NO_CHECK_DIGIT, Finding.OTHER_STATE)),
        ("GB DVR", "UTO", (Finding.NO_CHECK_DIGIT,)),
        ("QQ DVR", None, (Finding.UNKNOWN_PREFIX,)),
        ("GB DV", None, (Finding.WRONG_LENGTH,)),
        ("GB DV1", None, (Finding.WRONG_CHARACTERS,)),
    ],
)
def test_a_trade_place_is_explained(as_seen: str, state: str | None, findings: tuple[Finding, ...]) -> None:
    assert check_locode(as_seen, state=state).findings == findings


@pytest.mark.parametrize(
    ("as_seen", "state", "findings"),
    [
        ("BE-VWV", "BEL", (Finding.NO_CHECK_DIGIT,)),
        ("be-vwv", "FRA", (Finding.NO_CHECK_DIGIT, Finding.OTHER_STATE)),
        ("QQ-1", None, (Finding.UNKNOWN_PREFIX,)),
        ("BEVWV", None, (Finding.WRONG_CHARACTERS,)),
    ],
)
def test_a_subdivision_is_explained(as_seen: str, state: str | None, findings: tuple[Finding, ...]) -> None:
    assert check_subdivision(as_seen, state=state).findings == findings
