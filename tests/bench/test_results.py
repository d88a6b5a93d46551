"""The arithmetic of the benchmark: percentiles, spreads, ratios of neighbours, marks, and the file."""

from io import StringIO
from math import inf
from pathlib import Path

import pytest
from rich.console import Console

from bench.loader import Load, find_percentile
from bench.results import (
    MARKS,
    Mark,
    Spread,
    compare_runs,
    conclude,
    find_missed_marks,
    format_number,
    keep_results,
)


@pytest.mark.parametrize(("percentile", "found"), [(50, 50), (99, 99), (100, 100), (0.1, 1)])
def test_a_percentile_is_the_nearest_rank(percentile: float, found: int) -> None:
    assert find_percentile(range(100, 0, -1), percentile) == found


def test_a_rate_counts_only_what_was_accepted() -> None:
    load = Load(elapsed=2_000_000, statuses={"202": 300, "503": 100}, latencies=[])

    assert load.accepted_per_second == 150


def test_a_spread_is_the_median_between_the_extremes() -> None:
    assert Spread.of([3, 9, 1]) == Spread(3, 1, 9)


def test_runs_are_compared_with_their_neighbours() -> None:
    """The machine was half as fast from the second pair on: the ratio does not move."""
    assert compare_runs([600, 1200, 1260], [400, 800, 800]) == Spread(1.5, 1.5, 1.575)


def test_a_run_without_its_neighbour_is_compared_with_nothing() -> None:
    with pytest.raises(ValueError, match="shorter"):
        compare_runs([600, 1200], [400])


def test_no_mark_is_missed_at_the_very_mark() -> None:
    assert find_missed_marks({name: min(mark.most, max(mark.least, 0)) for name, mark in MARKS.items()}) == []


@pytest.mark.parametrize(("name", "mark"), MARKS.items())
def test_a_missed_mark_is_named_with_what_was_found(name: str, mark: Mark) -> None:
    beyond = mark.most + 100.25 if mark.most < inf else mark.least - 100.25

    assert find_missed_marks({name: beyond}) == [f"{name} is {format_number(beyond)}, and must be {mark}"]


@pytest.mark.parametrize("name", MARKS)
def test_what_is_no_number_misses_its_mark(name: str) -> None:
    assert find_missed_marks({name: float("nan")})


def test_a_mark_of_another_bench_is_not_missed() -> None:
    assert find_missed_marks({"latency_p50_ms": 1000.0}) == []


def test_the_file_is_flat_and_keeps_what_other_benches_found(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    keep_results(file, {"proof_ms": 0.0123456, "accept_cpu_ratio": 2})
    keep_results(file, {"accept_cpu_ratio": 1.5})

    assert file.read_text() == '{\n  "accept_cpu_ratio": 1.5,\n  "proof_ms": 0.01235\n}\n'


def test_a_missed_mark_ends_with_1(tmp_path: Path) -> None:
    console, file = Console(file=StringIO()), tmp_path / "results.json"

    assert conclude(console, {"accept_cpu_ratio": 1.4}, file) == 0
    assert conclude(console, {"accept_cpu_ratio": 1.6}, file) == 1
