"""An exchange that is served, and one that is not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.exchange import RunningExchange, found, running_exchange


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningExchange]:
    """An exchange with one member, whose broker serves."""
    with running_exchange(tmp_path_factory.mktemp("cli"), "GB-HO") as running:
        yield running


@pytest.fixture
def resting(tmp_path: Path) -> RunningExchange:
    """An exchange that nobody serves."""
    return found(tmp_path)
