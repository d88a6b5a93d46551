"""A budget is each member's own, and new with each minute."""

from broker.budget import MinuteBudget


def test_it_counts_down_to_nothing_and_no_further() -> None:
    budget = MinuteBudget(2)

    assert [budget.spend("GB-HO", 1) for _ in range(4)] == [2, 1, 0, 0]


def test_each_member_has_its_own_and_a_new_one_each_minute() -> None:
    budget = MinuteBudget(1)

    assert [budget.spend("GB-HO", 1), budget.spend("VN-IMM", 1), budget.spend("GB-HO", 1)] == [1, 1, 0]
    assert [budget.spend("GB-HO", 2), budget.spend("GB-HO", 1)] == [1, 1]
