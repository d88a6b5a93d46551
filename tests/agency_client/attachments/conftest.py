"""What the tests of attachments share: an agreement that allows them, and an exchange that starts without any."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.attached import Attaching, agree_to_files
from tests.support.lying_attachments import LyingAttachments
from tests.support.lying_world import LyingWorld


@pytest.fixture
def attaching(world: LyingWorld, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Attaching]:
    """GB and VN under an agreement of this test that allows attachments."""
    world.exchange.attached = LyingAttachments()
    yield agree_to_files(world, request.node.name, tmp_path)
    world.exchange.attached = LyingAttachments()
