"""`python -m bench.commits`: what the group commit costs beside a plain batch insert, and what it gains on a slow disk.

The same rows, in batches of the same size, on both engines: by the product's one writer, where each message is an
operation that may fail alone and is answered alone, and by a loop that inserts 64 messages' rows, one `executemany` a
table, and commits. Then the whole broker, with 2 ms added to each fsync: grouped, and with a commit for each message,
over 128 connections and over 32. The more wait, the more share a commit.
"""

import argparse
import asyncio
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from rich.console import Console
from sqlalchemy import Connection, insert

from bench.brokers import STEADY, Bench, prepared_bench
from bench.floor import (
    FloorBatch,
    FloorJournal,
    ParsedMessage,
    make_item_row,
    make_message_row,
    parse_message,
    store_message,
)
from bench.postgresql import copy_exchange
from bench.results import compare_runs, conclude
from bench.servers import serving
from bench.stage import Stage, read_envelopes
from broker.audit.log_store import move_head, select_head
from broker.audit.tables import log_concern, log_leaf
from broker.database import open_exchange_database
from broker.exchange import ExchangeFolder
from broker.inbox.tables import inbox_content, inbox_item, message
from broker.routing.tables import quota_day
from broker.storage.engine import Database
from broker.storage.group_commit import GroupCommitWriter
from keys.generation import generate_id
from tests.support.postgresql import PostgresqlServer

BATCH = 64
MANY = 128
SLOW = ("bench.slow_disk", "serve", "--port", "0", "--data")
UNGROUPED = {"BILATERAL_BROKER_WRITER__MAX_BATCH": "1"}

Store = Callable[[Database, Sequence[ParsedMessage]], None]


@dataclass(frozen=True, slots=True)
class Took:
    """What storing took for each message: microseconds by the clock, and of this process's CPU."""

    wall_us: float
    cpu_us: float


