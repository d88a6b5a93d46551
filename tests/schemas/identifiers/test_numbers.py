"""Numbers of accounts, devices, ships and containers: published examples right and wrong, and anything else."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.identifiers.checked import Checked, Finding
from schemas.identifiers.numbers import (
    check_bic,
    check_container,
    check_iban,
    check_iccid,
    check_imei,
    check_imo,
    check_imsi,
    normalise_document_number,
)

CHECKS = [check_bic, check_container, check_iban, check_iccid, check_imei, check_imo, check_imsi]


@pytest.mark.parametrize(
    ("check", "as_seen", "normalised", "finding"),
    [
        (check_iban, "GB82 WEST 1234 5698 7654 32", "GB82WEST12345698765432", Finding.VALID),
        (check_iban, "GB82 WEST 1234 5698 7654 33", "GB82WEST12345698765433", Finding.WRONG_CHECK_DIGIT),
        (check_bic, "DEUTDEFF", "DEUTDEFF", Finding.NO_CHECK_DIGIT),
        (check_bic, "DEUT", None, Finding.WRONG_CHARACTERS),
        (check_imei, "49-015420-323751-8", "490154203237518", Finding.VALID),
        (check_imei, "49-015420-323751-7", "490154203237517", Finding.WRONG_CHECK_DIGIT),
        (check_imei, "49015420323751", "49015420323751", Finding.NO_CHECK_DIGIT),
        (check_imei, "49O154203237518", None, Finding.WRONG_CHARACTERS),
        (check_imsi, "001010123456789", "001010123456789", Finding.NO_CHECK_DIGIT),
        (check_imo, "IMO 9074729", "9074729", Finding.VALID),
        (check_imo, "9074728", "9074728", Finding.WRONG_CHECK_DIGIT),
        (check_container, "CSQU3054383", "CSQU3054383", Finding.VALID),
    ],
)
def test_a_number_is_kept_as_seen_and_explained(
    check: Callable[[str], Checked], as_seen: str, normalised: str | None, finding: Finding
) -> None:
    checked = check(as_seen)

    assert (checked.as_seen, checked.normalised, checked.findings) == (as_seen, normalised, (finding,))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: str(check.__name__))
@given(as_seen=st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=60))
def test_whatever_was_seen_an_explanation_comes_out(check: Callable[[str], Checked], as_seen: str) -> None:
    checked = check(as_seen)

    assert checked.as_seen == as_seen
    assert checked.findings


DIGITS = "0123456789"


def compute_luhn(digits: str) -> str:
    """Return the digit that makes the sum of ISO/IEC 7812-1 (annex B) a multiple of ten."""
    doubled = [sum(divmod(2 * int(digit), 10)) for digit in digits[::-2]]
    return str(-(sum(doubled) + sum(map(int, digits[-2::-2]))) % 10)


def replace_at(text: str, place: int, letter: str) -> str:
    """Return a text with another letter at a place."""
    return text[:place] + letter + text[place + 1 :]


@given(st.text(DIGITS, min_size=14, max_size=14), st.integers(0, 14), st.sampled_from(DIGITS))
def test_a_device_number_is_right_and_one_wrong_digit_is_found(bare: str, place: int, digit: str) -> None:
    number = bare + compute_luhn(bare)
    assert check_imei(number).findings == (Finding.VALID,)
    wrong = replace_at(number, place, digit)
    expected = Finding.VALID if wrong == number else Finding.WRONG_CHECK_DIGIT
    assert check_imei(wrong).findings == (expected,)
    assert check_imei(wrong).normalised == wrong


@given(st.text(DIGITS, min_size=16, max_size=17), st.integers(2, 17), st.sampled_from(DIGITS))
def test_a_sim_card_number_is_right_and_one_wrong_digit_is_found(bare: str, place: int, digit: str) -> None:
    number = f"89{bare}" + compute_luhn(f"89{bare}")
    assert check_iccid(number).findings == (Finding.VALID,)
    wrong = replace_at(number, place, digit)
    expected = Finding.VALID if wrong == number else Finding.WRONG_CHECK_DIGIT
    assert check_iccid(wrong).findings == (expected,)


@given(st.text(DIGITS, min_size=14, max_size=14), st.integers(2, 21), st.sampled_from(DIGITS))
def test_an_account_number_is_right_and_one_wrong_digit_is_found(account: str, place: int, digit: str) -> None:
    """Remainders by 97 (ISO 13616-1): GB is 1611, the bank WEST is 32142829."""
    remainder = int(f"32142829{account}161100") % 97
    number = f"GB{98 - remainder:02}WEST{account}"
    assert check_iban(number).findings == (Finding.VALID,)
    wrong = replace_at(number, place, digit)
    if wrong != number:
        assert not check_iban(wrong).is_valid
    if wrong != number and number[place].isdecimal():
        assert check_iban(wrong).findings == (Finding.WRONG_CHECK_DIGIT,)
        assert check_iban(wrong).normalised == wrong


@given(st.text(DIGITS, min_size=6, max_size=6), st.integers(0, 5), st.sampled_from(DIGITS))
def test_a_ship_number_is_right_and_a_wrong_digit_is_found_where_its_weight_shows_it(
    bare: str, place: int, digit: str
) -> None:
    """Weights 7 to 2, modulo 10: what the weight makes a multiple of ten cannot be found (5 apart, at an even one)."""
    number = bare + str(sum(int(one) * weight for one, weight in zip(bare, range(7, 1, -1), strict=True)) % 10)
    assert check_imo(number).findings == (Finding.VALID,)
    change = (int(digit) - int(bare[place])) * (7 - place) % 10
    expected = Finding.WRONG_CHECK_DIGIT if change else Finding.VALID
    assert check_imo(replace_at(number, place, digit)).findings == (expected,)
    assert check_imo(f"IMO {number}").normalised == number


CONTAINER_VALUES: dict[str, int] = dict(
    zip(
        DIGITS + "ABCDEFGHIJKLMNOPQRSTUVWXYZ", [*range(11), *range(12, 22), *range(23, 33), *range(34, 39)], strict=True
    )
)


@given(st.from_regex(r"[A-Z]{3}[UJZ][0-9]{6}", fullmatch=True), st.integers(4, 9), st.sampled_from(DIGITS))
def test_a_container_number_is_right_and_a_wrong_digit_is_found_but_for_ten_as_zero(
    bare: str, place: int, digit: str
) -> None:
    """Modulo 11, with 10 written 0 (ISO 6346, annex A): of all wrong digits only these two pass for one another."""

    def compute(text: str) -> int:
        return sum((CONTAINER_VALUES[letter] << at) for at, letter in enumerate(text)) % 11

    number = bare + str(compute(bare) % 10)
    assert check_container(number).findings == (Finding.VALID,)
    wrong = replace_at(bare, place, digit)
    expected = Finding.VALID if compute(wrong) % 10 == compute(bare) % 10 else Finding.WRONG_CHECK_DIGIT
    assert check_container(wrong + number[-1]).findings == (expected,)


@pytest.mark.parametrize(
    ("as_seen", "finding"),
    [
        ("8991101200003204514", Finding.VALID),
        ("89 91101 20000 320451", Finding.NO_CHECK_DIGIT),
        ("8891101200003204514", Finding.UNKNOWN_PREFIX),
        ("899110120000320451F", Finding.WRONG_CHARACTERS),
        ("89911012", Finding.WRONG_LENGTH),
    ],
)
def test_a_sim_card_number_is_explained(as_seen: str, finding: Finding) -> None:
    assert check_iccid(as_seen).findings == (finding,)


def test_a_number_of_no_known_bank_is_still_looked_for() -> None:
    checked = check_iban("BE68 5390 0754 7034")
    assert (checked.normalised, checked.findings) == ("BE68539007547034", (Finding.UNKNOWN_PREFIX,))


@pytest.mark.parametrize("as_seen", ["L898902C3", "l898902c3", "L 898902-C3", "L898902C3<<", "L89.8902/C3"])
def test_spellings_of_one_document_number_meet(as_seen: str) -> None:
    assert normalise_document_number(as_seen) == "L898902C3"
