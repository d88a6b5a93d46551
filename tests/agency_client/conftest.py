"""What the tests of the client share: two agencies around an exchange in memory, and one node that reads a log."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.support.log_simulator import ReaderTemplate, make_template
from tests.support.lying_world import LyingWorld, lying_world


@pytest.fixture(scope="package")
def two_agencies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LyingWorld]:
    """GB and VN, each with a real profile, pinned with each other."""
    with lying_world(tmp_path_factory.mktemp("world"), "GB", "VN") as world:
        yield world


@pytest.fixture
def world(two_agencies: LyingWorld) -> Iterator[LyingWorld]:
    """The same, with empty inboxes and the clock set back after every test."""
    yield two_agencies
    two_agencies.exchange.tamper.clear()
    two_agencies.exchange.inboxes.clear()
    two_agencies.clock.ahead = timedelta()
    for node in two_agencies.nodes.values():
        with node.store.write() as transaction:
            transaction.execute("DELETE FROM inbox_message WHERE state = 'new'")
            transaction.execute("DELETE FROM lease_item")


@pytest.fixture
def terms(world: LyingWorld, request: pytest.FixtureRequest) -> Any:
    """An agreement between GB and VN in force, of this test alone."""
    return world.agree("GB", "VN", f"{request.node.path.stem} {request.node.name}")


@pytest.fixture(scope="package")
def reader_template(tmp_path_factory: pytest.TempPathFactory) -> ReaderTemplate:
    """A finished profile of GB, to be copied for each test (`tests.support.log_simulator.make_reader`)."""
    return make_template(tmp_path_factory.mktemp("template"))