def main() -> int:
    """Measure, print, keep, and return 1 if a mark is missed."""
    arguments = argparse.ArgumentParser(prog="python -m bench.commits", description=__doc__)
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--messages", type=int, default=2048)
    asked = arguments.parse_args()
    with prepared_bench(asked.messages) as bench:
        results = _compare_inserts(bench, asked.rounds, "sqlite", bench.sqlite, None)
        results |= _compare_inserts(bench, asked.rounds, "postgresql", bench.shared, bench.server)
        results["group_commit_over_batch_insert"] = min(
            results[f"group_commit_over_batch_insert_{engine}"] for engine in ("sqlite", "postgresql")
        )
        for suffix, connections in (("", MANY), (f"_{STEADY}", STEADY)):
            ratio = _compare_groups(bench.sqlite, max(asked.rounds // 2, 1), asked.messages, connections)
            results[f"grouped_over_ungrouped{suffix}"] = ratio
    return conclude(Console(width=None if sys.stdout.isatty() else 120), results)


def _compare_inserts(
    bench: Bench, rounds: int, engine: str, stage: Stage, server: PostgresqlServer | None
) -> dict[str, float]:
    messages = [parse_message(line) for line in read_envelopes(stage.messages, sys.maxsize)]
    grouped: list[Took] = []
    plain: list[Took] = []
    for turn in range(rounds):
        for is_grouped in (turn % 2 == 0, turn % 2 == 1):
            known, store = (grouped, store_by_writer) if is_grouped else (plain, store_by_batch)
            with _opened_copy(stage, server) as database:
                known.append(_time(store, database, messages))
    walls = compare_runs([run.wall_us for run in plain], [run.wall_us for run in grouped])
    used = compare_runs([run.cpu_us for run in grouped], [run.cpu_us for run in plain])
    return {
        f"group_commit_over_batch_insert_{engine}": walls.median,
        f"group_commit_cpu_over_batch_insert_{engine}": used.median,
        f"group_commit_us_{engine}": min(run.wall_us for run in grouped),
        f"batch_insert_us_{engine}": min(run.wall_us for run in plain),
    }


def store_by_writer(database: Database, messages: Sequence[ParsedMessage]) -> None:
    """Store messages through the product's group commit, 64 under way at any time."""
    with database.read() as connection:
        journal = FloorJournal(select_head(connection), lambda _checkpoint: b"")
    writer = GroupCommitWriter(database, cast(Any, journal))
    writer.start()
    try:
        asyncio.run(_keep_busy(writer, messages))
    finally:
        writer.close()


def store_by_batch(database: Database, messages: Sequence[ParsedMessage]) -> None:
    """Store messages as plainly as can be: the rows of 64, and a commit."""
    with database.read() as connection:
        head = select_head(connection)
    for start in range(0, len(messages), BATCH):
        batch = FloorBatch(cast(Any, None), head)
        numbers = [batch.add(one) for one in messages[start : start + BATCH]]
        with database.write() as connection:
            _insert_all(connection, batch, messages[start : start + BATCH], numbers, is_first=start == 0)
            head = batch.next_head()
            move_head(connection, batch.head.size, head)


def _insert_all(
    connection: Connection,
    batch: FloorBatch,
    messages: Sequence[ParsedMessage],
    numbers: Sequence[int],
    *,
    is_first: bool,
) -> None:
    pairs = list(zip(messages, numbers, strict=True))
    to = messages[0].header["recipients"][0]
    day = {"recipient": to["agency"], "sender": messages[0].header["sender"]["agency"], "agreement": to["agreement"]}
    connection.execute(insert(log_leaf), batch.rows)
    connection.execute(insert(log_concern), batch.concerns)
    connection.execute(insert(message), [make_message_row(*pair) for pair in pairs])
    contents = [{"recipient": to["agency"], "number": number, "content": one.ciphertext} for one, number in pairs]
    connection.execute(insert(inbox_content), contents)
    connection.execute(insert(inbox_item), [make_item_row(*pair) for pair in pairs])
    if is_first:
        connection.execute(insert(quota_day), day | {"day": 0, "accepted": len(pairs)})
    else:
        connection.execute(quota_day.update().values(accepted=quota_day.c.accepted + len(pairs)))


async def _keep_busy(writer: GroupCommitWriter, messages: Sequence[ParsedMessage]) -> None:
    waiting = iter(messages)

    async def store_on() -> None:
        for one in waiting:
            await writer.commit(partial(store_message, one))

    await asyncio.gather(*(store_on() for _ in range(BATCH)))


@contextmanager
def _opened_copy(stage: Stage, server: PostgresqlServer | None) -> Iterator[Database]:
    folder = ExchangeFolder(stage.folder / generate_id())
    shutil.copytree(stage.exchange, folder.path)
    name = copy_exchange(server, ExchangeFolder(stage.exchange), folder) if server else None
    with closing(open_exchange_database(folder, stage.sheet)) as database:
        yield database
    shutil.rmtree(folder.path)
    if server:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _time(store: Store, database: Database, messages: Sequence[ParsedMessage]) -> Took:
    started, used = time.perf_counter(), time.process_time()
    store(database, messages)
    wall, cpu = time.perf_counter() - started, time.process_time() - used
    return Took(wall * 1e6 / len(messages), cpu * 1e6 / len(messages))


def _compare_groups(stage: Stage, rounds: int, messages: int, connections: int) -> float:
    """Return how many more accepts a second there are where they share commits, each fsync 2 ms longer."""
    warm_up = messages // 8
    grouped: list[float] = []
    ungrouped: list[float] = []
    for _ in range(rounds):
        for known, environment in ((grouped, {}), (ungrouped, UNGROUPED)):
            with serving(stage, SLOW, environment=environment) as server:
                run = server.measure(server.ask_token(), connections, warm_up, messages - warm_up)
                known.append(run.load.accepted_per_second)
    return compare_runs(grouped, ungrouped).median


if __name__ == "__main__":
    sys.exit(main())
