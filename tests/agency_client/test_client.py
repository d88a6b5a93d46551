"""What is looked up before something is judged, and what is judged without it."""

import pytest

from agency_client.client import refresh
from agency_client.refusals import BusyError, ExchangeStoppedError, NotSentError, UnavailableError
from schemas.api import CHECKPOINT_PATH
from tests.support.bad_line import Refusing, tampered
from tests.support.lying_world import LyingWorld

AWAY = {
    "not reached": NotSentError("the broker was not reached"),
    "unavailable": UnavailableError("the exchange is stopping", retry_after_seconds=5),
    "busy": BusyError("too many requests are being served", code="busy", retry_after_seconds=1),
    "stopped": ExchangeStoppedError("a part of the log is lost", retry_after_seconds=60),
}


@pytest.mark.parametrize("away", AWAY)
def test_an_exchange_that_is_away_busy_or_stopped_is_said_and_keeps_nothing_from_being_judged(
    world: LyingWorld, away: str
) -> None:
    told: list[str] = []
    with tampered(world["GB"], Refusing(CHECKPOINT_PATH, AWAY[away])):
        assert not refresh(world["GB"], told.append)
    assert told == [AWAY[away].sentence]
    assert refresh(world["GB"], told.append)
    assert len(told) == 1
