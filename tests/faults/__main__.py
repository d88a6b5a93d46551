"""`make faults ARGS='--cuts 1000 --kills 200'`: break the broker on purpose, in the numbers that convince.

Each part is skipped by a count of 0. Ends with 1 at the first thing that was lost or done twice; prints what was done.
"""

import argparse
import sys
from collections.abc import Callable
from time import monotonic

from tests.faults.power.worlds import CutReport, play_cuts


def main() -> int:
    """Run the parts that were asked for; return the exit code."""
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="repeat a run, or make another (default: 1)")
    parser.add_argument("--cuts", type=int, default=1000, help="power cuts (default: 1000)")
    wanted = parser.parse_args()
    parts: list[tuple[int, Callable[[], str]]] = [
        (wanted.cuts, lambda: cut_power(wanted.cuts, wanted.seed)),
    ]
    for count, part in parts:
        if count:
            begun = monotonic()
            print(f"{part()} ({monotonic() - begun:.0f} s)", flush=True)
    return 0


def cut_power(cuts: int, seed: int) -> str:
    """Make power cuts, and half as many under a setting that loses, which must be seen."""
    kept = play_cuts(cuts, seed, progress=_show_cuts)
    losing = play_cuts(max(8, cuts // 10), seed, pragmas={"synchronous": "NORMAL"}, is_losing=True)
    if not losing.lost:
        raise AssertionError("without a sync at each commit nothing was seen to be lost: these cuts prove nothing")
    return (
        f"power cuts: {kept.cuts}, {kept.lost} lost any of what had been answered ({kept.answered} answers and "
        f"{kept.signed} signed heads looked for); with synchronous=NORMAL {losing.lost} of {losing.cuts} lost some"
    )


def _show_cuts(report: CutReport) -> None:
    print(f"{report.cuts:7} power cuts, {report.lost} lost something", file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
