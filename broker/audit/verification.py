"""Recompute a stored log from its leaves: every record against its commitment, every column against its record.

Nothing of the exchange's is believed but its public keys. What a client cannot see is checked here too: that the
columns and lists by which auditors find records say what the records say.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from broker.audit.log_store import StoredHead, select_head
from broker.audit.queries import list_concerns, list_leaves
from broker.audit.tables import ERASED_TYPE
from keys.errors import KeysError
from keys.log_keys import LogPublicKeys, verify_checkpoint
from schemas.codec import CodecError
from schemas.key_documents import ExchangeSheet
from schemas.log.checkpoint import Checkpoint
from schemas.log.leaf import SALT_BYTES, commit_canonical, leaf_hash, make_leaf
from schemas.log.records import Record
from schemas.log.tree import HASH_BYTES, Frontier

MAX_FINDINGS = 100
_ERASED = ("agency", "partner", "actor", "node", "message", "agreement", "problem")

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong; `leaf` is absent where it is about the log as a whole."""

    problem: str
    leaf: int | None = None


@dataclass(slots=True)
class LogReport:
    """What a verification saw: how many leaves, how many records erased, the root, and everything that is wrong."""

    leaves: int = 0
    erased: int = 0
    root: bytes = b""
    checkpoint_size: int | None = None
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Return whether nothing was found wrong."""
        return not self.findings

    def add(self, problem: str, leaf: int | None = None) -> None:
        """Note one thing that is wrong; after a hundred the rest is not worth a line each."""
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(Finding(problem, leaf))


def verify_stored_log(connection: Connection, sheet: ExchangeSheet, progress: Progress) -> LogReport:
    """Verify everything that is stored of a log, in one snapshot of its database.

    `progress` is told how many leaves were done, and of how many.

    Raises:
        LogMissingError: there is no log.
    """
    head = select_head(connection)
    report = LogReport()
    signed = _read_checkpoint(head, sheet, report)
    if head.origin != sheet.origin:
        report.add(f"the head is of {head.origin}, the exchange's log is {sheet.origin}")
    frontier, last_time = Frontier(), datetime.min.replace(tzinfo=head.last_time.tzinfo)
    concerns = _Concerns(list_concerns(connection))
    for row in _read_leaves(connection, report):
        last_time = _check_leaf(row, report.leaves, last_time, concerns, report)
        frontier.append(row.leaf_hash)
        report.leaves += 1
        if signed is not None and report.leaves == signed.size and frontier.root() != signed.root:
            report.add(f"the signed checkpoint of {signed.size} leaves has another root than the leaves")
        if report.leaves % 1000 == 0:
            progress(report.leaves, head.size)
    report.root = frontier.root()
    _check_head(head, last_time, signed, report)
    progress(report.leaves, head.size)
    return report


def _read_checkpoint(head: StoredHead, sheet: ExchangeSheet, report: LogReport) -> Checkpoint | None:
    """Return the newest stored checkpoint, if both of the log's keys signed it."""
    if head.checkpoint is None:
        return None
    keys = LogPublicKeys(sheet.log_keys.ed25519.public_bytes, sheet.log_keys.ml_dsa.public_bytes)
    try:
        signed = verify_checkpoint(head.checkpoint, sheet.origin, keys)
    except (KeysError, CodecError) as error:
        report.add(f"the stored checkpoint does not verify: {error}")
        return None
    report.checkpoint_size = signed.size
    return signed


def _check_head(head: StoredHead, last_time: datetime, signed: Checkpoint | None, report: LogReport) -> None:
    if head.size != report.leaves:
        report.add(f"the head counts {head.size} leaves, {report.leaves} are stored")
    if head.root != report.root:
        report.add("the head's root is not the root of the leaves")
    if report.leaves and head.last_time != last_time:
        report.add("the head's time is not that of its last leaf")
    if signed is not None and signed.size > report.leaves:
        report.add(f"a checkpoint of {signed.size} leaves was signed, only {report.leaves} are stored")


def _read_leaves(connection: Connection, report: LogReport) -> Iterator[Row[Any]]:
    """Yield the stored leaves; end at a row that holds something else than what its columns are for."""
    try:
        for row in list_leaves(connection):
            if _is_readable(row):
                yield row
            else:
                report.add("its row holds values of another type", row.leaf_index)
                return
    except (TypeError, ValueError, OverflowError):
        report.add(f"the row behind leaf {report.leaves - 1} cannot be read")


def _is_readable(row: Row[Any]) -> bool:
    hashes = (row.commitment, row.leaf_hash)
    return (
        row.leaf_class in ("public", "private")
        and all(isinstance(value, bytes) and len(value) == HASH_BYTES for value in hashes)
        and all(value is None or isinstance(value, bytes) for value in (row.record, row.salt))
    )


def _check_leaf(
    row: Row[Any], expected_index: int, last_time: datetime, concerns: "_Concerns", report: LogReport
) -> datetime:
    index: int = row.leaf_index
    time: datetime = row.time
    if index != expected_index:
        report.add(f"leaf {expected_index} is missing", index)
    if time < last_time:
        report.add("its time is before that of the leaf before it", index)
    if leaf_hash(make_leaf(row.leaf_class, row.commitment)) != row.leaf_hash:
        report.add("its hash is not that of its class and commitment", index)
    concerned = concerns.take(index)
    if row.record is None and row.salt is None:
        report.erased += 1
        if row.record_type != ERASED_TYPE or concerned or any(getattr(row, name) is not None for name in _ERASED):
            report.add("its record was erased, and what repeated it was not", index)
        if row.leaf_class == "public":
            report.add("a public record was erased", index)
    else:
        _check_record(row, concerned, report)
    return max(time, last_time)


def _check_record(row: Row[Any], concerned: set[str], report: LogReport) -> None:
    if row.record is None or row.salt is None:
        report.add("record and salt are kept or erased together", row.leaf_index)
        return
    if len(row.salt) != SALT_BYTES or commit_canonical(row.record, row.salt) != row.commitment:
        report.add("its record is not the one that was committed to", row.leaf_index)
        return
    try:
        record = Record.from_canonical(row.record)
    except CodecError as error:
        report.add(f"its record is of another form: {error}", row.leaf_index)
        return
    if record.is_public != (row.leaf_class == "public"):
        report.add(f"a {record.type.value} record stands under a {row.leaf_class} leaf", row.leaf_index)
    for name, said in list_columns(record).items():
        if getattr(row, name) != said:
            report.add(f"the column {name} does not say what the record says", row.leaf_index)
    if concerned != set(record.concerns):
        report.add("whom it concerns is stored otherwise than the record says", row.leaf_index)


def list_columns(record: Record) -> dict[str, Any]:
    """Return what the columns beside a record must repeat of it."""
    return {
        "record_type": record.type.value,
        "time": record.time,
        "agency": record.agency,
        "partner": record.partner,
        "actor": record.actor.agency if record.actor else None,
        "node": record.actor.node if record.actor else None,
        "message": record.message.id if record.message else None,
        "agreement": record.agreement,
        "problem": record.problem,
    }


class _Concerns:
    """The lists of whom each leaf concerns, taken leaf by leaf from one ordered stream."""

    def __init__(self, rows: Iterator[tuple[int, str]]) -> None:
        self._rows = rows
        self._next = next(rows, None)

    def take(self, index: int) -> set[str]:
        found = set()
        while self._next is not None and self._next[0] <= index:
            if self._next[0] == index:
                found.add(self._next[1])
            self._next = next(self._rows, None)
        return found
