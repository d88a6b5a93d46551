"""VN, BE and AL in a row, and all that went on there, once for the tests of what a copy comes from."""

from collections.abc import Iterator

import pytest

from tests.agency_client.receiving.provenance.scene import (
    Scene,
    answer_question,
    dispute_consent,
    load,
    pass_on_named,
    relay_restriction,
)
from tests.support.lying_world import lying_world
from tests.support.onward import AL, BE, VN, make_row


@pytest.fixture(scope="package")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """VN, BE and AL in a row, and all that went on there."""
    with lying_world(tmp_path_factory.mktemp("provenance"), VN, BE, AL) as world:
        row = make_row(world, "provenance", (VN, BE, AL))
        held = row.send(VN, BE, handling={"codes": ["h0", "h2"]})
        consent = row.consent(BE, held, AL, conditions="Once.")
        consented = load(row, row.take_in(AL, row.pass_on(BE, held, AL)).message_id)
        named, other = (load(row, pass_on_named(row)[1]) for _ in range(2))
        answer = load(row, answer_question(row, named.message.header.id))
        notice = load(row, relay_restriction(row))
        plain = load(row, row.send(BE, AL).message_id)
        disputed = dispute_consent(row, held.message_id)
        yield Scene(row, consented, consent.digest, named, other, notice, answer, plain, disputed)
