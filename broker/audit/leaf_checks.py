"""What is checked of stored leaves one by one, a range at a time: so that several processes share a long log.

Each record against its commitment, each column and each list of whom it concerns against its record. What only the
whole can show, the root, the head and the order of ranges, is `broker.audit.verification`'s.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing import get_context
from typing import Any

from sqlalchemy import Connection, Row

from broker.audit.leaf_rows import list_columns
from broker.audit.queries import list_leaves, read_concerns
from broker.audit.tables import ERASED_TYPE
from broker.storage.engine import Database
from schemas.codec import CodecError
from schemas.log.leaf import SALT_BYTES, commit_canonical, hash_commitment
from schemas.log.records import Record
from schemas.log.tree import HASH_BYTES

MAX_FINDINGS = 100
RANGE_LEAVES = 20_000
_ERASED = ("agency", "partner", "actor", "node", "message", "agreement", "problem")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong; `leaf` is absent where it is about the log as a whole."""

    problem: str
    leaf: int | None = None


@dataclass(slots=True)
class CheckedRange:
    """What was seen of the leaves from `start` on: their hashes as stored, and everything that is wrong with them."""

    start: int
    hashes: list[bytes] = field(default_factory=list)
    erased: int = 0
    first_time: datetime | None = None
    last_time: datetime | None = None
    findings: list[Finding] = field(default_factory=list)

    def add(self, problem: str, leaf: int | None = None) -> None:
        """Note one thing that is wrong; after a hundred the rest is not worth a line each."""
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(Finding(problem, leaf))


CheckRanges = Callable[[int], Iterator[CheckedRange]]
"""Checks all leaves below a size, range by range in their order."""


def check_here(connection: Connection, size: int) -> Iterator[CheckedRange]:
    """Check the leaves below `size` in this process, over this connection."""
    for start, end in _list_ranges(size):
        yield check_range(connection, start, end)


def check_in_processes(open_own: Callable[[], Database], jobs: int, size: int) -> Iterator[CheckedRange]:
    """Check the leaves below `size` in `jobs` processes; each opens the database by `open_own`, which pickles.

    Every process sees a snapshot of its own, none before the caller's: a log only grows, and what is erased stays so.
    """
    ranges = list(_list_ranges(size))
    with ProcessPoolExecutor(jobs, get_context("spawn"), _open_in_worker, (open_own,)) as pool:
        yield from pool.map(_check_in_worker, *zip(*ranges, strict=True)) if ranges else ()


def count_jobs(size: int) -> int:
    """Return how many processes are worth starting for a log of `size` leaves on this machine."""
    return min(len(os.sched_getaffinity(0)), 1 + size // 100_000)


def check_range(connection: Connection, start: int, end: int) -> CheckedRange:
    """Check the leaves from index `start` to before `end`, in one statement's view of them."""
    checked, expected = CheckedRange(start), start
    concerns = read_concerns(connection, start, end)
    for row in _read_leaves(connection, start, end, checked):
        if row.leaf_index != expected:
            checked.add(f"leaf {expected} is missing", row.leaf_index)
        expected = row.leaf_index + 1
        _check_leaf(row, concerns, checked)
        checked.hashes.append(row.leaf_hash)
    if expected < end and not checked.findings:
        checked.add(f"leaf {expected} is missing")
    return checked


_opened: list[Database] = []


def _open_in_worker(open_own: Callable[[], Database]) -> None:
    _opened.append(open_own())


def _check_in_worker(start: int, end: int) -> CheckedRange:
    with _opened[-1].read() as connection:
        return check_range(connection, start, end)


def _list_ranges(size: int) -> Iterator[tuple[int, int]]:
    return ((start, min(start + RANGE_LEAVES, size)) for start in range(0, size, RANGE_LEAVES))


def _read_leaves(connection: Connection, start: int, end: int, checked: CheckedRange) -> Iterator[Row[Any]]:
    """Yield the stored leaves; end at a row that holds something else than what its columns are for."""
    try:
        for row in list_leaves(connection, start, end):
            if not _is_readable(row):
                checked.add("its row holds values of another type", row.leaf_index)
                return
            yield row
    except (TypeError, ValueError, OverflowError):
        checked.add(f"the row behind leaf {start + len(checked.hashes) - 1} cannot be read")


def _is_readable(row: Row[Any]) -> bool:
    hashes = (row.commitment, row.leaf_hash)
    return (
        row.leaf_class in ("public", "private")
        and all(isinstance(value, bytes) and len(value) == HASH_BYTES for value in hashes)
        and all(value is None or isinstance(value, bytes) for value in (row.record, row.salt))
    )


def _check_leaf(row: Row[Any], concerns: dict[int, set[str]], checked: CheckedRange) -> None:
    index: int = row.leaf_index
    time: datetime = row.time
    if checked.last_time is None:
        checked.first_time = time
    elif time < checked.last_time:
        checked.add("its time is before that of the leaf before it", index)
    checked.last_time = time if checked.last_time is None else max(time, checked.last_time)
    if hash_commitment(row.leaf_class, row.commitment) != row.leaf_hash:
        checked.add("its hash is not that of its class and commitment", index)
    concerned = concerns.get(index, set())
    if row.record is None and row.salt is None:
        _check_erased(row, concerned, checked)
    else:
        _check_record(row, concerned, checked)


def _check_erased(row: Row[Any], concerned: set[str], checked: CheckedRange) -> None:
    checked.erased += 1
    if row.record_type != ERASED_TYPE or concerned or any(getattr(row, name) is not None for name in _ERASED):
        checked.add("its record was erased, and what repeated it was not", row.leaf_index)
    if row.leaf_class == "public":
        checked.add("a public record was erased", row.leaf_index)


def _check_record(row: Row[Any], concerned: set[str], checked: CheckedRange) -> None:
    if row.record is None or row.salt is None:
        checked.add("record and salt are kept or erased together", row.leaf_index)
        return
    if len(row.salt) != SALT_BYTES or commit_canonical(row.record, row.salt) != row.commitment:
        checked.add("its record is not the one that was committed to", row.leaf_index)
        return
    try:
        record = Record.from_canonical(row.record)
    except CodecError as error:
        checked.add(f"its record is of another form: {error}", row.leaf_index)
        return
    if record.is_public != (row.leaf_class == "public"):
        checked.add(f"a {record.type.value} record stands under a {row.leaf_class} leaf", row.leaf_index)
    for name, said in list_columns(record).items():
        if getattr(row, name) != said:
            checked.add(f"the column {name} does not say what the record says", row.leaf_index)
    if concerned != set(record.concerns):
        checked.add("whom it concerns is stored otherwise than the record says", row.leaf_index)
