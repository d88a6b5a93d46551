"""`python -m bench.long_log`: a log of 1.8 million leaves, a year of SIENA: written, started on, proved from, verified.

The records are of the kinds and in the numbers that a message leaves behind: accepted, handed over, two receipts. They
go through the product's own writer and log, thousands in a commit; nothing else is stored beside them, so what is held
against the log afterwards (`broker verify-log`'s second part) is not measured here.
"""

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any, TypeVar
from uuid import UUID

from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.results import conclude
from broker.audit.leaf_checks import check_in_processes
from broker.audit.verification import verify_stored_log
from broker.clock import SystemClock
from broker.composition import Broker, open_broker
from broker.database import open_exchange_database
from broker.exchange import ExchangeFolder, open_exchange
from broker.founding import found_exchange
from broker.settings import Settings
from broker.storage.transaction import Transaction
from keys.generation import generate_bytes
from schemas.codec import b64u_encode
from schemas.envelope import Reference
from schemas.log.records import Actor, RecordedRecipient, RecordType, Role
from schemas.markings import Tlp, Urgency
from schemas.receipts import ReceiptType

LEAVES = 1_800_000
AGENCIES = 200
_LEAVES_A_COMMIT = 4_000
_LEAVES_A_MESSAGE = 4
_PROOFS = 2_000

Result = TypeVar("Result")


@dataclass(slots=True)
class Cost:
    """What one step took: seconds by the clock, and of CPU in this process and those it waited for."""

    name: str
    seconds: float = 0
    cpu_seconds: float = 0


@dataclass(slots=True)
class Measured:
    """Everything that was measured."""

    leaves: int
    costs: list[Cost] = field(default_factory=list)
    database_mib: float = 0
    resident_mib: float = 0
    proof_ms: list[float] = field(default_factory=list)

    @property
    def results(self) -> dict[str, float]:
        """Return the figures by name."""
        written, start, verified = self.costs
        return {
            "long_log_write_cpu_us": written.cpu_seconds * 1e6 / self.leaves,
            "long_log_start_s": start.seconds,
            "long_log_proof_p99_ms": quantiles(self.proof_ms, n=100)[98],
            "long_log_database_mib": self.database_mib,
            "verify_leaves_s": verified.seconds,
            "verify_leaf_cpu_us": verified.cpu_seconds * 1e6 / self.leaves,
        }

    @contextmanager
    def measuring(self, name: str) -> Iterator[None]:
        """Measure the block as one step."""
        cost, started, cpu = Cost(name), time.perf_counter(), _count_cpu_seconds()
        yield
        cost.seconds, cost.cpu_seconds = time.perf_counter() - started, _count_cpu_seconds() - cpu
        self.costs.append(cost)


def main() -> int:
    """Measure, print, keep, and return 1 if a mark is missed or the log is not sound."""
    arguments = argparse.ArgumentParser(prog="python -m bench.long_log", description=__doc__)
    arguments.add_argument("--leaves", type=int, default=LEAVES, help="fewer for a first look")
    leaves = arguments.parse_args().leaves
    with TemporaryDirectory(prefix="bilateral-bench-") as folder:
        measured, is_sound = measure(ExchangeFolder(Path(folder, "exchange")), leaves)
    console = Console(width=None if sys.stdout.isatty() else 120)
    _print(console, measured)
    if leaves < LEAVES:
        return 0 if is_sound else 1  # a first look: what it found is no result
    return conclude(console, measured.results) if is_sound else 1


