"""What every test shares: Hypothesis without a stop-watch, because the machine's two cores are shared.

No passphrase is stretched twice in one process, folders lie in memory, and brokers stand on the engine that was chosen.
"""

import gc
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.support.engines import POSTGRESQL, SQLITE, choose_engine
from tests.support.memory import keep_folders_in_memory
from tests.support.stretching import remember_stretched


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the engine that the brokers' databases stand on."""
    parser.addoption("--database", choices=(SQLITE, POSTGRESQL), default=SQLITE, help="of all brokers in the tests")


def pytest_configure(config: pytest.Config) -> None:
    """Let brokers stand on the engine that was chosen, no passphrase be stretched twice, and nobody wait for a disk."""
    choose_engine(config.getoption("--database"))
    remember_stretched()
    keep_folders_in_memory()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Search for no garbage while tests are collected, nor ever again among what was: all of it stays to the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


COLLECTED_MODULES = pytest.StashKey[set[str]]()
"""The modules that anything was collected from, before markers and keywords chose among it; by their place here."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep what was collected for `tests/project/test_collected.py`."""
    config.stash[COLLECTED_MODULES] = {str(item.path.relative_to(Path(config.rootpath))) for item in items}


settings.register_profile("shared-machine", deadline=None, max_examples=50)
settings.load_profile("shared-machine")

# For `make mutants`: the same examples for every mutant, and a failure is enough; the smallest one takes long to find.
settings.register_profile(
    "mutants",
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=(HealthCheck.too_slow,),
)
