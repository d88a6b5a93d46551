"""Maritime identification digits: of the states they are allocated to, and of nobody where they are free."""

import pytest

from schemas.identifiers.maritime_digits import find_flag
from schemas.identifiers.states import is_state_code


@pytest.mark.parametrize(
    ("digits", "state"),
    [("201", "ALB"), ("205", "BEL"), ("211", "D"), ("232", "GBR"), ("235", "GBR"), ("574", "VNM"), ("636", "LBR")],
)
def test_digits_name_their_state(digits: str, state: str) -> None:
    assert find_flag(digits) == state


def test_every_state_of_the_table_is_one_and_most_digits_are_free() -> None:
    found = [state for number in range(1000) if (state := find_flag(f"{number:03}")) is not None]
    assert all(is_state_code(state) for state in found)
    assert 285 <= len(found) <= 300
    assert not any(find_flag(f"{number:03}") for number in [*range(200), *range(800, 1000)])
