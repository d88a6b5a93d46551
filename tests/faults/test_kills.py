"""The broker killed (-9) in the middle of traffic, at places of accepting, handing over and receipting."""

from pathlib import Path

import pytest

from tests.faults.kills import play_kills
from tests.support.exchange import running_exchange

KILLS = 6


@pytest.mark.long
def test_nothing_answered_is_lost_and_nothing_done_twice_however_a_broker_dies(tmp_path: Path) -> None:
    with running_exchange(tmp_path, "GB-HO", "VN-IMM") as exchange:
        report = play_kills(exchange, KILLS, seed=1)
        assert report.places.total() == KILLS
        assert report.accepted > KILLS
