"""A host's clock that is set ahead, by mistake or to make a node destroy what it must keep."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from agency_client.doctor import Level, check_retention
from agency_client.errors import UsageError
from agency_client.local_store.access_log import AccessFilter, list_entries
from agency_client.local_store.content import has_content
from agency_client.retention.rules import MAX_CLOCK_LEAD, Part
from agency_client.retention.running import plan_retention, run_retention
from agency_client.syncing.rounds import sync_retention
from schemas.log.records import Action
from tests.support.lying_world import LyingWorld, lying_world
from tests.support.nodes import make_wide_clause
from tests.support.signed_time import hear_the_time

TERM = timedelta(days=10)


@pytest.fixture(scope="module")
def two_agencies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LyingWorld]:
    """GB and VN of this module alone: its clock runs ahead, and never back."""
    with lying_world(tmp_path_factory.mktemp("clock"), "GB", "VN") as made:
        yield made


@pytest.fixture
def held(two_agencies: LyingWorld, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A message of GB that VN keeps for ten days."""
    world = two_agencies
    terms = world.agree(
        "GB", "VN", request.node.name, clauses=(make_wide_clause("GB", "VN", retention_days=TERM.days),)
    )
    sealed = world.craft("GB", "VN", terms)
    world.deliver(sealed, "VN")
    world.collect("VN")
    yield sealed
    hear_the_time(world["VN"])
    run_retention(world["VN"])


def is_here(world: LyingWorld, sealed: Any) -> bool:
    with world["VN"].store.read() as snapshot:
        return has_content(snapshot, sealed.digest)


def test_a_clock_far_ahead_erases_nothing_and_every_place_says_so(two_agencies: LyingWorld, held: Any) -> None:
    world, vn = two_agencies, two_agencies["VN"]
    world.clock.ahead += TERM + timedelta(days=1)
    plan = plan_retention(vn)
    assert held.digest in plan.list_subjects(Part.CONTENT), "the dry run names what would go"
    assert "this node's clock is 11 days ahead of all that others signed" in plan.doubt
    report = run_retention(vn)
    assert set(report.erased.values()) == {0}
    assert is_here(world, held)
    (problem,) = sync_retention(vn).problems
    assert (problem.code, problem.sentence) == ("clock-in-doubt", plan.doubt)
    (finding,) = check_retention(vn)
    assert (finding.level, finding.sentence) == (Level.WARN, plan.doubt)
    hear_the_time(vn)
    assert list(check_retention(vn)) == []
    assert run_retention(vn).erased["content"] >= 1
    assert not is_here(world, held)


def test_a_clock_that_others_confirm_to_a_week_is_gone_by(two_agencies: LyingWorld, held: Any) -> None:
    world, vn = two_agencies, two_agencies["VN"]
    world.clock.ahead += TERM - timedelta(days=6)
    hear_the_time(vn)
    world.clock.ahead += MAX_CLOCK_LEAD - timedelta(hours=1)
    assert plan_retention(vn).doubt == ""
    run_retention(vn)
    assert not is_here(world, held)


def test_an_officer_who_says_why_the_clock_is_right_is_on_record(two_agencies: LyingWorld, held: Any) -> None:
    world, vn = two_agencies, two_agencies["VN"]
    world.clock.ahead += TERM + timedelta(days=1)
    with pytest.raises(UsageError, match="reason"):
        run_retention(vn, confirmed=" ")
    assert is_here(world, held)
    assert run_retention(vn, confirmed="compared with the wall clock").plan.doubt == ""
    assert not is_here(world, held)
    with vn.store.read() as snapshot:
        (entry,) = list_entries(snapshot, AccessFilter(action=Action.OPERATOR))
    assert (entry.verb, entry.reason.partition(" (now")[0]) == ("retention-clock", "compared with the wall clock")
