"""A world for all tests of epochs: the log that one test begins, the next goes on from."""

from collections.abc import Iterator

import pytest

from tests.support.lying_world import LyingWorld, lying_world


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LyingWorld]:
    """GB and VN, each with a real profile, pinned with each other."""
    with lying_world(tmp_path_factory.mktemp("world"), "GB", "VN") as found:
        yield found
