"""A verb that needs the witnesses tries again for a bounded time, meeting them in between; offline it meets nobody."""

import pytest

from agency_client.errors import ConflictError
from agency_client.node import Node
from agency_client.witness.cosigning import cosign_newest
from agency_client.witness.observer import LogError
from agency_client.witness.standing import NotYetWitnessedError, demand_witnessed, load_quorum
from agency_client.witness.waiting import PAUSE_SECONDS, meet_witnesses, wait_for_witnesses
from agency_client.witness.walker import walk_log
from schemas.api import CHECKPOINT_PATH, COSIGNATURES_PATH, CheckpointAnswer
from schemas.log.records import RecordType
from tests.support.bad_line import Changed, LostAnswer, LostRequest, tampered
from tests.support.lying_world import LyingWorld


@pytest.fixture
def gb(world: LyingWorld) -> Node:
    """GB, with a leaf that only it has seen."""
    world.exchange.append(RecordType.TOKENS_ISSUED, (), agency="GB", count=1)
    walk_log(world["GB"])
    return world["GB"]


def need_everything(node: Node) -> int:
    size = node.observer.read_seen().size
    with node.store.read() as snapshot:
        demand_witnessed(node, snapshot, size, "all of it")
    return size


def test_it_goes_on_as_soon_as_the_witnesses_have_seen_it(world: LyingWorld, gb: Node) -> None:
    told: list[str] = []
    pauses: list[float] = []
    needed = gb.observer.read_seen().size

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            walk_log(world["VN"])
            cosign_newest(world["VN"])

    def attempt() -> int:
        with gb.store.read() as snapshot:
            demand_witnessed(gb, snapshot, needed, "this")
        return needed

    assert wait_for_witnesses(gb, attempt, seconds=30, pause=pause, on_wait=told.append) == needed
    assert pauses == [PAUSE_SECONDS, PAUSE_SECONDS]
    assert len(told) == 1
    assert "VN" in told[0]


@pytest.mark.parametrize(("seconds", "pauses"), [(0, []), (1, [1.0]), (5, [2.0, 2.0, 1.0])])
def test_the_time_is_bounded(gb: Node, seconds: float, pauses: list[float]) -> None:
    waited: list[float] = []
    with pytest.raises(NotYetWitnessedError):
        wait_for_witnesses(gb, lambda: need_everything(gb), seconds=seconds, pause=waited.append, on_wait=str)
    assert waited == pauses


def test_another_refusal_is_not_waited_for(gb: Node) -> None:
    def refuse() -> None:
        raise ConflictError("no")

    with pytest.raises(ConflictError):
        wait_for_witnesses(gb, refuse, seconds=30, pause=lambda _: pytest.fail("it waits"), on_wait=pytest.fail)


def test_offline_nobody_is_met_and_nothing_fails(gb: Node) -> None:
    with tampered(gb, LostRequest("/")):
        meet_witnesses(gb)
    assert not load_quorum(gb).is_complete


def test_a_carrier_that_fails_does_not_fail_the_verb(gb: Node) -> None:
    with tampered(gb, LostAnswer(COSIGNATURES_PATH)):
        meet_witnesses(gb)


def test_a_log_that_does_not_prove_itself_fails_the_verb(gb: Node) -> None:
    with tampered(gb, Changed(CHECKPOINT_PATH, lambda _: CheckpointAnswer(checkpoint="none"))), pytest.raises(LogError):
        meet_witnesses(gb)
