"""`python -m bench.taxii`: a TAXII 2.1 server from PyPI takes the same bodies, side by side (`make bench WHAT=taxii`).

OpenTAXII stores each envelope as one object of a type of its own, over plain HTTP and for anybody, in one thread, with
its database as it comes. The broker takes it over mTLS, verifies both signatures, judges it under an agreement, logs
it and proves that. Both by the same loader over 32 connections, by turns; `accept_over_taxii` is the ratio of their
rates, `taxii_cpu_over_accept` that of their CPU time.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from bench.brokers import STEADY
from bench.loader import Load, Plan, read_load
from bench.processes import list_children, read_cpu_seconds, read_line, start_module, start_program, tell
from bench.results import Spread, compare_runs, conclude
from bench.servers import PRODUCT, serving
from bench.stage import SENDER, Stage, prepare_stage, read_envelopes
from schemas.codec import decode_canonical, encode_canonical
from tests.support.messages import make_id

INSTALLED = Path(__file__).parent.parent / "build" / "taxii"
TAXII = "application/taxii+json;version=2.1"


@dataclass(frozen=True, slots=True)
class TaxiiServer:
    """OpenTAXII that serves: where, the path of its collection, and its first process."""

    url: str
    path: str
    pid: int

    def read_cpu_seconds(self) -> float:
        """Return what it and what it started have used."""
        return sum(read_cpu_seconds(pid) for pid in (self.pid, *list_children(self.pid)))


def main() -> int:
    """Measure, print, keep, and return 1 if a mark is missed."""
    arguments = argparse.ArgumentParser(prog="python -m bench.taxii", description=__doc__)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--messages", type=int, default=2000)
    asked = arguments.parse_args()
    if not (INSTALLED / "installed.txt").exists():
        sys.exit("OpenTAXII is not installed: run it as `make bench WHAT=taxii`")
    with TemporaryDirectory(prefix="bilateral-bench-") as name:
        results = compare(prepare_stage(Path(name), asked.messages), asked.rounds, asked.messages)
    return conclude(Console(width=None if sys.stdout.isatty() else 120), results)


def compare(stage: Stage, rounds: int, messages: int) -> dict[str, float]:
    """Let both take the same messages by turns; OpenTAXII a fourth of them, for it takes much longer."""
    few, warm_up = messages // 4, messages // 20
    write_bodies(stage, few)
    ours: list[tuple[float, float]] = []
    theirs: list[tuple[float, float]] = []
    for _ in range(rounds):
        with serving(stage, PRODUCT) as server:
            run = server.measure(server.ask_token(), STEADY, warm_up, messages - warm_up)
            ours.append((run.load.accepted_per_second, run.cpu_us))
        with serving_taxii(stage.folder) as taxii:
            theirs.append(_load(stage, taxii, warm_up, few - warm_up))
    our_rates, our_cpu = zip(*ours, strict=True)
    their_rates, their_cpu = zip(*theirs, strict=True)
    return {
        "accept_over_taxii": compare_runs(our_rates, their_rates).median,
        "taxii_cpu_over_accept": compare_runs(their_cpu, our_cpu).median,
        "taxii_per_s": Spread.of(their_rates).median,
        "taxii_cpu_us": Spread.of(their_cpu).median,
        "accept_per_s_beside_taxii": Spread.of(our_rates).median,
    }


def write_bodies(stage: Stage, count: int) -> None:
    """Write the first envelopes as bodies of TAXII's POST, one a line."""
    with _bodies(stage).open("wb") as file:
        for place, envelope in enumerate(read_envelopes(stage.messages, count), 1):
            file.write(make_body(make_id(("bench", place)), decode_canonical(envelope)) + b"\n")


def make_body(message: str, envelope: Mapping[str, object]) -> bytes:
    """Return a TAXII envelope (TAXII 2.1 §3.7) with one object of a type of its own, which holds ours."""
    kind, when = "x-bilateral-envelope", "2026-01-01T00:00:00.000Z"
    whole = {"id": f"{kind}--{message}", "type": kind, "spec_version": "2.1", "created": when, "modified": when}
    return encode_canonical({"objects": [whole | {"envelope": envelope}]})


@contextmanager
def serving_taxii(parent: Path) -> Iterator[TaxiiServer]:
    """Serve an empty OpenTAXII as long as the block runs."""
    with TemporaryDirectory(dir=parent) as folder:
        environment = os.environ | {"PYTHONPATH": str(INSTALLED)}
        program = str(Path(__file__).with_name("taxii_server.py"))
        with start_program([sys.executable, program, folder], environment) as process:
            url, path = read_line(process).decode("ascii").split()
            yield TaxiiServer(url, path, process.pid)
            process.terminate()
            process.wait()


def _load(stage: Stage, taxii: TaxiiServer, warm_up: int, count: int) -> tuple[float, float]:
    """Return how many it took a second, and the CPU of each in µs."""
    plan = stage.folder / "taxii-plan"
    files = (str(stage.authority), str(stage.client_chain(SENDER)), str(_bodies(stage)))
    whole = Plan((taxii.url,), *files, "", STEADY, warm_up, count, 0, taxii.path, TAXII)
    plan.write_bytes(whole.to_line())
    with start_module("bench.loader", str(plan)) as loader:
        read_line(loader)
        before = taxii.read_cpu_seconds()
        tell(loader, b"go\n")
        load: Load = read_load(read_line(loader))
        used = taxii.read_cpu_seconds() - before
    if set(load.statuses) != {"202"}:
        raise RuntimeError(f"not everything was accepted: {load.statuses}")
    return load.accepted_per_second, used * 1e6 / count


def _bodies(stage: Stage) -> Path:
    return stage.folder / "taxii-messages"


if __name__ == "__main__":
    sys.exit(main())
