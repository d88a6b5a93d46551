"""A budget is each member's own, a bucket fills again with time, and a share is given back."""

from hypothesis import given
from hypothesis import strategies as st

from broker.budget import Full, MinuteBudget, Shares, TokenBuckets


def test_it_counts_down_to_nothing_and_no_further() -> None:
    budget = MinuteBudget(2)

    assert [budget.spend("GB-HO", 1) for _ in range(4)] == [2, 1, 0, 0]


def test_each_member_has_its_own_and_a_new_one_each_minute() -> None:
    budget = MinuteBudget(1)

    assert [budget.spend("GB-HO", 1), budget.spend("VN-IMM", 1), budget.spend("GB-HO", 1)] == [1, 1, 0]
    assert [budget.spend("GB-HO", 2), budget.spend("GB-HO", 1)] == [1, 1]


def test_a_bucket_gives_its_burst_at_once_and_then_one_in_every_interval() -> None:
    buckets = TokenBuckets(per_second=2, burst=3)

    assert [buckets.take("GB-HO", 10.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert [buckets.take("GB-HO", 10.5) for _ in range(2)] == [0.0, 0.5]
    assert buckets.take("VN-IMM", 10.5) == 0.0


def test_what_is_taken_at_once_waits_until_all_of_it_is_there_and_never_for_more_than_there_can_be() -> None:
    buckets = TokenBuckets(per_second=2, burst=4)

    assert [buckets.take("GB-HO", 10.0, 3), buckets.take("GB-HO", 10.0, 3)] == [0.0, 1.0]
    assert [buckets.take("GB-HO", 11.0, 3), buckets.take("GB-HO", 11.0)] == [0.0, 0.5]
    assert [buckets.take("GB-HO", 13.0, 1000), buckets.take("VN-IMM", 13.0, 1000)] == [0.0, 0.0]
    assert buckets.take("VN-IMM", 13.0) == 0.5


def test_what_was_given_back_can_be_taken_again() -> None:
    buckets = TokenBuckets(per_second=2, burst=4)
    buckets.take("GB-HO", 10.0, 4)
    buckets.give_back("GB-HO", 4)

    assert [buckets.take("GB-HO", 10.0, 4), buckets.take("GB-HO", 10.0)] == [0.0, 0.5]
    buckets.give_back("VN-IMM")
    assert len(buckets) == 1


@given(
    st.lists(st.floats(0, 5, allow_nan=False), min_size=1, max_size=60),
    st.integers(1, 20),
    st.sampled_from([0.5, 1.0, 2.0, 8.0]),
)
def test_over_any_time_no_more_is_taken_than_the_burst_and_the_rate(
    pauses: list[float], burst: int, rate: float
) -> None:
    buckets, now, taken = TokenBuckets(rate, burst), 0.0, 0
    for pause in pauses:
        now += pause
        wait = buckets.take("GB-HO", now)
        if wait == 0:
            taken += 1
        else:
            assert buckets.take("GB-HO", now + wait + 1e-6) == 0, "whoever waits as told is served"
            taken, now = taken + 1, now + wait + 1e-6
        assert taken <= burst + rate * now + 1e-6


def test_certificates_that_never_come_again_take_no_memory() -> None:
    buckets = TokenBuckets(per_second=100, burst=10)
    for number in range(10_000):
        assert buckets.take(number, number / 10) == 0.0
    assert len(buckets) < 2000


def test_what_is_taken_is_given_back_and_counted_for_each() -> None:
    shares = Shares(whole=3, part=2)
    shares.take("GB-HO", 2)

    assert (shares.find_full("GB-HO"), shares.find_full("VN-IMM"), shares.find_full("VN-IMM", 2)) == (
        Full.PART, None, Full.WHOLE
    )  # fmt: skip
    shares.give_back("GB-HO", 2)
    assert (shares.taken, shares.has_any("GB-HO"), shares.find_full("GB-HO", 2)) == (0, False, None)


def test_the_last_of_it_is_for_those_who_have_little() -> None:
    shares = Shares(whole=12, part=6, reserve=3, modest=2)
    shares.take("one", 6)
    shares.take("two", 3)
    assert shares.find_full("two") is Full.WHOLE
    assert shares.find_full("late", 3) is Full.WHOLE
    assert shares.find_full("late", 2) is None
    shares.take("late", 2)
    assert [shares.find_full(one) for one in ("late", "later", "one")] == [Full.WHOLE, None, Full.PART]
    shares.take("later")
    assert shares.find_full("last") is Full.WHOLE
