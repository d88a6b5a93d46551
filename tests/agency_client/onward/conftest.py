"""Four agencies in a row around an exchange in memory; VN has agreements with BE alone."""

from collections.abc import Iterator

import pytest

from tests.support.lying_world import LyingWorld, lying_world
from tests.support.onward import ROW, Row, make_row


@pytest.fixture(scope="package")
def four_agencies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LyingWorld]:
    """VN, BE, AL and GB, all pinned with each other."""
    with lying_world(tmp_path_factory.mktemp("row"), *ROW) as world:
        yield world


@pytest.fixture(scope="package")
def row(four_agencies: LyingWorld) -> Row:
    """The agencies under wide agreements between neighbours."""
    return make_row(four_agencies, "row")
