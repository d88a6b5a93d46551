"""`python -m bench.brokers`: a durable accept on SQLite, on PostgreSQL with one broker, and with two on one database.

The same loader sends the same messages to each, by turns, each run on a fresh copy of a stage. The PostgreSQL server
is a real one that syncs every commit; loader, brokers and server share the machine, so that CPU time is worth reading
before messages a second, and both only beside the others of the same run.
"""

import argparse
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from bench.loader import Load
from bench.postgresql import Listener, copy_exchange, count_syncs, durable_server, read_server_cpu_seconds
from bench.results import compare_runs, conclude, format_number
from bench.servers import PRODUCT, Server, copied_exchange, load_servers, running_server, serving
from bench.stage import Stage, prepare_stage
from broker.exchange import ExchangeFolder
from broker.joining import join_exchange
from keys.generation import generate_id
from tests.support.postgresql import PostgresqlServer

SQLITE, ONE, TWO = "sqlite", "postgresql", "two_brokers"
CONNECTIONS = (1, 8, 32, 128)
STEADY = 32

Kind = tuple[str, int]
"""What is measured, over how many connections."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How many turns at 32 connections, and messages in each run."""

    rounds: int
    messages: int
    warm_up: int
    connections: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run came to. For each message: CPU of all brokers and of the server in µs, commits, announcements."""

    load: Load
    broker_us: float
    server_us: float
    commits: float
    notifies: float

    @property
    def cpu_us(self) -> float:
        """Return the CPU time of everything but the loader."""
        return self.broker_us + self.server_us

    @property
    def per_second(self) -> float:
        """Return the rate of 202."""
        return self.load.accepted_per_second


@dataclass(frozen=True, slots=True)
class Bench:
    """A stage of either engine, and the server of one of them."""

    sqlite: Stage
    shared: Stage
    server: PostgresqlServer

    def measure(self, what: str, connections: int, messages: int, warm_up: int) -> Cost:
        """Load fresh brokers, and return what each message cost."""
        if what == SQLITE:
            with serving(self.sqlite, PRODUCT) as server:
                return _load([server], connections, messages, warm_up)
        with serving_together(self.shared, self.server, 2 if what == TWO else 1) as (servers, listener):
            return _load(servers, connections, messages, warm_up, self.server, listener)


def main() -> int:
    """Measure, print, keep, and return 1 if a mark is missed."""
    arguments = argparse.ArgumentParser(prog="python -m bench.brokers", description=__doc__)
    arguments.add_argument("--rounds", type=int, default=5, help="turns of all three at 32 connections")
    arguments.add_argument("--messages", type=int, default=3000)
    arguments.add_argument("--warm-up", type=int, default=200)
    arguments.add_argument("--connections", type=int, nargs="+", default=CONNECTIONS)
    asked = arguments.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 120)
    with prepared_bench(asked.warm_up + asked.messages) as bench:
        costs = _take_turns(
            bench, Extent(asked.rounds, asked.messages, asked.warm_up, tuple(asked.connections)), console
        )
        results = compare(costs) | {"fsyncs_per_message_postgresql": measure_syncs(bench, asked.messages)}
    _print(console, costs)
    return conclude(console, results)


@contextmanager
def prepared_bench(messages: int) -> Iterator[Bench]:
    """Prepare a stage of each engine, with so many messages."""
    with TemporaryDirectory(prefix="bilateral-bench-") as name, durable_server() as server:
        (file := Path(name, "file")).mkdir()
        (shared := Path(name, "shared")).mkdir()
        yield Bench(prepare_stage(file, messages), prepare_stage(shared, messages, server.make_database()), server)


@contextmanager
def serving_together(stage: Stage, server: PostgresqlServer, number: int) -> Iterator[tuple[list[Server], Listener]]:
    """Serve a fresh copy of a stage by so many brokers on one database, as long as the block runs."""
    with copied_exchange(stage) as folder, ExitStack() as stack:
        database = copy_exchange(server, ExchangeFolder(stage.exchange), folder)
        others = [ExchangeFolder(stage.folder / generate_id()) for _ in range(number - 1)]
        for other in others:
            join_exchange(folder, other)
            stack.callback(shutil.rmtree, other.path)
        servers = [stack.enter_context(running_server(stage, one, PRODUCT)) for one in (folder, *others)]
        yield servers, stack.enter_context(closing(Listener(server, database)))
    server.execute(f"DROP DATABASE {database} WITH (FORCE)")


def measure_syncs(bench: Bench, messages: int) -> float:
    """Return how often the server synchronised its log for a message, over one broker's life at 32 connections."""
    before = count_syncs(bench.server)
    with serving_together(bench.shared, bench.server, 1) as (servers, listener):
        _load(servers, STEADY, messages, 0, bench.server, listener)
    return (count_syncs(bench.server) - before) / messages


