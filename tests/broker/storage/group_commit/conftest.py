"""A store of notes whose writer runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker.storage.group_commit.notes import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path)
    yield opened
    opened.close()
