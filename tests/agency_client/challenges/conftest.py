"""GB reports revoked passports to VN and BE, around an exchange in memory."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.support.lying_world import lying_world
from tests.support.reports import Reporters, agree_on_reports


@pytest.fixture(scope="package")
def all_reporters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reporters]:
    with lying_world(tmp_path_factory.mktemp("reports"), "GB", "VN", "BE") as world:
        yield agree_on_reports(world)


@pytest.fixture
def reporters(all_reporters: Reporters) -> Iterator[Reporters]:
    """The same, the clock going on from where the test before left it."""
    yield all_reporters
    all_reporters.world.exchange.tamper.clear()
    all_reporters.world.clock.ahead += timedelta(minutes=1)
