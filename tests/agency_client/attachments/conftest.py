"""What the tests of attachments share: an agreement that allows them, and an exchange that starts without any."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.attached import Attaching, agree_to_files
from tests.support.lying_attachments import LyingAttachments
from tests.support.lying_world import LyingWorld


@pytest.fixture(scope="package")
def agreed(two_agencies: LyingWorld) -> Attaching:
    """GB and VN under one agreement that allows attachments, for all these tests."""
    return agree_to_files(two_agencies, "files", Path())


@pytest.fixture
def attaching(agreed: Attaching, world: LyingWorld, tmp_path: Path) -> Iterator[Attaching]:
    """The same with a folder of this test, and nothing attached at the exchange."""
    world.exchange.attached = LyingAttachments()
    yield replace(agreed, folder=tmp_path)
    world.exchange.attached = LyingAttachments()
    with world["GB"].store.write() as transaction:
        transaction.execute("UPDATE outbox SET state = 'cancelled', envelope = NULL WHERE state = 'queued'")
