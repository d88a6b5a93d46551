"""One real exchange with three nodes for the tests of a module; each test sends in threads of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agency_client.node import Node
from tests.support.exchange import running_exchange
from tests.support.nodes import agree, joined_nodes


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Node]]:
    """Give GB, VN and BE: GB has an agreement with each of the two others, they have none with each other."""
    folder: Path = tmp_path_factory.mktemp("exchange")
    with running_exchange(folder) as exchange, joined_nodes(exchange, folder, "GB", "VN", "BE") as joined:
        agree(joined["GB"], joined["VN"], "with VN")
        agree(joined["GB"], joined["BE"], "with BE")
        yield joined


@pytest.fixture
def gb(nodes: dict[str, Node]) -> Node:
    """Give the node that sends."""
    return nodes["GB"]


@pytest.fixture
def vn(nodes: dict[str, Node]) -> Node:
    """Give one partner."""
    return nodes["VN"]


@pytest.fixture
def be(nodes: dict[str, Node]) -> Node:
    """Give the other partner."""
    return nodes["BE"]
