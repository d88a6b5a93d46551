"""What a message costs the broker alone and in a batch: `python -m bench.batches`, one machine, runs by turns.

Each run has a fresh copy of one stage, and the same messages. Alone, 32 connections send one each; in batches of 64, 4
connections send as many together. CPU time is the broker's own, user and system, of all its threads; the ratio of the
two medians is what is worth reading.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from rich.console import Console

from bench.connection import Connection, connect, make_tls
from bench.servers import PRODUCT, Server, serving
from bench.stage import SENDER, Stage, make_request, make_send, prepare_stage, read_envelopes
from schemas.api import MESSAGE_BATCHES_PATH
from schemas.batches import BatchAnswer, join_batch

BATCH = 64
CONNECTIONS_ALONE, CONNECTIONS_TOGETHER = 32, 4
WARM_UP_BATCHES = 4


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run came to, for each message: CPU in microseconds, group commits; and messages a second."""

    cpu_us: float
    commits: float
    per_second: float


def main() -> int:
    """Measure, print, and return 0."""
    arguments = argparse.ArgumentParser(prog="python -m bench.batches", description=__doc__)
    arguments.add_argument("--pairs", type=int, default=5)
    arguments.add_argument("--batches", type=int, default=32, help="how many batches of 64 a run is")
    asked = arguments.parse_args()
    alone: list[Cost] = []
    together: list[Cost] = []
    with TemporaryDirectory(prefix="bilateral-bench-") as folder:
        stage = prepare_stage(Path(folder), (WARM_UP_BATCHES + asked.batches) * BATCH)
        for _ in range(asked.pairs):
            alone.append(measure(stage, asked.batches * BATCH, 1))
            together.append(measure(stage, asked.batches * BATCH, BATCH))
    _print(Console(), alone, together)
    return 0


def measure(stage: Stage, messages: int, in_one: int) -> Cost:
    """Send a fresh copy of the stage so many messages, so many with one request; return what each of them cost."""
    with serving(stage, PRODUCT) as server:
        return asyncio.run(_load(server, messages, in_one))


async def _load(server: Server, messages: int, in_one: int) -> Cost:
    stage, token = server.stage, await asyncio.to_thread(server.ask_token)
    envelopes = read_envelopes(stage.messages, WARM_UP_BATCHES * BATCH + messages)
    requests = _make_requests(token, envelopes, in_one)
    warm_up = WARM_UP_BATCHES * BATCH // in_one
    tls = make_tls(stage.authority, stage.client_chain(SENDER))
    count = CONNECTIONS_ALONE if in_one == 1 else CONNECTIONS_TOGETHER
    connections = [await connect(server.url, tls) for _ in range(count)]
    await _send(connections, requests[:warm_up], in_one)
    before, started = await asyncio.to_thread(server.read_usage), time.perf_counter()
    await _send(connections, requests[warm_up:], in_one)
    seconds, after = time.perf_counter() - started, await asyncio.to_thread(server.read_usage)
    for connection in connections:
        connection.close()
    cpu_us = (after.cpu_seconds - before.cpu_seconds) * 1e6 / messages
    return Cost(cpu_us, (after.commits - before.commits) / messages, messages / seconds)


def _make_requests(token: str, envelopes: Sequence[bytes], in_one: int) -> list[bytes]:
    if in_one == 1:
        return [make_send(token, envelope) for envelope in envelopes]
    batches = (envelopes[start : start + in_one] for start in range(0, len(envelopes), in_one))
    return [make_request(MESSAGE_BATCHES_PATH, token, join_batch("envelopes", batch)) for batch in batches]


async def _send(connections: Sequence[Connection], requests: Sequence[bytes], in_one: int) -> None:
    waiting = iter(requests)

    async def serve(connection: Connection) -> None:
        for request in waiting:
            answer = await connection.ask(request)
            if in_one == 1:
                accepted = answer.status == 202
            else:
                members = BatchAnswer.from_canonical(answer.body, max_bytes=1 << 24).members
                accepted = all(member.type == "accepted" and member.new for member in members)
            if not accepted:
                raise RuntimeError(f"a message was not accepted: {answer.status} {answer.body[:300]!r}")

    await asyncio.gather(*(serve(connection) for connection in connections))


def _print(console: Console, alone: Sequence[Cost], together: Sequence[Cost]) -> None:
    for name, costs in (("alone", alone), (f"in batches of {BATCH}", together)):
        console.print(
            f"{name}: {median(cost.cpu_us for cost in costs):.0f} µs CPU a message"
            f" ({min(cost.cpu_us for cost in costs):.0f} to {max(cost.cpu_us for cost in costs):.0f}),"
            f" {median(cost.commits for cost in costs):.4f} commits a message,"
            f" {median(cost.per_second for cost in costs):.0f} messages a second",
            highlight=False,
        )
    ratio = median(cost.cpu_us for cost in together) / median(cost.cpu_us for cost in alone)
    console.print(f"batch_cpu_ratio: {ratio:.2f}", highlight=False)


if __name__ == "__main__":
    sys.exit(main())
