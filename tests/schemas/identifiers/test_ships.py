"""Ships' stations, call signs and hulls: of whom they are, and what is unusual about them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.identifiers.alpha_2 import find_alpha_2
from schemas.identifiers.checked import Finding
from schemas.identifiers.maritime_digits import find_flag
from schemas.identifiers.ships import check_call_sign, check_hull, check_mmsi, find_station_state
from schemas.identifiers.states import STATE_NAMES

ALLOCATED = [f"{number:03}" for number in range(200, 800) if find_flag(f"{number:03}")]
FREE = [f"{number:03}" for number in range(200, 800) if not find_flag(f"{number:03}")]


@given(st.sampled_from(ALLOCATED), st.integers(0, 999_999))
def test_a_station_of_a_state_is_right_under_its_flag_and_wrong_under_another(digits: str, rest: int) -> None:
    number = f"{digits}{rest:06}"
    flag = find_flag(digits)
    assert check_mmsi(number, flag=flag).findings == (Finding.NO_CHECK_DIGIT,)
    other = "VNM" if flag != "VNM" else "GBR"
    assert check_mmsi(number, flag=other).findings == (Finding.NO_CHECK_DIGIT, Finding.OTHER_STATE)


@given(st.sampled_from(ALLOCATED), st.sampled_from(FREE), st.integers(0, 999_999))
def test_digits_that_nobody_has_are_said_to_be_so(digits: str, free: str, rest: int) -> None:
    assert check_mmsi(f"{free}{rest:06}").findings == (Finding.UNKNOWN_PREFIX,)
    assert check_mmsi(f"{digits}{rest:06}").normalised == f"{digits}{rest:06}"


@pytest.mark.parametrize(
    ("number", "state"),
    [
        ("232012345", "GBR"),
        ("023201234", "GBR"),
        ("002320001", "GBR"),
        ("111232001", "GBR"),
        ("823201234", "GBR"),
        ("982320123", "GBR"),
        ("992320123", "GBR"),
        ("970123456", None),
        ("123456789", None),
    ],
)
def test_the_state_stands_where_the_kind_of_station_has_it(number: str, state: str | None) -> None:
    assert find_station_state(number) == state


@pytest.mark.parametrize(
    ("as_seen", "normalised", "finding"),
    [
        ("MMSI 232 012 345", "232012345", Finding.NO_CHECK_DIGIT),
        ("972123456", "972123456", Finding.NO_CHECK_DIGIT),
        ("23201234", None, Finding.WRONG_LENGTH),
        ("23201234X", None, Finding.WRONG_CHARACTERS),
        ("\u0662\u0663\u0665\u0660\u0661\u0662\u0663\u0664\u0665", None, Finding.WRONG_CHARACTERS),
    ],
)
def test_a_station_is_explained(as_seen: str, normalised: str | None, finding: Finding) -> None:
    checked = check_mmsi(as_seen)
    assert (checked.normalised, checked.findings) == (normalised, (finding,))


def test_a_flag_without_digits_of_its_own_is_no_other_state() -> None:
    assert find_alpha_2("UTO") is None
    assert check_mmsi("232012345", flag="UTO").findings == (Finding.NO_CHECK_DIGIT,)
    assert check_mmsi("235012345", flag="IMN").findings == (Finding.NO_CHECK_DIGIT,), "of Man, under British digits"


@pytest.mark.parametrize(
    ("as_seen", "finding"),
    [
        ("MABC2", Finding.NO_CHECK_DIGIT),
        ("3WXY", Finding.NO_CHECK_DIGIT),
        ("OR-A2345", Finding.NO_CHECK_DIGIT),
        ("ABCDEF", Finding.UNUSUAL_FORM),
        ("12345", Finding.UNUSUAL_FORM),
        ("AB", Finding.WRONG_LENGTH),
        ("ABCDEFGH", Finding.WRONG_LENGTH),
        ("M\u00c4BC", Finding.WRONG_CHARACTERS),
    ],
)
def test_a_call_sign_is_of_the_forms_of_ships_or_unusual(as_seen: str, finding: Finding) -> None:
    assert check_call_sign(as_seen).findings == (finding,)


@given(st.sampled_from(sorted(STATE_NAMES)), st.from_regex(r"[A-Z]{3}[A-Z0-9]{5}[A-L][0-9]{3}", fullmatch=True))
def test_a_hull_of_a_builders_state_is_right_and_of_nobodys_is_not(state: str, rest: str) -> None:
    alpha_2 = find_alpha_2(state)
    if alpha_2 is not None:
        assert check_hull(f"{alpha_2}-{rest}").findings == (Finding.NO_CHECK_DIGIT,)
    assert check_hull(f"QQ-{rest}").findings == (Finding.UNKNOWN_PREFIX,)
    assert check_hull(rest).findings == (Finding.UNUSUAL_FORM,), "an American hull before 2017"


@pytest.mark.parametrize(
    ("as_seen", "finding"),
    [
        ("GB-ABC12345Z718", Finding.UNUSUAL_FORM),
        ("GB-ABC12345L71", Finding.WRONG_LENGTH),
        ("GB-ABC12345L71\u00df", Finding.WRONG_LENGTH),
        ("GB-ABC12345L71?", Finding.WRONG_CHARACTERS),
    ],
)
def test_a_hull_is_explained(as_seen: str, finding: Finding) -> None:
    assert check_hull(as_seen).findings == (finding,)
