"""A node of its own for each test, copied from a finished profile; nothing here asks an exchange."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agency_client.node import Node
from tests.support.log_simulator import LogSimulator, ReaderTemplate, make_reader


@pytest.fixture
def node(reader_template: ReaderTemplate, tmp_path: Path) -> Iterator[Node]:
    """A node that has signed keys and no compartment."""
    with make_reader(LogSimulator(), reader_template, tmp_path) as made:
        yield made
