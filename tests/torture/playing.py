"""Play a plan in a world of its own; a plan that breaks something is cut down to what it takes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from time import monotonic

from tests.torture.plan import Move
from tests.torture.rest import settle
from tests.torture.site import Site, found_site
from tests.torture.watch import Watch
from tests.torture.world import World

WORLD_STEPS = 400
"""So many moves a world lives: agreements pile up in it, and the oldest are looked at again after each move."""


def make_site(folder: Path) -> Site:
    """Make an exchange with two parties that have an agreement in force: every world begins so."""
    world = World.begin(found_site(folder / "site", "GB", "VN"))
    world.play(Move("come_to_terms", 0, 1, 0))
    return world.leave()


@dataclass
class Outcome:
    """How a plan ended: how many moves were made, what happened by words, and the violation, if there was one."""

    moves: int
    told: Counter[str] = field(default_factory=Counter)
    violation: Exception | None = None


def play_plan(site: Site, moves: Sequence[Move]) -> Outcome:
    """Play a plan to its end and let everything come to rest."""
    world = World.begin(site)
    outcome = Outcome(0, world.told)
    watch = Watch(world)
    try:
        for move in moves:
            outcome.moves += 1
            world.play(move)
            watch.look()
        settle(world, watch)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what was looked for
        outcome.violation = error
    finally:
        world.close()
    return outcome


def cut_down(site: Site, moves: Sequence[Move], seconds: float = inf) -> list[Move]:
    """Return a shorter plan that breaks something as well; the search ends after so many seconds at the latest."""
    until, size = monotonic() + seconds, max(len(moves) // 2, 1)
    kept = list(moves)
    while size >= 1:
        start = 0
        while start < len(kept):
            if monotonic() > until:
                return kept
            shorter = kept[:start] + kept[start + size :]
            if play_plan(site, shorter).violation is not None:
                kept = shorter
            else:
                start += size
        size //= 2
    return kept
