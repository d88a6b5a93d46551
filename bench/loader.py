"""The open-loop load generator, a process of its own: `python -m bench.loader PLAN`.

Every arrival has its moment before the first is sent, and a latency counts from that moment: a server that is late
makes the later ones wait, and that is in the figures (no coordinated omission). With a rate of 0 everything is due at
once: that is saturation, and only the rate is worth reading.

It connects, sends the warm-up, says `ready`, and begins when a line comes on stdin; so whoever measures can look at the
server before and after. Results are one line of canonical JSON, times in whole microseconds.
"""

import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import cycle, islice
from pathlib import Path

import uvloop

from bench.connection import Connection, connect, make_tls
from bench.stage import JSON, make_request, read_envelopes
from schemas.api import MESSAGES_PATH
from schemas.codec import decode_canonical, encode_canonical

_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Plan:
    """Which messages to send, to which servers, over how many connections, at how many a second (0: all at once)."""

    urls: tuple[str, ...]
    authority: str
    chain: str
    messages: str
    token: str
    connections: int
    warm_up: int
    count: int
    rate: int = 0
    path: str = MESSAGES_PATH
    media_type: str = JSON

    def to_line(self) -> bytes:
        """Return it as the loader reads it."""
        return encode_canonical(asdict(self))


@dataclass(slots=True)
class Load:
    """What a measured load came to: how many answers of each status, how long it all took, and each one's latency."""

    elapsed: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    latencies: list[int] = field(default_factory=list)

    @property
    def accepted_per_second(self) -> float:
        """Return the rate of 202."""
        return self.statuses.get("202", 0) * _MICROSECONDS / self.elapsed

    def latency_ms(self, percentile: float) -> float:
        """Return a percentile of the latencies (nearest rank)."""
        return find_percentile(self.latencies, percentile) / 1000


def find_percentile(values: Sequence[int], percentile: float) -> int:
    """Return the smallest of `values` that at least so many percent of them do not exceed."""
    ordered = sorted(values)
    rank = -(-len(ordered) * percentile // 100)
    return ordered[max(int(rank), 1) - 1]


def read_load(line: bytes) -> Load:
    """Return what a loader has said."""
    return Load(**decode_canonical(line))


async def run(plan: Plan) -> None:
    """Connect, warm up, wait for the word, send, and say what came of it."""
    tls = make_tls(Path(plan.authority), Path(plan.chain))
    turns = islice(cycle(plan.urls), plan.connections)
    connections = [await connect(url, tls) for url in turns]
    envelopes = read_envelopes(Path(plan.messages), plan.warm_up + plan.count)
    requests = [make_request(plan.path, plan.token, envelope, plan.media_type) for envelope in envelopes]
    await send(connections, requests[: plan.warm_up], 0)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    load = await send(connections, requests[plan.warm_up :], plan.rate)
    sys.stdout.write(encode_canonical(asdict(load)).decode("ascii") + "\n")
    for connection in connections:
        connection.close()


async def send(connections: Sequence[Connection], requests: Sequence[bytes], rate: int) -> Load:
    """Send every request at its moment, over whichever connection is free first."""
    load, started = Load(), time.perf_counter()
    arrivals = iter(
        [(started + (position / rate if rate else 0), request) for position, request in enumerate(requests)]
    )
    await asyncio.gather(*(_serve_arrivals(connection, arrivals, load) for connection in connections))
    load.elapsed = int((time.perf_counter() - started) * _MICROSECONDS)
    return load


async def _serve_arrivals(connection: Connection, arrivals: Iterator[tuple[float, bytes]], load: Load) -> None:
    for due, request in arrivals:
        early = due - time.perf_counter()
        if early > 0:
            await asyncio.sleep(early)
        answer = await connection.ask(request)
        status = str(answer.status)
        load.statuses[status] = load.statuses.get(status, 0) + 1
        load.latencies.append(int((time.perf_counter() - due) * _MICROSECONDS))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(Plan(**decode_canonical(Path(sys.argv[1]).read_bytes()))))
