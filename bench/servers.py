"""Servers under load, each a process of its own on a fresh copy of the stage, and what is seen of it from outside.

CPU time is the kernel's: user and system, of all threads. Synchronisations of the disk are counted by what SQLite does
in this mode: one for each commit, and three whenever it begins its write-ahead log anew, which the log's header
counts. `strace` counted as many (docs/performance.md).
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType

import httpx
from prometheus_client.parser import text_string_to_metric_families

from bench.loader import Load, Plan, read_load
from bench.processes import read_cpu_seconds, read_line, start_module, tell
from bench.stage import NODE, RECIPIENT, SENDER, Stage
from bench.waking import WakingPlan
from broker.clock import SystemClock
from broker.exchange import ExchangeFolder, open_exchange
from keys.generation import generate_id
from keys.tokens import TOKEN_SECONDS, TokenClaims
from schemas.codec import b64u_encode, decode_canonical
from schemas.log.records import Role
from tests.support.caller import Caller
from tests.support.exchange import make_live_member

PRODUCT = ("broker", "serve", "--port", "0", "--data")
FLOOR = ("bench.floor",)

# One member asks here as fast as it can; what it would be told is measured nowhere.
ENVIRONMENT = os.environ | {
    "BILATERAL_BROKER_LOG_LEVEL": "warning",
    "BILATERAL_BROKER_LIMITS__REQUESTS_PER_SECOND": "1000000",
    "BILATERAL_BROKER_LIMITS__REQUESTS_PER_SECOND_OF_MEMBER": "1000000",
}
_SYNCS_A_COMMIT = 1
_SYNCS_A_NEW_LOG = 3  # the log, the database it was copied into, and the header under which it begins anew
_WAL_SEQUENCE = slice(12, 16)
_COMMITS, _OPERATIONS = "bilateral_batch_operations_count", "bilateral_batch_operations_sum"


@dataclass(frozen=True, slots=True)
class Usage:
    """What a server has used up to a moment."""

    cpu_seconds: float
    commits: int
    operations: int
    new_logs: int


@dataclass(frozen=True, slots=True)
class Run:
    """One measured load: CPU in microseconds a message, messages a commit, disk synchronisations a message."""

    load: Load
    cpu_us: float
    messages_per_commit: float
    syncs_per_message: float


@dataclass(frozen=True, slots=True)
class Server:
    """A server that serves."""

    stage: Stage
    folder: ExchangeFolder
    process: "subprocess.Popen[bytes]"
    url: str
    admin_url: str

    def read_usage(self) -> Usage:
        """Look at it from outside, while nothing is asked of it."""
        counted = {
            sample.name: int(sample.value)
            for family in text_string_to_metric_families(httpx.get(f"{self.admin_url}/metrics").text)
            for sample in family.samples
            if sample.name in (_COMMITS, _OPERATIONS)
        }
        return Usage(
            read_cpu_seconds(self.process.pid), counted[_COMMITS], counted[_OPERATIONS], _count_new_logs(self.folder)
        )

    def ask_token(self, agency: str = SENDER) -> str:
        """Ask the product for a token as a node does."""
        caller = Caller(self.url, self.stage.sheet, make_live_member(agency))
        try:
            return caller.token
        finally:
            caller.close()

    def measure(self, token: str, connections: int, warm_up: int, count: int, rate: int = 0) -> Run:
        """Let a loader warm it up and then load it, and return what that cost."""
        load, (before,), (after,) = load_servers([self], token, connections, warm_up, count, rate)
        return _compare(load, before, after)

    def measure_waking(self, count: int) -> list[int]:
        """Return how long a recipient that waits was left waiting after so many acceptances, in microseconds."""
        plan = self.folder.path / "plan"
        stage, chains = self.stage, [str(self.stage.client_chain(agency)) for agency in (SENDER, RECIPIENT)]
        tokens = [self.ask_token(agency) for agency in (SENDER, RECIPIENT)]
        who = (chains[0], tokens[0], chains[1], tokens[1])
        plan.write_bytes(WakingPlan(self.url, str(stage.authority), str(stage.messages), *who, count).to_line())
        with start_module("bench.waking", str(plan)) as waker:
            waits: list[int] = decode_canonical(read_line(waker))
        return waits


def load_servers(
    servers: Sequence[Server], token: str, connections: int, warm_up: int, count: int, rate: int = 0
) -> tuple[Load, list[Usage], list[Usage]]:
    """Let one loader load servers of one exchange; return the load, and what each had used before and after it."""
    first = servers[0]
    stage, plan = first.stage, first.folder.path / "plan"
    urls = tuple(server.url for server in servers)
    where = (urls, str(stage.authority), str(stage.client_chain(SENDER)), str(stage.messages))
    plan.write_bytes(Plan(*where, token, connections, warm_up, count, rate).to_line())
    with start_module("bench.loader", str(plan)) as loader:
        read_line(loader)
        before = [server.read_usage() for server in servers]
        tell(loader, b"go\n")
        load = read_load(read_line(loader))
        return load, before, [server.read_usage() for server in servers]


@contextmanager
def serving(
    stage: Stage, command: tuple[str, ...], *options: str, environment: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Server]:
    """Serve a fresh copy of the stage as long as the block runs; `environment` is what else is set."""
    with copied_exchange(stage) as folder, running_server(stage, folder, command, *options, **environment) as server:
        yield server


@contextmanager
def copied_exchange(stage: Stage) -> Iterator[ExchangeFolder]:
    """Lend a fresh copy of the stage's folder."""
    folder = ExchangeFolder(stage.folder / generate_id())
    shutil.copytree(stage.exchange, folder.path)
    try:
        yield folder
    finally:
        shutil.rmtree(folder.path)


@contextmanager
def running_server(
    stage: Stage, folder: ExchangeFolder, command: tuple[str, ...], *options: str, **environment: str
) -> Iterator[Server]:
    """Serve a folder as long as the block runs, and end in order."""
    with start_module(*command, str(folder.path), *options, environment=ENVIRONMENT | environment) as process:
        announced = decode_canonical(read_line(process))
        yield Server(stage, folder, process, announced["url"], announced["admin_url"])
        process.terminate()
        process.wait()


def mint_token(stage: Stage) -> str:
    """Return a token as the broker would give it, for the floor, which issues none."""
    exchange, issued_at = open_exchange(ExchangeFolder(stage.exchange), None), int(SystemClock().now().timestamp())
    claims = TokenClaims(
        aud=exchange.name,
        cnf={"x5t#S256": b64u_encode(bytes(32))},
        exp=issued_at + TOKEN_SECONDS,
        iat=issued_at,
        iss=exchange.name,
        jti=generate_id(),
        node=NODE,
        scope=Role.NODE,
        sub=SENDER,
    )
    return exchange.token_key.issue(claims)


def _compare(load: Load, before: Usage, after: Usage) -> Run:
    messages = sum(load.statuses.values())
    commits, new_logs = after.commits - before.commits, after.new_logs - before.new_logs
    return Run(
        load=load,
        cpu_us=(after.cpu_seconds - before.cpu_seconds) * 1e6 / messages,
        messages_per_commit=(after.operations - before.operations) / commits if commits else 0,
        syncs_per_message=(_SYNCS_A_COMMIT * commits + _SYNCS_A_NEW_LOG * new_logs) / messages,
    )


def _count_new_logs(folder: ExchangeFolder) -> int:
    log = folder.database.with_name(folder.database.name + "-wal")
    return int.from_bytes(log.read_bytes()[_WAL_SEQUENCE], "big") if log.exists() else 0