def compare(costs: Mapping[Kind, Sequence[Cost]]) -> dict[str, float]:
    """Return the figures by name: of each kind its medians, and the ratios of neighbouring runs."""
    found: dict[str, float] = {}
    for (what, connections), runs in costs.items():
        suffix = f"{what}_{connections}"
        found[f"accept_cpu_us_{suffix}"] = median(run.broker_us for run in runs)
        found[f"accept_per_s_{suffix}"] = median(run.per_second for run in runs)
        if what != SQLITE:
            found[f"server_cpu_us_{suffix}"] = median(run.server_us for run in runs)
    one, two, file = (costs[what, STEADY] for what in (ONE, TWO, SQLITE))
    found["notifies_per_message"] = median(run.notifies for run in one)
    found["commits_per_message_postgresql"] = median(run.commits for run in one)
    found["two_brokers_over_one"] = compare_runs(*([run.per_second for run in runs] for runs in (two, one))).median
    found["two_brokers_cpu_over_one"] = compare_runs(*([run.cpu_us for run in runs] for runs in (two, one))).median
    found["postgresql_cpu_over_sqlite"] = compare_runs(*([run.cpu_us for run in runs] for runs in (one, file))).median
    return found


def _take_turns(bench: Bench, extent: Extent, console: Console) -> dict[Kind, list[Cost]]:
    """Measure the steady load in every turn, and other numbers of connections in the first one."""
    whats = (SQLITE, ONE, TWO)
    kinds = [(what, number) for number in {*extent.connections, STEADY} for what in whats]
    costs: dict[Kind, list[Cost]] = {kind: [] for kind in kinds if kind != (TWO, 1)}
    for turn in range(extent.rounds):
        for (what, connections), known in costs.items():
            if turn == 0 or connections == STEADY:
                messages = extent.messages if connections > 1 else extent.messages // 6
                known.append(bench.measure(what, connections, messages, extent.warm_up))
                run = known[-1]
                of_whom = f"{run.broker_us:.0f} µs of brokers, {run.server_us:.0f} of the server"
                console.print(f"{what} over {connections}: {of_whom}, {run.per_second:.0f} a second")
    return costs


def _load(
    servers: Sequence[Server],
    connections: int,
    messages: int,
    warm_up: int,
    server: PostgresqlServer | None = None,
    listener: Listener | None = None,
) -> Cost:
    token = servers[0].ask_token()
    if listener is not None:
        listener.count()
    used = read_server_cpu_seconds(server) if server else 0.0
    load, before, after = load_servers(servers, token, connections, warm_up, messages)
    if set(load.statuses) != {"202"}:
        raise RuntimeError(f"not everything was accepted: {load.statuses}")
    of_server = read_server_cpu_seconds(server) - used if server else 0.0
    pairs = list(zip(before, after, strict=True))
    return Cost(
        load=load,
        broker_us=sum(late.cpu_seconds - early.cpu_seconds for early, late in pairs) * 1e6 / messages,
        server_us=of_server * 1e6 / (messages + warm_up),
        commits=sum(late.commits - early.commits for early, late in pairs) / messages,
        notifies=listener.count() / (messages + warm_up) if listener else 0.0,
    )


def _print(console: Console, costs: Mapping[Kind, Sequence[Cost]]) -> None:
    table = Table("on", "connections", "broker µs", "server µs", "together", "commits", "a second")
    for (what, connections), runs in costs.items():
        figures = ("broker_us", "server_us", "cpu_us", "commits", "per_second")
        values = [format_number(median(getattr(run, name) for run in runs)) for name in figures]
        table.add_row(what, str(connections), *values)
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
