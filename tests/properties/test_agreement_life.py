"""Two parties and their exchange live through anything for a while; `make torture` goes on for 10,000 moves."""

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.torture.plan import Move, draw_plan, format_plan, parse_plan
from tests.torture.playing import cut_down, make_site, play_plan
from tests.torture.site import Site
from tests.torture.watch import Watch
from tests.torture.world import ViolationError, World

SEEDS = (1, 2)
MOVES = 40
OPENING = "send:0:0:2 sync:1:0:0 restart_node:0:0:0 suspend:1:1:0 sync:1:0:0 sync:0:0:0"
"""What happens in every world before anything else, so that no draw leaves all of it out."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Give an exchange with two parties."""
    folder: Path = tmp_path_factory.mktemp("torture")
    yield make_site(folder)
    shutil.rmtree(folder)


def test_nothing_two_parties_live_through_breaks_what_must_hold(site: Site) -> None:
    told = Counter[str]()
    for seed in SEEDS:
        moves = [*parse_plan(OPENING), *draw_plan(seed, MOVES)]
        outcome = play_plan(site, moves)
        assert outcome.violation is None, f"{outcome.violation!r} after: {format_plan(moves[: outcome.moves])}"
        told.update(outcome.told)

    for what in ("accepted under an agreement in force", "message at rest: opened", "logged: suspend", "restart_node"):
        assert told[what] >= len(SEEDS), what


STORIES = {
    "an acceptance is carried past the exchange before the log has it, and is signed anew": (
        "propose:0:38344:36952 sync:0:50310:36974 sync:0:55123:48011 sync:1:21491:16506 accept:1:36420:22453 "
        "sync:0:4929:47746 carry_steps:1:24267:58503 withdraw:1:26150:38488"
    ),
    "a proposal and its suspension are signed by a clock a day ahead, which is then set right": (
        "set_clock:1:15:0 propose:1:64945:21131 suspend:1:46038:62775"
    ),
    "a suspension waits for days while its file is carried": (
        "suspend:0:1:0 let_time_pass:0:9:0 let_time_pass:0:9:0 carry_steps:0:1:0 sync:0:0:0 sync:1:0:0"
    ),
}


@pytest.mark.parametrize("plan", STORIES.values(), ids=STORIES)
def test_what_once_went_wrong_goes_well(site: Site, plan: str) -> None:
    assert play_plan(site, parse_plan(plan)).violation is None


def test_a_view_that_forgets_what_narrowed_is_noticed(site: Site) -> None:
    world = World.begin(site)
    try:
        watch = Watch(world)
        world.play(Move("revoke", 0, 1, 1))
        watch.look()
        with world.parties[0].node.store.write() as transaction:
            transaction.execute("DELETE FROM agreement_step WHERE action = 'revoke'")
        with pytest.raises(ViolationError, match="forgotten what narrowed"):
            watch.look()
    finally:
        world.close()


def test_a_view_wider_than_what_both_signed_is_noticed(site: Site) -> None:
    world = World.begin(site)
    try:
        watch = Watch(world)
        watch.look()
        with world.parties[1].node.store.write() as transaction:
            transaction.execute("DELETE FROM agreement_step WHERE action = 'accept'")
        with pytest.raises(ViolationError, match="never both signed"):
            watch.look()
    finally:
        world.close()


def test_a_plan_that_breaks_something_is_cut_down_to_what_it_takes(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(world: World, *_: object) -> None:
        raise ViolationError("the test says so")

    monkeypatch.setattr(World, "_move_sweep", fail)
    monkeypatch.setattr("tests.torture.playing.settle", lambda world, watch: None)  # a move breaks it, not the rest
    moves = parse_plan("let_time_pass:0:1:1 restart_broker:0:1:1 sweep:1:2:3 set_clock:0:0:0")

    assert cut_down(site, moves) == parse_plan("sweep:1:2:3")


def test_a_plan_is_its_seeds_and_reads_as_it_is_printed() -> None:
    plan = draw_plan(7, 50)

    assert draw_plan(7, 80)[:50] == plan
    assert draw_plan(8, 50) != plan
    assert parse_plan(format_plan(plan)) == plan
