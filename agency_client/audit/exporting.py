"""Write an audit into a file that anybody with the exchange's sheet can verify, offline and line by line.

It stands on the newest checkpoint that the quorum of pinned witnesses has seen, never on one that was shown to this
node alone: evidence must not come out of a history made for its reader. What was logged after that is left for later.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
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
from agency_client.local_store.access_chain import read_line
from agency_client.local_store.access_log import iterate_lines, list_signed_heads
from agency_client.local_store.checkpoints import SignedCheckpoint, load_checkpoint_within
from agency_client.local_store.cosignatures import list_partner_heads
from agency_client.node import Node
from agency_client.witness.observer import LogError
from agency_client.witness.standing import NotYetWitnessedError, demand_witnessed, read_quorum
from agency_client.witness.waiting import meet_witnesses
from schemas.api import LEAVES_PATH, MAX_RANGE_LEAVES, LeavesAnswer, LoggedRecord
from schemas.signed import SignedDocument

Progress = Callable[[int, int], None]
"""Told after every answer: how many leaves have been fetched, of how many."""


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export holds; `left_out` records that were found lie beyond what the witnesses have seen."""

    path: Path
    lines: int
    leaves: int
    records: int
    entries: int
    left_out: int


def export_audit(node: Node, path: Path, order: AuditOrder, progress: Progress | None = None) -> ExportReport:
    """Write records with their salts, every leaf's commitment, the checkpoint, the own access log and its signed heads.

    The file is new and private. The export is on record in the access log it contains.

    Raises:
        FileExistsError: there is such a file.
        LogError: the exchange's answers do not hold.
        NotYetWitnessedError: the quorum has seen nothing of what was asked for.
    """
    found = ask_records(node, replace(order, limit=MAX_RECORDS, verb="audit-export"))
    meet_witnesses(node)
    note = _choose_checkpoint(node, found)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            report = _write(node, file, path, order, found, note, progress)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)  # half an export would verify as a broken one
        raise
    return report


def _choose_checkpoint(node: Node, found: ProvenRecords) -> SignedCheckpoint:
    """Return the newest checkpoint that is held here and witnessed, with a witness's own line where one cosigned it."""
    with node.store.read() as snapshot:
        size = read_quorum(node, snapshot).witnessed_size
        checkpoint = load_checkpoint_within(snapshot, node.sheet.origin, size)
        heads = {(head.size, head.root): head.note for head in list_partner_heads(snapshot, node.sheet.origin)}
        first = min((logged.index for logged in found.records), default=0)
        demand_witnessed(node, snapshot, first + 1, "what was asked for")
    if checkpoint is None or checkpoint.size <= first:
        raise NotYetWitnessedError("this node holds no checkpoint that the witnesses have seen", fix="run: agency sync")
    return replace(checkpoint, note=heads.get((checkpoint.size, checkpoint.root), checkpoint.note))


def _write(
    node: Node,
    file: BinaryIO,
    path: Path,
    order: AuditOrder,
    found: ProvenRecords,
    checkpoint: SignedCheckpoint,
    progress: Progress | None,
) -> ExportReport:
    writer = _Writer(file)
    writer.write(_make_header(node, order, found))
    writer.write(CheckpointLine(type="checkpoint", note=checkpoint.note.decode()))
    records = {logged.index: logged for logged in found.records}
    for line, public in _fetch_leaves(node, checkpoint.size, progress):
        writer.write(line)
        records |= public
    shown = [index for index in sorted(records) if index < checkpoint.size]
    for index in shown:
        logged = records[index]
        writer.write(RecordLine(type="record", index=index, record=logged.record, salt=logged.salt))
    entries = _write_access_log(node, writer)
    writer.write(writer.hash.make_end())
    left_out = len(records) - len(shown)
    return ExportReport(path, writer.hash.lines, checkpoint.size, len(shown), entries, left_out)


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
        purpose=order.purpose.value,
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
            writer.write(AccessEntryLine(type="access-entry", entry=read_line(data)))
            count += 1
        for head in list_signed_heads(snapshot):
            writer.write(AccessHeadLine(type="access-head", document=SignedDocument.from_canonical(head.document)))
    return count
