"""PostgreSQL stopped, killed, and its standby promoted in the middle of traffic: nothing lost, or nothing signed."""

from pathlib import Path

import pytest

from tests.faults.promotions import play_lossy_promotion, play_promotion, play_restarts

pytestmark = pytest.mark.long


def test_nothing_answered_is_lost_when_the_server_is_stopped_and_killed_and_started_again(tmp_path: Path) -> None:
    refusals = play_restarts(tmp_path, times=2)
    assert refusals["503 unavailable"] > 0


def test_nothing_answered_is_lost_when_the_synchronous_standby_takes_over(tmp_path: Path) -> None:
    refusals = play_promotion(tmp_path)
    assert refusals["503 unavailable"] > 0


def test_nothing_is_signed_over_a_standby_that_lacks_what_was_answered(tmp_path: Path) -> None:
    leaves, heads = play_lossy_promotion(tmp_path)
    assert leaves > 0
    assert heads > 0
