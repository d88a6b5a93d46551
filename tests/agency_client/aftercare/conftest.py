"""Three agencies in a row: GB sends to VN, VN passes on to BE, BE to AL; agreements in force between neighbours."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.support.aftercare import CHAIN, Row, agree_in_a_row
from tests.support.lying_world import lying_world


@pytest.fixture(scope="package")
def whole_row(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Row]:
    with lying_world(tmp_path_factory.mktemp("row"), *CHAIN) as world:
        yield agree_in_a_row(world)


@pytest.fixture
def row(whole_row: Row) -> Iterator[Row]:
    """The same, the clock going on from where the test before left it."""
    yield whole_row
    whole_row.world.exchange.tamper.clear()
    whole_row.world.exchange.delivers = True
    whole_row.world.clock.ahead += timedelta(minutes=1)
