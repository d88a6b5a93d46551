"""A hostile exchange that begins a new log: what it may date, and what it may leave out, when two officers accept it.

The nodes and their keys are real, the officers act in good faith; the exchange chooses every word of its new log, and
a member at its side signs what it likes.
"""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from agency_client.witness.walker import walk_log
from schemas.log.records import RecordType
from tests.attacks.recipient import demand_set_aside
from tests.support.lying_world import LyingWorld, lying_world
from tests.support.new_log import accept_by, begin_new_log, learn, turn_to

GB, VN = "GB", "VN"
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LyingWorld]:
    """GB, who is at the exchange's side, and VN."""
    with lying_world(tmp_path_factory.mktemp("world"), GB, VN) as found:
        yield found


def test_a_new_log_dated_back_does_not_bring_an_ended_agreement_back(world: LyingWorld) -> None:
    now, vn = world.clock.now(), world[VN]
    dates = {"in_force_from": now - DAY, "review_by": now + 5 * DAY, "in_force_until": now + 9 * DAY}
    ended = world.agree(GB, VN, "ends in nine days", **dates)
    learn(vn)
    world.clock.ahead = 10 * DAY
    world.exchange.append(RecordType.TOKENS_ISSUED, (), agency=GB, count=1)
    walk_log(vn)
    world.clock.ahead = 8 * DAY
    sealed = world.craft(GB, VN, ended)
    sheet = begin_new_log(world.exchange)
    world.deliver(sealed, VN)
    world.clock.ahead = 10 * DAY
    accept_by(vn, sheet, ("a.eriksson", "b.jansen"))
    turn_to(vn, sheet)
    learn(vn)
    demand_set_aside(world, sealed, "leaf-dated-back")
