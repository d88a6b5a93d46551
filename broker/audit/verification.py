"""Recompute a stored log from its leaves: every record against its commitment, every column against its record.

Nothing of the exchange's is believed but its public keys. What a client cannot see is checked here too: that the
columns and lists by which auditors find records say what the records say.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from broker.audit.leaf_checks import MAX_FINDINGS, CheckedRange, CheckRanges, Finding, check_here
from broker.audit.log_store import StoredHead, count_leaves_from, select_head
from keys.errors import KeysError
from keys.log_keys import LogPublicKeys, verify_checkpoint
from schemas.codec import CodecError
from schemas.key_documents import ExchangeSheet
from schemas.log.checkpoint import Checkpoint
from schemas.log.tree import Frontier

Progress = Callable[[int, int], None]


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


def verify_stored_log(
    connection: Connection, sheet: ExchangeSheet, progress: Progress, check_ranges: CheckRanges | None = None
) -> LogReport:
    """Verify everything that is stored of a log, in one snapshot of its database.

    `progress` is told how many leaves were done, and of how many. `check_ranges` may look at the leaves elsewhere.

    Raises:
        LogMissingError: there is no log.
    """
    head = select_head(connection)
    report = LogReport()
    signed = _read_checkpoint(head, sheet, report)
    if head.origin != sheet.origin:
        report.add(f"the head is of {head.origin}, the exchange's log is {sheet.origin}")
    frontier = Frontier()
    last_time: datetime | None = None
    for checked in (check_ranges or partial(check_here, connection))(head.size):
        last_time = _take_over(checked, last_time, report)
        _climb(frontier, checked.hashes, signed, report)
        progress(report.leaves, head.size)
    report.root = frontier.root()
    report.leaves += count_leaves_from(connection, head.size)
    _check_head(head, last_time, signed, report)
    return report


def _take_over(checked: CheckedRange, last_time: datetime | None, report: LogReport) -> datetime | None:
    """Add what was seen of a range to the report, and return the newest time so far."""
    report.erased += checked.erased
    for finding in checked.findings:
        report.add(finding.problem, finding.leaf)
    if checked.first_time is None or checked.last_time is None:
        return last_time
    if last_time is not None and checked.first_time < last_time:
        report.add("its time is before that of the leaf before it", checked.start)
    return checked.last_time if last_time is None else max(last_time, checked.last_time)


def _climb(frontier: Frontier, hashes: list[bytes], signed: Checkpoint | None, report: LogReport) -> None:
    """Grow the tree by a range, and compare its root where a checkpoint was signed."""
    for leaf_hash in hashes:
        frontier.append(leaf_hash)
        if signed is not None and len(frontier) == signed.size and frontier.root() != signed.root:
            report.add(f"the signed checkpoint of {signed.size} leaves has another root than the leaves")
    report.leaves += len(hashes)


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


def _check_head(head: StoredHead, last_time: datetime | None, signed: Checkpoint | None, report: LogReport) -> None:
    if head.size != report.leaves:
        report.add(f"the head counts {head.size} leaves, {report.leaves} are stored")
    if head.root != report.root:
        report.add("the head's root is not the root of the leaves")
    if last_time is not None and head.last_time != last_time:
        report.add("the head's time is not that of its last leaf")
    if signed is not None and signed.size > report.leaves:
        report.add(f"a checkpoint of {signed.size} leaves was signed, only {report.leaves} are stored")
