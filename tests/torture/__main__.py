"""`make torture ARGS='--steps 10000 --seed 7'`: let two parties live through anything, and look after every move.

Ends with 1 if something was ever as it may never be, and prints the shortest plan found that leads there; `--plan`
plays that plan again.
"""

import argparse
import secrets
import sys
import traceback
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from tests.torture.plan import Move, draw_plan, format_plan, parse_plan
from tests.torture.playing import WORLD_STEPS, cut_down, make_site, play_plan
from tests.torture.site import Site

MEMORY = Path("/dev/shm")  # noqa: S108 - only where it is there: nothing here is worth a disk
CUTTING_SECONDS = 60.0


def main() -> int:
    """Play world after world until so many moves were made; return the exit code."""
    parser = argparse.ArgumentParser(prog="make torture", description=__doc__)
    parser.add_argument("--steps", type=int, default=10_000, help="how many moves in all (default: 10000)")
    parser.add_argument("--seed", type=int, help="repeat a run")
    parser.add_argument("--plan", help="play these moves instead, as a failure printed them")
    parser.add_argument("--quiet", action="store_true", help="do not print what happened how often")
    wanted = parser.parse_args()
    seed = secrets.randbelow(1 << 32) if wanted.seed is None else wanted.seed
    begun, told, made = monotonic(), Counter[str](), 0
    with TemporaryDirectory(prefix="bilateral-torture-", dir=MEMORY if MEMORY.is_dir() else None) as folder:
        site = make_site(Path(folder))
        if wanted.plan:
            return _report(site, parse_plan(wanted.plan), "this plan", cuts=False)
        print(f"seed {seed}, {wanted.steps} moves", flush=True)
        for number, moves in enumerate(split_plan(seed, wanted.steps)):
            outcome = play_plan(site, moves)
            told.update(outcome.told)
            made += outcome.moves
            if outcome.violation is not None:
                return _report(site, moves[: outcome.moves], f"world {number} of seed {seed}", cuts=True)
            print(f"{made:7} moves in {number + 1} worlds", file=sys.stderr, flush=True)
    if not wanted.quiet:
        print("\n".join(f"{count:7} {what}" for what, count in sorted(told.items())))
    print(f"{wanted.steps} moves in {monotonic() - begun:.0f} s without a violation (seed {seed})")
    return 0


def split_plan(seed: int, steps: int) -> list[list[Move]]:
    """Return the plans of the worlds that so many moves are played in."""
    sizes = [WORLD_STEPS] * (steps // WORLD_STEPS) + ([steps % WORLD_STEPS] if steps % WORLD_STEPS else [])
    return [draw_plan(seed * 10_000 + number, size) for number, size in enumerate(sizes)]


def _report(site: Site, moves: list[Move], where: str, *, cuts: bool) -> int:
    shortest = cut_down(site, moves, CUTTING_SECONDS) if cuts else moves
    violation = play_plan(site, shortest).violation
    if violation is None:
        print(f"{where}: no violation" + (" the second time: it depends on more than the seed" if cuts else ""))
        return int(cuts)
    traceback.print_exception(violation)
    print(f"violation in {where}; the shortest plan found has {len(shortest)} moves:")
    print(f"make torture ARGS='--plan \"{format_plan(shortest)}\"'")
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
