"""outcome: a result, how useful the alert was, and bounds on both."""

import pytest

from tests.schemas.alerts.filled import ABSENT, fields_refused

KIND = "outcome"


@pytest.mark.parametrize("usefulness", [1, 5])
def test_usefulness_goes_from_one_to_five(usefulness: int) -> None:
    assert fields_refused(KIND, {"details.usefulness": usefulness}) == []


@pytest.mark.parametrize("usefulness", [0, 6, "5", True])
def test_no_other_usefulness_is_accepted(usefulness: object) -> None:
    assert fields_refused(KIND, {"details.usefulness": usefulness}) == ["details.usefulness"]


@pytest.mark.parametrize("score", [-1, 101])
def test_a_score_is_a_percentage(score: int) -> None:
    assert fields_refused(KIND, {"details.matches.0.score_percent": score}) == ["details.matches.0.score_percent"]


def test_a_result_is_needed_and_matches_are_not() -> None:
    assert fields_refused(KIND, {"details.result": ABSENT}) == ["details.result"]
    assert fields_refused(KIND, {"details.matches": ABSENT, "details.actions": ABSENT}) == []
