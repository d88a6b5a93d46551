"""A series of memory is judged from where caches have filled, and a process is looked at while it runs."""

import os

import pytest

from bench.memory import describe_series, watching_memory


def test_what_was_taken_while_caches_filled_is_not_growth() -> None:
    series = [50.0] * 4 + [80.0] * 8

    assert describe_series(series, 1000)["memory_end_over_third"] == 1


def test_growth_is_told_for_each_message_of_the_last_two_thirds() -> None:
    series = [100.0] * 8 + [110.0] * 4
    found = describe_series(series, 3000)

    assert found["memory_end_over_third"] == pytest.approx(1.1)
    assert found["memory_bytes_a_message"] == pytest.approx(10 * (1 << 20) / 2000)


def test_a_series_begins_before_the_load() -> None:
    with watching_memory(os.getpid()) as series:
        assert len(series) == 1
        assert series[0] > 1
