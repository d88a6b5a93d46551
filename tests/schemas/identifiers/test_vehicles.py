"""Vehicles: numbers with their check digit where one is due, plates by the forms of their states."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from schemas.identifiers.checked import Finding
from schemas.identifiers.vehicles import check_plate, check_vin, normalise_plate

LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
VALUES = dict(zip("0123456789" + LETTERS, map(int, "012345678912345678123457923456789"), strict=True))
WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


@st.composite
def vins(draw: st.DrawFn, first: str) -> str:
    """Draw a number of a maker whose numbers begin so, with its digit right (49 CFR 565.15)."""
    rest = draw(st.text("0123456789" + LETTERS, min_size=15, max_size=15))
    bare = draw(st.sampled_from(first)) + rest[:7] + "0" + rest[7:]
    remainder = sum(VALUES[letter] * weight for letter, weight in zip(bare, WEIGHTS, strict=True)) % 11
    return bare[:8] + "0123456789X"[remainder] + bare[9:]


@given(vins("12345L"), st.integers(0, 16), st.sampled_from("0123456789" + LETTERS))
def test_one_wrong_letter_is_found_where_it_has_another_value(vin: str, place: int, letter: str) -> None:
    """Letters share values (A, J and 1 are all 1): such a swap cannot be found, and the ninth letter has no weight."""
    assert check_vin(vin).findings == (Finding.VALID,)
    wrong = vin[:place] + letter + vin[place + 1 :]
    assume(place not in {0, 8} and VALUES[letter] != VALUES[vin[place]])
    assert check_vin(wrong).findings == (Finding.WRONG_CHECK_DIGIT,)
    assert check_vin(wrong).normalised == wrong


@given(vins("SVWZJ"))
def test_a_maker_that_need_not_have_a_digit_may_have_one(vin: str) -> None:
    assert check_vin(vin).findings == (Finding.VALID,)


@pytest.mark.parametrize(
    ("as_seen", "normalised", "finding"),
    [
        ("1HGBH41JXMN109186", "1HGBH41JXMN109186", Finding.VALID),
        ("1hgbh41jx mn-109186", "1HGBH41JXMN109186", Finding.VALID),
        ("1HGBH41J1MN109186", "1HGBH41J1MN109186", Finding.WRONG_CHECK_DIGIT),
        ("WVWZZZ1JZXW000001", "WVWZZZ1JZXW000001", Finding.NO_CHECK_DIGIT),
        ("1HGBH41JXMN10918", None, Finding.WRONG_LENGTH),
        ("1HGBH41JXMN1O9186", None, Finding.WRONG_CHARACTERS),
        ("1HGBH41JXMN109\u0661\u0668\u0666", None, Finding.WRONG_CHARACTERS),
    ],
)
def test_a_number_is_explained(as_seen: str, normalised: str | None, finding: Finding) -> None:
    checked = check_vin(as_seen)
    assert (checked.as_seen, checked.normalised, checked.findings) == (as_seen, normalised, (finding,))


@pytest.mark.parametrize(
    ("as_seen", "state"),
    [
        ("1-ABC-123", "BEL"),
        ("AB12 CDE", "GBR"),
        ("AB-123-CD", "FRA"),
        ("1234 AB 75", "FRA"),
        ("B-AB 1234", "D"),
        ("AA 123 BB", "ALB"),
        ("51F-123.45", "VNM"),
        ("59-X1 123.45", "VNM"),
        ("1234 BCD", "ESP"),
        ("34 AB 1234", "TUR"),
        ("AA 1234 BB", "UKR"),
        ("12-AB-34", "NLD"),
    ],
)
def test_a_plate_of_a_usual_form_is_and_the_same_backwards_is_not(as_seen: str, state: str) -> None:
    assert check_plate(as_seen, state).findings == (Finding.NO_CHECK_DIGIT,)
    assert check_plate("X" * 9, state).findings == (Finding.UNUSUAL_FORM,)
    assert not check_plate("X" * 9, state).is_wrong, "custom is no rule"


@pytest.mark.parametrize(
    ("as_seen", "state", "normalised", "finding"),
    [
        ("1-abc-123", None, "1ABC123", Finding.NO_RULE),
        ("1-ABC-123", "UTO", "1ABC123", Finding.NO_RULE),
        ("\u0645 \u0646 \u0664\u0665", None, "\u0645\u0646\u0664\u0665", Finding.NO_RULE),
        ("- -", "BEL", None, Finding.WRONG_CHARACTERS),
        ("A" * 16, "BEL", None, Finding.WRONG_LENGTH),
    ],
)
def test_a_plate_is_explained(as_seen: str, state: str | None, normalised: str | None, finding: Finding) -> None:
    checked = check_plate(as_seen, state)
    assert (checked.normalised, checked.findings) == (normalised, (finding,))


@given(st.text(max_size=30))
def test_the_form_of_a_plate_is_its_own_form(text: str) -> None:
    assert normalise_plate(normalise_plate(text)) == normalise_plate(text)
