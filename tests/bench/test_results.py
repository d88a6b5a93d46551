"""The arithmetic of the benchmark: percentiles, spreads, ratios of neighbours, marks, and the file."""

from pathlib import Path

import pytest

from bench.loader import Load, find_percentile
from bench.results import MARKS, Spread, compare_runs, find_missed_marks, write_results

GOOD = dict.fromkeys(MARKS, 0.0)


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
    assert find_missed_marks(MARKS) == []


@pytest.mark.parametrize("name", MARKS)
def test_a_missed_mark_is_named_with_what_was_found(name: str) -> None:
    assert find_missed_marks(GOOD | {name: 2.25}) == [f"{name} is 2.25, and may be at most {MARKS[name]:.3g}"]


@pytest.mark.parametrize("name", MARKS)
def test_a_mark_that_was_not_measured_is_missed(name: str) -> None:
    assert find_missed_marks(GOOD | {name: float("nan")})


def test_the_file_is_flat_and_holds_every_name(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    write_results(file, {"proof_ms": 0.0123456, "accept_cpu_ratio": 1.5})

    assert file.read_text() == '{\n  "accept_cpu_ratio": 1.5,\n  "proof_ms": 0.01235\n}\n'
