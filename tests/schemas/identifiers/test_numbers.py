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
    check_imei,
    check_imo,
    check_imsi,
    normalise_document_number,
)

CHECKS = [check_bic, check_container, check_iban, check_imei, check_imo, check_imsi]


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


@pytest.mark.parametrize("as_seen", ["L898902C3", "l898902c3", "L 898902-C3", "L898902C3<<", "L89.8902/C3"])
def test_spellings_of_one_document_number_meet(as_seen: str) -> None:
    assert normalise_document_number(as_seen) == "L898902C3"
