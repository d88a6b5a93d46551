"""A world for the tests of one module: the log that one test begins, the next goes on from."""

from collections.abc import Callable, Iterator

import pytest

from agency_client.agreements.pulling import pull_steps
from agency_client.node import Node
from agency_client.sending.flow import send_alert
from schemas.agreements.terms import Terms
from tests.support.drafts import make_draft
from tests.support.lying_world import LyingWorld, lying_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LyingWorld]:
    """GB and VN, each with a real profile, pinned with each other."""
    with lying_world(tmp_path_factory.mktemp("world"), "GB", "VN") as found:
        yield found


@pytest.fixture
def gb(world: LyingWorld) -> Node:
    return world["GB"]


@pytest.fixture
def vn(world: LyingWorld) -> Node:
    return world["VN"]


@pytest.fixture
def terms(world: LyingWorld, request: pytest.FixtureRequest) -> Terms:
    """Give an agreement between GB and VN in force, of this test alone."""
    found = world.agree("GB", "VN", request.node.name)
    for node in world.nodes.values():
        pull_steps(node)
    return found


@pytest.fixture
def send(gb: Node, terms: Terms) -> Callable[[], str]:
    """Give what lets GB send a message to VN under this test's agreement; it returns the message's id."""
    return lambda: send_alert(gb, make_draft("VN", agreement=terms.digest())).legs[0].message_id
