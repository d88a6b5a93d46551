"""Two nodes of a real exchange that tell each other in statuses how things stand, shared by the tests of a folder."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from agency_client.node import Node
from tests.support.exchange import running_exchange
from tests.support.nodes import agree, joined_nodes, set_clock

LEFT_BEHIND = ("status_due", "announced_revocation", "suspicious_record", "contradiction")


@pytest.fixture(scope="package")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Node]]:
    """Give GB and VN with an agreement."""
    folder: Path = tmp_path_factory.mktemp("exchange")
    with running_exchange(folder) as exchange, joined_nodes(exchange, folder, "GB", "VN") as joined:
        agree(joined["GB"], joined["VN"])
        yield joined


@pytest.fixture
def nodes(shared: dict[str, Node]) -> Iterator[dict[str, Node]]:
    """Give GB, which reads, and VN, which signs; clocks are set right afterwards, and forged statuses forgotten."""
    yield shared
    for node in shared.values():
        set_clock(node, timedelta())
        with node.store.write() as transaction:
            for table in ("status WHERE direction = 'in'", *LEFT_BEHIND):
                transaction.execute(f"DELETE FROM {table}")  # noqa: S608 - names from code only
            transaction.execute("UPDATE dispatch SET next_attempt_at = 0 WHERE state = 'waiting'")
