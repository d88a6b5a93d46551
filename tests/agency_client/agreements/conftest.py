"""Two agencies on one real exchange, with clocks that a test may move; each test has an agreement of its own."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from agency_client.agreements import flows
from agency_client.agreements.drafting import read_terms_file
from agency_client.agreements.pulling import pull_steps
from agency_client.agreements.submitting import submit_step
from agency_client.local_store.agreements import StoredStep
from agency_client.node import Node
from tests.support.exchange import RunningExchange, running_exchange
from tests.support.nodes import joined_nodes, set_clock
from tests.support.officers import sign_by_two
from tests.support.paths import EXAMPLES
from tests.support.witnesses import see_together

MIGRATION = EXAMPLES / "agreements" / "gb-vn-migration.toml"
TRAFFICKING = EXAMPLES / "agreements" / "gb-vn-trafficking.toml"


@pytest.fixture(scope="package")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningExchange]:
    """Give a running exchange."""
    with running_exchange(tmp_path_factory.mktemp("agreements")) as running:
        yield running


@pytest.fixture(scope="package")
def nodes(exchange: RunningExchange, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Node]]:
    """Give three nodes that are pinned with each other."""
    with joined_nodes(exchange, tmp_path_factory.mktemp("nodes"), "GB", "VN", "BE") as joined:
        yield joined


@pytest.fixture
def gb(nodes: dict[str, Node]) -> Node:
    """Give the agency that proposes."""
    return _reset(nodes["GB"])


@pytest.fixture
def vn(nodes: dict[str, Node]) -> Node:
    """Give its partner."""
    return _reset(nodes["VN"])


@pytest.fixture
def fields() -> dict[str, Any]:
    """Give terms as a person wrote them."""
    return read_terms_file(MIGRATION)


@pytest.fixture
def say(nodes: dict[str, Node], gb: Node, vn: Node) -> Callable[..., StoredStep]:
    """Give a way to say something, by two officers where it takes two; all then know it and have witnessed it."""

    def speak(node: Node, verb: Callable[..., StoredStep], *arguments: Any, **options: Any) -> StoredStep:
        step = sign_by_two(node, verb, *arguments, **options)
        submit_step(node, step.digest)
        pull_steps(gb)
        pull_steps(vn)
        see_together(*nodes.values())
        return step

    return speak


@pytest.fixture
def in_force(gb: Node, vn: Node, fields: dict[str, Any], say: Callable[..., StoredStep]) -> str:
    """Give the id of an agreement in force."""
    agreement = say(gb, flows.propose, fields).agreement
    say(vn, flows.accept, agreement)
    say(gb, flows.confirm, agreement)
    return agreement


def _reset(node: Node) -> Node:
    set_clock(node, timedelta())
    with node.store.write() as transaction:
        transaction.execute("DELETE FROM dispatch WHERE state = 'waiting'")
    return node
