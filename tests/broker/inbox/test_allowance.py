"""What an inbox has room for."""

import pytest

from broker.inbox.allowance import InboxAllowance, Load, refuse_full

ALLOWANCE = InboxAllowance(max_items=20, max_bytes=1000)


@pytest.mark.parametrize(
    ("items", "stored_bytes", "size", "is_pressing", "fits"),
    [
        (0, 0, 1000, False, True),
        (19, 0, 0, False, True),
        (20, 0, 0, False, False),
        (0, 0, 1001, False, False),
        (5, 500, 500, False, True),
        (5, 500, 501, False, False),
        (20, 0, 0, True, True),
        (21, 0, 0, True, True),
        (22, 0, 0, True, False),
        (5, 1000, 100, True, True),
        (5, 1000, 101, True, False),
    ],
)
def test_an_inbox_takes_items_and_bytes_up_to_its_bounds_and_a_tenth_more_of_what_is_pressing(
    items: int, stored_bytes: int, size: int, is_pressing: bool, fits: bool
) -> None:
    assert ALLOWANCE.has_room(Load(items, stored_bytes), size, is_pressing=is_pressing) is fits


def test_the_smallest_inbox_keeps_a_place_for_what_is_pressing() -> None:
    smallest = InboxAllowance(max_items=1)
    assert not smallest.has_room(Load(1, 0), 0, is_pressing=False)
    assert smallest.has_room(Load(1, 0), 0, is_pressing=True)


def test_the_refusal_names_whose_inbox_it_is_and_when_to_come_back() -> None:
    refusal = refuse_full("VN-IMM", "to_agency")
    assert (refusal.problem.status, refusal.field, refusal.retry_after_seconds) == (429, "to_agency", 60)
    assert "VN-IMM" in refusal.detail
