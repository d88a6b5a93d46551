"""What every test of the broker shares: no database stays open behind it."""

from collections.abc import Iterator

import pytest

from tests.broker.ports import close_stores


@pytest.fixture(autouse=True)
def no_store_left_open() -> Iterator[None]:
    """Close the stores that the test opened through `tests.broker.ports`."""
    yield
    close_stores()
