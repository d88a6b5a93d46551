"""`python -m bench.delivery`: how long from sending to a recipient that wakes, at half load; draining; proofs served.

Half load is half of what the same broker did a second at saturation just before, doing the same: to take a message, to
hand it over, and to take its acknowledgement. It is measured once more at half of what it can take alone. Each engine
has brokers of its own, on fresh copies of a stage; CPU time is the broker's, without that of a PostgreSQL server.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from rich.console import Console

from bench.brokers import STEADY, prepared_bench, serving_together
from bench.collecting import Collected, CollectingPlan
from bench.connection import connect, make_tls
from bench.loader import find_percentile
from bench.processes import read_line, start_module, tell
from bench.results import conclude
from bench.servers import PRODUCT, Server, serving
from bench.stage import RECIPIENT, SENDER, make_get
from schemas.api import CONSISTENCY_PATH
from schemas.codec import decode_canonical

PROOF_CONNECTIONS = 8


@dataclass(frozen=True, slots=True)
class Extent:
    """How many messages are accepted at saturation and then drained, sent at each pace, and how many proofs asked."""

    saturating: int
    paced: int
    proofs: int

    @property
    def messages(self) -> int:
        """Return how many messages there are to be."""
        return 2 * self.saturating + 2 * self.paced


def main() -> int:
    """Measure, print, keep, and return 1 if a mark is missed."""
    arguments = argparse.ArgumentParser(prog="python -m bench.delivery", description=__doc__)
    arguments.add_argument("--saturating", type=int, default=3000)
    arguments.add_argument("--paced", type=int, default=6000)
    arguments.add_argument("--proofs", type=int, default=4000)
    asked = arguments.parse_args()
    extent = Extent(asked.saturating, asked.paced, asked.proofs)
    results: dict[str, float] = {}
    with prepared_bench(extent.messages) as bench:
        with serving(bench.sqlite, PRODUCT) as server:
            results |= _measure(server, extent, "")
        with serving_together(bench.shared, bench.server, 1) as ((server,), _):
            results |= _measure(server, extent, "_postgresql")
        with serving_together(bench.shared, bench.server, 2) as ((one, two), _):
            results |= _measure(one, extent, "_two_brokers", recipient_at=two)
    return conclude(Console(width=None if sys.stdout.isatty() else 120), results)


def _measure(server: Server, extent: Extent, suffix: str, recipient_at: Server | None = None) -> dict[str, float]:
    other, tokens = recipient_at or server, {name: server.ask_token(name) for name in (SENDER, RECIPIENT)}
    run = partial(collect, server, other, tokens)
    accepted = server.measure(tokens[SENDER], STEADY, 0, extent.saturating).load.accepted_per_second
    before = other.read_usage()
    drained = run(skip=0, count=extent.saturating)
    cpu_seconds = other.read_usage().cpu_seconds - before.cpu_seconds
    delivered = run(skip=extent.saturating, count=extent.saturating, rate=0).per_second
    sent = 2 * extent.saturating
    waits = _measure_waits(run, extent.paced, sent, {"half_load": delivered / 2, "half_of_accepts": accepted / 2})
    proofs = asyncio.run(_ask_proofs(server, tokens[SENDER], extent.proofs, extent.messages))
    return {
        f"delivered_per_s{suffix}": delivered,
        **{f"{name}{suffix}": value for name, value in waits.items()},
        f"drain_per_s{suffix}": drained.per_second,
        f"drain_cpu_us{suffix}": cpu_seconds * 1e6 / drained.items,
        f"served_proofs_per_s{suffix}": proofs[0],
        f"served_proof_cpu_us{suffix}": proofs[1],
    }


def _measure_waits(
    run: Callable[..., Collected], count: int, skip: int, paces: Mapping[str, float]
) -> dict[str, float]:
    """Return how long a recipient was left waiting at each pace, and the pace."""
    found: dict[str, float] = {}
    for turn, (name, pace) in enumerate(paces.items()):
        rate = max(int(pace), 1)
        woken = run(skip=skip + turn * count, count=count, rate=rate)
        found |= {f"wake_{name}_p{rank}_ms": find_percentile(woken.waits, rank) / 1000 for rank in (50, 99)}
        found[f"{name}_per_s"] = rate
    return found


def collect(
    server: Server, recipient_at: Server, tokens: dict[str, str], *, skip: int, count: int, rate: int | None = None
) -> Collected:
    """Let a recipient collect messages sent meanwhile to `server`: `rate` a second, at 0 as fast as can be.

    Without a rate they were sent before.
    """
    stage, plan = server.stage, server.folder.path / "collecting"
    sender, recipient = ((str(stage.client_chain(name)), tokens[name]) for name in (SENDER, RECIPIENT))
    urls = (server.url, recipient_at.url)
    where = (str(stage.authority), str(stage.messages))
    how_many = (STEADY, skip, count)
    plan.write_bytes(
        CollectingPlan(urls, *where, *sender, *recipient, *how_many, is_sent=rate is not None, rate=rate or 0).to_line()
    )
    with start_module("bench.collecting", str(plan)) as process:
        read_line(process)
        tell(process, b"go\n")
        return Collected(**decode_canonical(read_line(process), max_bytes=1 << 24))


async def _ask_proofs(server: Server, token: str, count: int, size: int) -> tuple[float, float]:
    """Ask for consistency proofs from sizes all over the log; return their rate, and the CPU of each in µs."""
    tls = make_tls(server.stage.authority, server.stage.client_chain(SENDER))
    connections = [await connect(server.url, tls) for _ in range(PROOF_CONNECTIONS)]
    sizes = iter([1 + place * 7919 % size for place in range(count)])

    async def ask_on(place: int) -> None:
        for old_size in sizes:
            answer = await connections[place].ask(make_get(f"{CONSISTENCY_PATH}?from={old_size}", token))
            if answer.status != 200:
                raise RuntimeError(f"answered with {answer.status}: {answer.body[:500]!r}")

    before, started = await asyncio.to_thread(server.read_usage), time.perf_counter()
    await asyncio.gather(*(ask_on(place) for place in range(PROOF_CONNECTIONS)))
    seconds, after = time.perf_counter() - started, await asyncio.to_thread(server.read_usage)
    for connection in connections:
        connection.close()
    return count / seconds, (after.cpu_seconds - before.cpu_seconds) * 1e6 / count


if __name__ == "__main__":
    sys.exit(main())
