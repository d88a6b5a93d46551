"""Write an audit into a file that anybody with the exchange's sheet can verify, offline and line by line."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from agency_client.audit.asking import MAX_RECORDS, AuditOrder, ProvenRecords, ask_records
from agency_client.audit.bundle import (
    AccessEntryLine,
    AccessHeadLine,
    BundleLine,
    CheckpointLine,
    HeaderLine,
    LeavesLine,
    LineHash,
    RecordLine,
)
from agency_client.local_store.access_chain import AccessEntry
from agency_client.local_store.access_log import iterate_lines, list_signed_heads
from agency_client.node import Node
from agency_client.witness.observer import LogError
from schemas.api import LEAVES_PATH, MAX_RANGE_LEAVES, LeavesAnswer, LoggedRecord
from schemas.log.checkpoint import Checkpoint
from schemas.signed import SignedDocument

Progress = Callable[[int, int], None]
"""Told after every answer: how many leaves have been fetched, of how many."""


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export holds."""

    path: Path
    lines: int
    leaves: int
    records: int
    entries: int


def export_audit(node: Node, path: Path, order: AuditOrder, progress: Progress | None = None) -> ExportReport:
    """Write records with their salts, every leaf's commitment, the checkpoint, the own access log and its signed heads.

    The file is new and private. The export is on record in the access log it contains.

    Raises:
        FileExistsError: there is such a file.
        LogError: the exchange's answers do not hold.
    """
    found = ask_records(node, AuditOrder(order.reason, order.case, order.filters, MAX_RECORDS, "audit-export"))
    checkpoint = found.checkpoint
    if checkpoint is None:
        raise LogError("the exchange gave no checkpoint")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            report = _write(node, file, path, order, found, checkpoint, progress)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)  # half an export would verify as a broken one
        raise
    return report


def _write(
    node: Node,
    file: BinaryIO,
    path: Path,
    order: AuditOrder,
    found: ProvenRecords,
    checkpoint: Checkpoint,
    progress: Progress | None,
) -> ExportReport:
    writer = _Writer(file)
    writer.write(_make_header(node, order, found))
    writer.write(CheckpointLine(type="checkpoint", note=found.note))
    records = {logged.index: logged for logged in found.records}
    for line, public in _fetch_leaves(node, checkpoint.size, progress):
        writer.write(line)
        records |= public
    for index in sorted(records):
        logged = records[index]
        if index < checkpoint.size:
            writer.write(RecordLine(type="record", index=index, record=logged.record, salt=logged.salt))
    entries = _write_access_log(node, writer)
    writer.write(writer.hash.make_end())
    return ExportReport(path, writer.hash.lines, checkpoint.size, len(records), entries)


class _Writer:
    """Writes lines and keeps their hash."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.hash = LineHash()

    def write(self, line: BundleLine) -> None:
        data = line.canonical()
        self._file.write(data + b"\n")
        self.hash.add(data)


def _make_header(node: Node, order: AuditOrder, found: ProvenRecords) -> HeaderLine:
    return HeaderLine(
        type="header",
        v=1,
        exchange=node.exchange,
        origin=node.sheet.origin,
        agency=node.agency,
        officer=node.officer,
        reason=order.reason,
        made_at=node.clock.now(),
        records_complete=not order.filters and not found.more,
    )


def _fetch_leaves(
    node: Node, size: int, progress: Progress | None
) -> Iterator[tuple[LeavesLine, dict[int, LoggedRecord]]]:
    start = 0
    while start < size:
        query: dict[str, str | int] = {"start": start, "end": min(start + MAX_RANGE_LEAVES, size)}
        answer = node.connection.get(LEAVES_PATH, LeavesAnswer, query)
        node.observer.observe(answer.checkpoint)
        if answer.start != start or not 0 < len(answer.leaves) <= MAX_RANGE_LEAVES:
            raise LogError(f"leaves from {start} on were asked for, and others came")
        yield _describe_range(answer)
        start += len(answer.leaves)
        if progress is not None:
            progress(start, size)


def _describe_range(answer: LeavesAnswer) -> tuple[LeavesLine, dict[int, LoggedRecord]]:
    line = LeavesLine(
        type="leaves",
        start=answer.start,
        commitments=tuple(leaf.commitment for leaf in answer.leaves),
        public=tuple(place for place, leaf in enumerate(answer.leaves) if leaf.leaf_class == "public"),
    )
    shown = {
        index: LoggedRecord(index=index, record=leaf.record, salt=leaf.salt)
        for index, leaf in enumerate(answer.leaves, start=answer.start)
        if leaf.record is not None and leaf.salt is not None
    }
    return line, shown


def _write_access_log(node: Node, writer: _Writer) -> int:
    count = 0
    with node.store.read() as snapshot:
        for data in iterate_lines(snapshot):
            writer.write(AccessEntryLine(type="access-entry", entry=AccessEntry.from_canonical(data)))
            count += 1
        for head in list_signed_heads(snapshot):
            writer.write(AccessHeadLine(type="access-head", document=SignedDocument.from_canonical(head.document)))
    return count
