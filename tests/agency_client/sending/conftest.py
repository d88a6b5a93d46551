"""One real exchange with three nodes for the tests of a module; each test sends in threads of its own."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from agency_client.node import Node
from tests.support.exchange import running_exchange
from tests.support.lying_world import LyingWorld, lying_world
from tests.support.nodes import agree, joined_nodes


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Node]]:
    """Give GB, VN and BE: GB has an agreement with each of the two others, they have none with each other."""
    folder: Path = tmp_path_factory.mktemp("exchange")
    with running_exchange(folder) as exchange, joined_nodes(exchange, folder, "GB", "VN", "BE") as joined:
        agree(joined["GB"], joined["VN"], "with VN")
        agree(joined["GB"], joined["BE"], "with BE")
        yield joined


@pytest.fixture(scope="session")
def two_agencies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LyingWorld]:
    """Give GB and VN, who agreed, around an exchange in memory."""
    with lying_world(tmp_path_factory.mktemp("world"), "GB", "VN") as world:
        world.agree("GB", "VN", "sending")
        yield world


@pytest.fixture
def world(two_agencies: LyingWorld) -> Iterator[LyingWorld]:
    """Give the same, honest and with nothing waiting again after each test."""
    yield two_agencies
    two_agencies.exchange.tamper.clear()
    two_agencies.clock.ahead = timedelta()
    with two_agencies["GB"].store.write() as transaction:
        transaction.execute("UPDATE outbox SET state = 'cancelled' WHERE state IN ('queued', 'in-doubt')")
