"""What the tests of the client share: two agencies around an exchange in memory, and one node that reads a log."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agency_client.node import Node
from tests.support.log_simulator import FixedClock, LogSimulator, ReaderTemplate, make_reader, make_template
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


@pytest.fixture
def log() -> LogSimulator:
    """An empty log in memory."""
    return LogSimulator()


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands until it is set."""
    return FixedClock()


@pytest.fixture
def node(log: LogSimulator, clock: FixedClock, reader_template: ReaderTemplate, tmp_path: Path) -> Iterator[Node]:
    """A node of the test's own, copied from the finished profile, that reads the log; it asks no exchange."""
    with make_reader(log, reader_template, tmp_path, clock) as reader:
        yield reader


@pytest.fixture
def gb(nodes: dict[str, Node]) -> Node:
    """GB among the nodes that a module or its folder joined to a real exchange (`nodes`)."""
    return nodes["GB"]


@pytest.fixture
def vn(nodes: dict[str, Node]) -> Node:
    """VN among the nodes that a module or its folder joined to a real exchange (`nodes`)."""
    return nodes["VN"]


@pytest.fixture
def be(nodes: dict[str, Node]) -> Node:
    """BE among the nodes that a module or its folder joined to a real exchange (`nodes`)."""
    return nodes["BE"]
