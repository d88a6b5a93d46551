"""Brokers killed (-9) in the middle of traffic, at places of accepting, handing over and receipting; on both stores.

A few of the hundreds of kills that `make faults` makes.
"""

from pathlib import Path

import pytest

from tests.faults.kills import play_kills
from tests.support.exchange import running_exchange
from tests.support.many_brokers import running_brokers

KILLS = 4


@pytest.mark.long
def test_nothing_answered_is_lost_and_nothing_done_twice_however_a_broker_dies(tmp_path: Path) -> None:
    with running_exchange(tmp_path, "GB-HO", "VN-IMM") as exchange:
        report = play_kills([exchange], KILLS, seed=1)
        assert report.places.total() == KILLS
        assert report.accepted > KILLS


@pytest.mark.long
def test_one_of_two_brokers_dies_and_the_other_goes_on(tmp_path: Path) -> None:
    with running_brokers(tmp_path, 2, "GB-HO", "VN-IMM") as brokers:
        report = play_kills(brokers, KILLS, seed=2)
        assert report.places.total() == KILLS
        assert report.accepted > KILLS
