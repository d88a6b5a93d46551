"""One talked-over officer, or one stolen officer's account: alone it widens nothing.

The library is attacked here, not the command line: whoever writes a program around it gets no further.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agency_client.agreements import flows
from agency_client.agreements.approving import AwaitedStep
from agency_client.agreements.chains import load_agreement
from agency_client.local_store.agreements import StoredStep
from schemas.agreements.steps import StepAction
from schemas.agreements.terms import Terms
from tests.support.lying_world import LyingWorld, lying_world
from tests.support.nodes import make_terms_of, take_step
from tests.support.officers import acting_as, sign_by_two
from tests.support.witnesses import see_together

GB, VN = "GB", "VN"
ONE_PERSON = ("a.eriksson", "A.Eriksson", " a. eriksson", "\uff41.eriksson", "a.eriksson")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LyingWorld]:
    folder: Path = tmp_path_factory.mktemp("officers")
    with lying_world(folder, GB, VN) as made:
        yield made


@pytest.fixture
def proposed(world: LyingWorld, request: pytest.FixtureRequest) -> Terms:
    """Give terms that GB has proposed and VN may accept."""
    terms = make_terms_of(world[GB], world[VN], request.node.name)
    take_step(world[GB], terms, StepAction.PROPOSE, world[GB], world[VN])
    see_together(world[GB], world[VN])
    return terms


def list_signed(world: LyingWorld, agreement: str) -> list[str]:
    with world[VN].store.read() as snapshot:
        return [item.action for item in load_agreement(snapshot, agreement).stored.get(VN, [])]


def test_one_officer_accepts_nothing_however_often_and_under_whatever_spelling(
    world: LyingWorld, proposed: Terms
) -> None:
    for officer in ONE_PERSON:
        with acting_as(world[VN], officer):
            assert isinstance(flows.accept(world[VN], proposed.id), AwaitedStep)
    assert list_signed(world, proposed.id) == []
    with acting_as(world[VN], "b.jansen"):
        assert isinstance(flows.accept(world[VN], proposed.id), StoredStep)


def test_one_officer_ends_a_suspension_neither_by_an_old_approval_nor_alone(world: LyingWorld, proposed: Terms) -> None:
    take_step(world[VN], proposed, StepAction.ACCEPT, world[GB], world[VN])
    take_step(world[GB], proposed, StepAction.CONFIRM, world[GB], world[VN])
    see_together(world[GB], world[VN])
    flows.suspend(world[VN], proposed.id, reason="the desk does not answer")
    with acting_as(world[VN], "b.jansen"):
        assert isinstance(flows.resume(world[VN], proposed.id), AwaitedStep)
    flows.suspend(world[VN], proposed.id, reason="a node was stolen")
    for officer in ONE_PERSON:
        with acting_as(world[VN], officer):
            assert isinstance(flows.resume(world[VN], proposed.id), AwaitedStep)
    assert list_signed(world, proposed.id) == ["accept", "suspend", "suspend"]
    sign_by_two(world[VN], flows.resume, proposed.id)
    assert list_signed(world, proposed.id)[-1] == "resume"
