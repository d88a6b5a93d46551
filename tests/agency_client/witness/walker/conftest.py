"""A log in memory, and a node that reads it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agency_client.node import Node
from tests.support.log_simulator import LogSimulator, ReaderTemplate, make_reader


@pytest.fixture
def log() -> LogSimulator:
    return LogSimulator()


@pytest.fixture
def node(log: LogSimulator, reader_template: ReaderTemplate, tmp_path: Path) -> Iterator[Node]:
    with make_reader(log, reader_template, tmp_path) as reader:
        yield reader
