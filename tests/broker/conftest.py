"""What every test of the broker shares: the engine its stores stand on, and that none stays open behind it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker.bench import Bench
from tests.broker.ports import close_stores
from tests.support.engines import POSTGRESQL, SQLITE, using_engine


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test marked `both_engines` on each; all others, and `both_engines(False)`, on the one that was chosen."""
    marker = metafunc.definition.get_closest_marker("both_engines")
    if marker is not None and marker.args != (False,):
        metafunc.parametrize("engine", [SQLITE, POSTGRESQL], indirect=True)


@pytest.fixture(autouse=True)
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """Let the stores of the test stand on one engine, and close those that it opened."""
    name = getattr(request, "param", None) or request.config.getoption("--database")
    if name == POSTGRESQL and request.node.get_closest_marker("sqlite_only") is not None:
        pytest.skip("about SQLite's own files")
    with using_engine(name):
        yield name
    close_stores()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An exchange of one test, with the usual two members."""
    bench = Bench(tmp_path)
    yield bench
    bench.close()
