"""Reading the log: proofs and leaves for every member, records for auditors, whose questions are records too."""

from broker.access.caller import Caller
from broker.audit.errors import RangeError
from broker.audit.log import AuditLog, LogView
from broker.audit.queries import FoundRecord, select_records
from broker.audit.rules import describe_query, find_scope
from broker.storage.engine import Database
from broker.storage.failpoints import failpoint
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
_LEAVES_AT_ONCE = 64


class AuditService:
    """The use cases of everybody who reads the log."""

    def __init__(self, writer: GroupCommitWriter, database: Database, log: AuditLog) -> None:
        self._writer = writer
        self._database = database
        self._log = log

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
        found = self._find(caller, query)
        shown = found[: query.limit]
        asked = await self._writer.commit(lambda transaction: _record_query(transaction, caller, query, len(shown)))
        view = self._log.view
        return AuditAnswer(
            records=tuple(_show_record(row) for row in shown),
            proofs=tuple(view.prove_inclusion(row.index) for row in shown),
            more=len(found) > len(shown),
            query=asked.logged,
            checkpoint=view.note,
        )

    def _find(self, caller: Caller, query: AuditQuery) -> list[FoundRecord]:
        scope = find_scope(caller.agency, caller.role)
        with self._database.read() as connection:
            return select_records(connection, query, scope, self._log.view.size, query.limit + 1)

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
