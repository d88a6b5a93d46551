"""`make bench`: measure the broker's accept path beside its floor, print every term, and fail if a mark is missed.

Broker and floor take turns, each on a fresh copy of one stage. What else the machine does disturbs both, so ratios and
CPU time are worth reading, and messages a second only beside those of the same run (docs/performance.md).
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from bench.loader import find_percentile
from bench.results import Spread, compare_runs, conclude, print_floor
from bench.servers import FLOOR, PRODUCT, Run, mint_token, serving
from bench.stage import Stage, prepare_stage
from bench.terms import measure_proof_ms, measure_terms, measure_verification

CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured: pairs of runs at 32 connections, and messages in each kind of run."""

    pairs: int
    warm_up: int
    messages: int
    few_connections: dict[int, int]
    paced: int
    wakings: int


WHOLE = Extent(pairs=7, warm_up=300, messages=4000, few_connections={1: 500, 8: 2000}, paced=3000, wakings=400)
QUICK = Extent(pairs=2, warm_up=200, messages=1500, few_connections={1: 200}, paced=600, wakings=100)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Runs of the broker and of the floor, taken in turns."""

    product: list[Run]
    floor: list[Run]


def main() -> int:
    """Measure, print, write, and return 1 if a mark is missed."""
    arguments = argparse.ArgumentParser(prog="make bench", description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="fewer and shorter runs, for a first look")
    extent = QUICK if arguments.parse_args().quick else WHOLE
    console = Console(width=None if sys.stdout.isatty() else 100)
    with TemporaryDirectory(prefix="bilateral-bench-") as folder:
        stage = prepare_stage(Path(folder), extent.warm_up + extent.messages)
        results = measure(stage, extent, console)
    return conclude(console, results)


def measure(stage: Stage, extent: Extent, console: Console) -> dict[str, float]:
    """Measure everything and return it by name; print the floor's terms."""
    pairs = _measure_pairs(stage, extent, console)
    product, floor = [run.cpu_us for run in pairs.product], [run.cpu_us for run in pairs.floor]
    ratio = compare_runs(product, floor)
    batch = Spread.of([run.messages_per_commit for run in pairs.floor]).median
    terms = _measure_http(stage, extent) | measure_terms(stage, round(batch))
    print_floor(console, terms, Spread.of(floor), Spread.of(product), ratio)
    accept = Spread.of(product).median
    return {
        "accept_cpu_ratio": ratio.median,
        "accept_cpu_us": accept,
        "accept_over_ed25519": accept / terms["ed25519"],
        "floor_over_ed25519": Spread.of(floor).median / terms["ed25519"],
        "accept_per_s": Spread.of([run.load.accepted_per_second for run in pairs.product]).median,
        "envelope_bytes": stage.messages.stat().st_size / (extent.warm_up + extent.messages) - 1,
        "floor_cpu_us": Spread.of(floor).median,
        "floor_messages_per_commit": batch,
        "floor_per_s": Spread.of([run.load.accepted_per_second for run in pairs.floor]).median,
        "fsyncs_per_message": Spread.of([run.syncs_per_message for run in pairs.product]).median,
        "messages_per_commit": Spread.of([run.messages_per_commit for run in pairs.product]).median,
        "proof_ms": measure_proof_ms(),
        **{f"floor_{name}_us": value for name, value in terms.items()},
        **_measure_few_connections(stage, extent),
        **_measure_pace(stage, extent),
    }


def _measure_pairs(stage: Stage, extent: Extent, console: Console) -> Pairs:
    """Let the two take turns, and change who is first, so that neither is always the one after the other."""
    pairs = Pairs([], [])
    for turn in range(extent.pairs):
        for is_product in (turn % 2 == 0, turn % 2 == 1):
            runs, command = (pairs.product, PRODUCT) if is_product else (pairs.floor, FLOOR)
            runs.append(_load(stage, command, CONNECTIONS, extent.warm_up, extent.messages))
        console.print(
            f"pair {turn + 1} of {extent.pairs}: an accept takes the broker {pairs.product[-1].cpu_us:.0f} µs of CPU, "
            f"the floor {pairs.floor[-1].cpu_us:.0f} µs"
        )
    return pairs


def _measure_http(stage: Stage, extent: Extent) -> dict[str, float]:
    """Return what HTTP and TLS cost a message that is only read and answered."""
    plain = _load(stage, FLOOR, CONNECTIONS, extent.warm_up, extent.messages, "--empty", "--plain").cpu_us
    secure = _load(stage, FLOOR, CONNECTIONS, extent.warm_up, extent.messages, "--empty").cpu_us
    return {"http": plain, "tls": secure - plain}


def _measure_few_connections(stage: Stage, extent: Extent) -> dict[str, float]:
    found: dict[str, float] = {}
    for connections, messages in extent.few_connections.items():
        run = _load(stage, PRODUCT, connections, min(extent.warm_up, messages), messages)
        found[f"accept_per_s_{connections}"] = run.load.accepted_per_second
        found[f"accept_cpu_us_{connections}"] = run.cpu_us
    return found


def _measure_pace(stage: Stage, extent: Extent) -> dict[str, float]:
    """Return latencies at a pace well below saturation, how fast a waiting recipient wakes, and the log's check."""
    found: dict[str, float] = {}
    with serving(stage, PRODUCT) as server:
        pace = server.measure(server.ask_token(), CONNECTIONS, extent.warm_up, extent.paced, rate=400)
        _verify_all_accepted(pace)
        found |= {"latency_p50_ms": pace.load.latency_ms(50), "latency_p99_ms": pace.load.latency_ms(99)}
        found["verify_leaves_per_s"] = measure_verification(stage, server.folder)
    with serving(stage, PRODUCT) as server:
        waits = server.measure_waking(extent.wakings)
    return found | {f"wake_p{rank}_ms": find_percentile(waits, rank) / 1000 for rank in (50, 99)}


def _load(stage: Stage, command: tuple[str, ...], connections: int, warm_up: int, messages: int, *options: str) -> Run:
    with serving(stage, command, *options) as server:
        token = server.ask_token() if command is PRODUCT else mint_token(stage)
        run = server.measure(token, connections, warm_up, messages)
    _verify_all_accepted(run)
    return run


def _verify_all_accepted(run: Run) -> None:
    if set(run.load.statuses) != {"202"}:
        raise RuntimeError(f"not everything was accepted: {run.load.statuses}")


if __name__ == "__main__":
    sys.exit(main())
