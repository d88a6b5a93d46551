"""Aircraft and flights: marks lead to their register, flight numbers to one form, carriers by designator or name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.identifiers.aircraft import check_carrier, check_flight, check_tail, find_registry
from schemas.identifiers.checked import Finding


@pytest.mark.parametrize(
    ("as_seen", "state"),
    [
        ("G-ABCD", "GBR"),
        ("OO-ABC", "BEL"),
        ("VN-A123", "VNM"),
        ("ZA-ABC", "ALB"),
        ("N123AB", "USA"),
        ("D-ABCD", "D"),
        ("VP-BAB", "BMU"),
        ("9H-ABC", "MLT"),
        ("RDPL-34123", "LAO"),
        ("T7-ABC", "SMR"),
        ("2-ABCD", "GGY"),
    ],
)
def test_marks_lead_to_their_register(as_seen: str, state: str) -> None:
    right = check_tail(as_seen, state=state)
    assert find_registry(right.normalised or "") == state
    assert right.findings == (Finding.NO_CHECK_DIGIT,)
    assert check_tail(as_seen, state="UKR").findings == (Finding.NO_CHECK_DIGIT, Finding.OTHER_STATE)


@pytest.mark.parametrize(
    ("as_seen", "finding"),
    [
        ("N0123", Finding.UNUSUAL_FORM),
        ("N123IO", Finding.UNUSUAL_FORM),
        ("QQ-ABC", Finding.UNKNOWN_PREFIX),
        ("G", Finding.WRONG_LENGTH),
        ("G-ABCDEFGHI", Finding.WRONG_LENGTH),
        ("G-\u00c4BCD", Finding.WRONG_CHARACTERS),
    ],
)
def test_marks_are_explained(as_seen: str, finding: Finding) -> None:
    assert check_tail(as_seen).findings == (finding,)


def test_a_mark_that_several_registers_share_is_of_each() -> None:
    assert check_tail("B-LABC", state="CHN").findings == (Finding.NO_CHECK_DIGIT, Finding.OTHER_STATE)
    assert check_tail("B-12345", state="TWN").findings == (Finding.NO_CHECK_DIGIT,)


@pytest.mark.parametrize("state", ["UTO", "XOM", None])
def test_a_state_without_marks_is_no_other(state: str | None) -> None:
    assert check_tail("G-ABCD", state=state).findings == (Finding.NO_CHECK_DIGIT,)


@given(st.from_regex(r"[A-Z]{2}|[A-Z]{3}|[A-Z][0-9]", fullmatch=True), st.integers(1, 9999))
def test_spellings_of_one_flight_meet(carrier: str, number: int) -> None:
    forms = {check_flight(text).normalised for text in (f"{carrier}{number}", f"{carrier.lower()} {number:04}")}
    assert forms == {f"{carrier}{number}"}


@pytest.mark.parametrize(
    ("as_seen", "normalised", "finding"),
    [
        ("XX 1234", "XX1234", Finding.NO_CHECK_DIGIT),
        ("XXX12AB", "XXX12AB", Finding.NO_CHECK_DIGIT),
        ("XX0000", "XX0", Finding.NO_CHECK_DIGIT),
        ("XX12345", "XX12345", Finding.UNUSUAL_FORM),
        ("1234", "1234", Finding.UNUSUAL_FORM),
        ("XX 12\u00c4", None, Finding.WRONG_CHARACTERS),
    ],
)
def test_a_flight_is_explained(as_seen: str, normalised: str | None, finding: Finding) -> None:
    checked = check_flight(as_seen)
    assert (checked.normalised, checked.findings) == (normalised, (finding,))


@pytest.mark.parametrize(
    ("as_seen", "normalised", "finding"),
    [
        ("xx", "XX", Finding.NO_CHECK_DIGIT),
        ("X9", "X9", Finding.NO_CHECK_DIGIT),
        ("XXX", "XXX", Finding.NO_CHECK_DIGIT),
        ("99", None, Finding.NO_RULE),
        ("Specimen Air", None, Finding.NO_RULE),
    ],
)
def test_a_carrier_is_a_designator_or_a_name(as_seen: str, normalised: str | None, finding: Finding) -> None:
    checked = check_carrier(as_seen)
    assert (checked.normalised, checked.findings) == (normalised, (finding,))
