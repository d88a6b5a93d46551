"""Reading the log: proofs and leaves for every member, records for auditors, whose questions are records too."""

import asyncio
from collections.abc import Iterable, Sequence

from broker.access.caller import Caller
from broker.audit.errors import RangeError
from broker.audit.log import AuditLog
from broker.audit.log_store import select_head
from broker.audit.log_view import LogView
from broker.audit.queries import FoundRecord, select_records
from broker.audit.rules import describe_query, find_scope
from broker.storage.engine import Database
from broker.storage.failpoints import failpoint
from broker.storage.fair_queue import Turn
from broker.storage.group_commit import GroupCommitWriter
from broker.storage.transaction import PendingLeaf, Transaction
from schemas.api import (
    MAX_RANGE_LEAVES,
    AuditAnswer,
    AuditQuery,
    CheckpointAnswer,
    ConsistencyAnswer,
    LeavesAnswer,
    LoggedRecord,
    RangeLeaf,
)
from schemas.codec import b64u_encode
from schemas.log.records import Record, RecordType

MAX_RANGE_BYTES = 2 << 20
MAX_AUDIT_BYTES = 4 << 20
QUESTIONS_AT_ONCE = 3
"""How many questions read the log at the same time: fewer than there are threads and connections for everybody."""
_LEAVES_AT_ONCE = 64


class AuditService:
    """The use cases of everybody who reads the log."""

    def __init__(self, writer: GroupCommitWriter, database: Database, log: AuditLog) -> None:
        self._writer = writer
        self._database = database
        self._log = log
        self._turns = asyncio.Semaphore(QUESTIONS_AT_ONCE)

    async def reach(self, size: int) -> None:
        """Let the newest checkpoint here cover `size` leaves, if there are so many: others may have signed them.

        Raises:
            StoreError: that cannot be found out.
        """
        if size > self._log.view.size and await asyncio.to_thread(self._count_leaves) > self._log.view.size:
            await self._writer.commit(lambda _transaction: None)

    def show_checkpoint(self) -> CheckpointAnswer:
        """Return the newest signed checkpoint."""
        return CheckpointAnswer(checkpoint=self._log.view.note)

    def prove_consistency(self, old_size: int, new_size: int | None = None) -> ConsistencyAnswer:
        """Return the proof that `old_size` leaves are the beginning of `new_size`, or of the newest checkpoint's.

        Raises:
            BeyondCheckpointError: the log is not as long.
        """
        view = self._log.view
        proof = view.prove_consistency(old_size, new_size)
        return ConsistencyAnswer(old_size=old_size, proof=proof, checkpoint=view.note)

    def read_leaves(self, start: int, end: int) -> LeavesAnswer:
        """Return leaves from `start` to before `end`, or as many of them as fit into one answer: at least one.

        Raises:
            RangeError: the range is empty, or its ends are the wrong way round.
            BeyondCheckpointError: the log is not as long.
        """
        if start >= end:
            raise RangeError(f"from {start} to before {end} there is no leaf")
        view = self._log.view
        view.prove_inclusion(end - 1)  # raises when the view does not reach as far
        return LeavesAnswer(
            start=start, leaves=self._read_some(view, start, min(end, start + MAX_RANGE_LEAVES)), checkpoint=view.note
        )

    async def query(self, caller: Caller, query: AuditQuery) -> AuditAnswer:
        """Return what an auditor asks for, once the question itself is in the log.

        Raises:
            StoreError: the question could not be written down, so nothing is answered.
        """
        # Off the event loop: a question may make the database read every leaf, and everybody else goes on meanwhile.
        async with self._turns:
            shown, more = await asyncio.to_thread(self._find, caller, query)
        asked = await self._writer.commit(
            lambda transaction: _record_query(transaction, caller, query, len(shown)), Turn(caller.agency)
        )
        return await asyncio.to_thread(_answer_query, shown, more, asked, self._log.view)

    def _count_leaves(self) -> int:
        with self._database.read() as connection:
            return select_head(connection).size

    def _find(self, caller: Caller, query: AuditQuery) -> tuple[list[FoundRecord], bool]:
        scope = find_scope(caller.agency, caller.role)
        with self._database.read() as connection:
            return fit_records(
                select_records(connection, query, scope, self._log.view.size, query.limit + 1), query.limit
            )

    def _read_some(self, view: LogView, start: int, end: int) -> tuple[RangeLeaf, ...]:
        leaves: list[RangeLeaf] = []
        size = 0
        with self._database.read() as connection:
            while start + len(leaves) < end and size <= MAX_RANGE_BYTES:
                at = start + len(leaves)
                some = self._log.read_range(connection, view, at, min(at + _LEAVES_AT_ONCE, end))
                leaves += some
                size += sum(_measure(leaf) for leaf in some)
        return tuple(leaves)


def fit_records(found: Iterable[FoundRecord], limit: int) -> tuple[list[FoundRecord], bool]:
    """Return as many records as one answer may carry, at least one, and whether others are left."""
    shown: list[FoundRecord] = []
    size = 0
    for row in found:
        size += len(row.record)
        if len(shown) == limit or (shown and size > MAX_AUDIT_BYTES):
            return shown, True
        shown.append(row)
    return shown, False


def _answer_query(shown: Sequence[FoundRecord], more: bool, asked: PendingLeaf, view: LogView) -> AuditAnswer:
    return AuditAnswer(
        records=tuple(_show_record(row) for row in shown),
        proofs=tuple(view.prove_inclusion(row.index) for row in shown),
        more=more,
        query=asked.logged,
        checkpoint=view.note,
    )


def _record_query(transaction: Transaction, caller: Caller, query: AuditQuery, count: int) -> PendingLeaf:
    leaf = transaction.append(
        RecordType.AUDIT_QUERY,
        concerns=[caller.agency],
        actor=caller.actor,
        agency=caller.agency,
        detail=describe_query(query),
        count=count,
    )
    failpoint("audit.query-recorded")
    return leaf


def _show_record(row: FoundRecord) -> LoggedRecord:
    return LoggedRecord(index=row.index, record=Record.model_validate_json(row.record), salt=b64u_encode(row.salt))


def _measure(leaf: RangeLeaf) -> int:
    document = leaf.record.document if leaf.record else None
    return len(document.payload) if document else 0