def measure(folder: ExchangeFolder, leaves: int) -> tuple[Measured, bool]:
    """Write a log of about so many leaves, measure what is done with it, and return whether it was found sound."""
    sheet = found_exchange(folder.path, "bench.example", ("localhost",), None, SystemClock(), generate_bytes)
    measured = Measured(leaves)
    with _opened(folder) as broker, measured.measuring("written"):
        for first in track(range(0, leaves, _LEAVES_A_COMMIT), "writing", transient=True):
            broker.writer.commit_and_wait(partial(_append_many, first, min(first + _LEAVES_A_COMMIT, leaves)))
    measured.database_mib = folder.database.stat().st_size / (1 << 20)
    with measured.measuring("a broker's start"), _opened(folder) as broker:
        pass
    with _opened(folder) as broker:
        size = broker.log.view.size
        measured.proof_ms = [_time_ms(partial(_prove, broker, index)) for index in range(0, size, size // _PROOFS)]
    open_own = partial(open_exchange_database, folder, sheet)
    database, jobs = open_own(), len(os.sched_getaffinity(0))
    with measured.measuring(f"verified by {jobs} processes"), database.read() as connection:
        report = verify_stored_log(connection, sheet, _ignore, partial(check_in_processes, open_own, jobs))
    database.close()
    measured.resident_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return measured, report.is_sound and report.leaves >= leaves


@contextmanager
def _opened(folder: ExchangeFolder) -> Iterator[Broker]:
    with open_broker(open_exchange(folder, None), Settings(folder=folder.path), SystemClock()) as broker:
        yield broker


def _append_many(first: int, end: int, transaction: Transaction) -> None:
    for number in range(first, end):
        _append(transaction, *divmod(number, _LEAVES_A_MESSAGE))


def _append(transaction: Transaction, message: int, step: int) -> None:
    sender, recipient = f"A-{message % AGENCIES}", f"A-{(message * 7 + 1) % AGENCIES}"
    digest = b64u_encode(sha256(message.to_bytes(8, "big")).digest())
    reference = Reference(id=str(UUID(int=message + (4 << 76) + (8 << 60))), digest=digest)
    members: dict[str, Any] = {"concerns": (sender, recipient)}
    match step:
        case 0:
            transaction.append(
                RecordType.MESSAGE_ACCEPTED,
                **members,
                actor=Actor(agency=sender, node="n1", role=Role.NODE),
                message=reference,
                agency=sender,
                recipients=(RecordedRecipient(agency=recipient, agreement=digest),),
                kind="document-fraud",
                marking=Tlp.AMBER,
                urgency=Urgency.ROUTINE,
                size=4096,
            )
        case 1:
            transaction.append(
                RecordType.MESSAGE_HANDED_OVER,
                **members,
                actor=Actor(agency=recipient, node="n1", role=Role.NODE),
                message=reference,
                agency=sender,
                partner=recipient,
                lease=reference.id,
            )
        case _:
            transaction.append(
                RecordType.RECEIPT,
                **members,
                actor=Actor(agency=recipient, node="n1", role=Role.NODE),
                agency=recipient,
                partner=sender,
                digest=digest,
                receipt_type=ReceiptType.HANDED_OVER if step == 2 else ReceiptType.VERIFIED,
            )


def _prove(broker: Broker, index: int) -> None:
    broker.log.view.prove_inclusion(index)
    broker.log.view.prove_consistency(index)


def _time_ms(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def _count_cpu_seconds() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _ignore(_done: int, _of: int) -> None:
    pass


def _print(console: Console, measured: Measured) -> None:
    table = Table("what", "seconds", "CPU seconds", "µs of CPU a leaf", title=f"a log of {measured.leaves:,} leaves")
    for cost in measured.costs:
        each = f"{cost.cpu_seconds * 1e6 / measured.leaves:.1f}"
        table.add_row(cost.name, f"{cost.seconds:.1f}", f"{cost.cpu_seconds:.1f}", each)
    console.print(table)
    cuts = quantiles(measured.proof_ms, n=100)
    console.print(
        f"an inclusion and a consistency proof: median {cuts[49]:.3f} ms, 99th percentile {cuts[98]:.3f} ms; "
        f"database {measured.database_mib:.0f} MiB, most memory of this process {measured.resident_mib:.0f} MiB"
    )


if __name__ == "__main__":
    raise SystemExit(main())
