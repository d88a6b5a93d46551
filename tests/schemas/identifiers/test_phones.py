"""Telephone numbers: normal form and findings, never a refusal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.identifiers.checked import Finding
from schemas.identifiers.phones import check_phone


@pytest.mark.parametrize(
    ("as_seen", "country", "normalised", "finding"),
    [
        ("+84 24 3825 5868", None, "+842438255868", Finding.VALID),
        ("020 7946 0018", "GB", "+442079460018", Finding.VALID),
        ("+44 7700 900123", None, "+447700900123", Finding.NOT_IN_USE),
        ("07700 900123", None, None, Finding.NEEDS_COUNTRY),
        ("the printer", None, None, Finding.WRONG_CHARACTERS),
        ("+44 1", None, None, Finding.WRONG_LENGTH),
        ("+44 7700 900123 4567 8901 2345", None, None, Finding.WRONG_LENGTH),
    ],
)
def test_a_number_is_kept_as_seen_and_explained(
    as_seen: str, country: str | None, normalised: str | None, finding: Finding
) -> None:
    checked = check_phone(as_seen, iso_alpha_2=country)

    assert (checked.as_seen, checked.normalised, checked.findings) == (as_seen, normalised, (finding,))


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=120))
def test_whatever_was_seen_an_explanation_comes_out(as_seen: str) -> None:
    assert check_phone(as_seen).as_seen == as_seen
