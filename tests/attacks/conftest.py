"""The worlds that several modules of attacks share; each test has an agreement of its own."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from agency_client.clock import SystemClock
from tests.attacks.arena import Arena, forgive, make_arena
from tests.attacks.boards import Board, forget, put_up_board
from tests.attacks.care import Care, make_care
from tests.support.lying_world import LyingWorld, lying_world


@pytest.fixture(scope="session")
def three_agencies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LyingWorld]:
    """Three agencies around an exchange that lies."""
    with lying_world(tmp_path_factory.mktemp("world"), "GB", "VN", "BE") as world:
        yield world


@pytest.fixture
def world(three_agencies: LyingWorld) -> Iterator[LyingWorld]:
    """The same, honest again after every test: inboxes are empty, and proofs against anybody forgotten."""
    yield three_agencies
    for node in three_agencies.nodes.values():
        with node.store.write() as transaction:
            transaction.execute("DELETE FROM contradiction")  # they would stop all sending
            now = int(SystemClock().now().timestamp())  # a test may have looked at the log in days to come
            transaction.execute("UPDATE checkpoint SET seen_at = min(seen_at, ?)", now)
    three_agencies.exchange.tamper.clear()
    three_agencies.exchange.inboxes.clear()
    three_agencies.exchange.withdrawn.clear()
    three_agencies.clock.ahead = timedelta()


@pytest.fixture
def terms(world: LyingWorld, request: pytest.FixtureRequest) -> Any:
    """An agreement between GB and VN in force, of this test alone."""
    return world.agree("GB", "VN", request.node.name)


@pytest.fixture(scope="session")
def hostile_arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """Three nodes around a real broker whose operator is the enemy."""
    with make_arena(tmp_path_factory.mktemp("arena")) as made:
        yield made


@pytest.fixture
def arena(hostile_arena: Arena) -> Iterator[Arena]:
    """The same, honest again after every test."""
    yield hostile_arena
    forgive(hostile_arena)


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LyingWorld]:
    """Two agencies around an exchange that lies of statuses."""
    with lying_world(tmp_path_factory.mktemp("statuses"), "GB", "VN") as world:
        yield world


@pytest.fixture
def two_agencies(pair: LyingWorld) -> Iterator[LyingWorld]:
    """The same, as on the first day after every test."""
    yield pair
    forget(pair)


@pytest.fixture
def board(two_agencies: LyingWorld, terms: Any) -> Board:
    """What the exchange around two agencies shows of statuses."""
    return put_up_board(two_agencies)


@pytest.fixture(scope="module")
def care(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Care]:
    """Two agencies with desks for victims, and one message between them."""
    with make_care(tmp_path_factory.mktemp("care")) as made:
        yield made
