"""Statuses for partners, and heads of the agencies' own access logs: accepted in order, the newest kept."""

import asyncio
from functools import partial

from broker.access.caller import Caller
from broker.audit.log import AuditLog, read_leaf
from broker.audit.log_view import LogView
from broker.audit.refusals import RefusalRecorder
from broker.clock import Clock
from broker.directory.live import Directory
from broker.directory.members import Members
from broker.statuses.rules import (
    Signer,
    VerifiedHead,
    VerifiedStatus,
    verify_head,
    verify_head_follows,
    verify_key_in_force,
    verify_partner,
    verify_status,
    verify_status_follows,
)
from broker.statuses.store import (
    StoredHead,
    StoredStatus,
    put_head,
    put_status,
    select_head,
    select_status,
    select_statuses_for,
)
from broker.storage.engine import Database
from broker.storage.fair_queue import Turn
from broker.storage.group_commit import GroupCommitWriter
from broker.storage.transaction import PendingLeaf, Transaction
from schemas.api import Evidence, PartnerStatus, StatusesAnswer
from schemas.log.records import RecordType
from schemas.signed import SignedDocument


class StatusService:
    """The use cases of statuses and access-log heads."""

    def __init__(
        self,
        exchange: str,
        directory: Directory,
        writer: GroupCommitWriter,
        database: Database,
        log: AuditLog,
        refusals: RefusalRecorder,
        clock: Clock,
    ) -> None:
        self._exchange = exchange
        self._directory = directory
        self._writer = writer
        self._database = database
        self._log = log
        self._refusals = refusals
        self._clock = clock

    async def submit_status(self, caller: Caller, document: SignedDocument) -> tuple[Evidence, bool]:
        """Accept the caller's next status for a partner; return its evidence, and whether it is new.

        Raises:
            RefusedError, KeysError, CodecError: it is refused, and the refusal is in the log.
            StoreError: it could not be stored.
        """
        async with self._refusals.recording(caller.actor, kind=RecordType.STATUS.value):
            verified = await self._directory.judge(
                lambda members: verify_status(document, self._find_signer(caller, members))
            )
            leaf, is_new = await self._writer.commit(
                partial(self._accept_status, caller, verified), Turn(caller.agency)
            )
        return self._log.prove(leaf), is_new

    async def submit_head(self, caller: Caller, document: SignedDocument) -> tuple[Evidence, bool]:
        """Accept the newest head of the caller's own access log; return its evidence, and whether it is new.

        Raises:
            RefusedError, KeysError, CodecError: it is refused, and the refusal is in the log.
            StoreError: it could not be stored.
        """
        async with self._refusals.recording(caller.actor, kind=RecordType.ACCESS_LOG_HEAD.value):
            verified = await self._directory.judge(
                lambda members: verify_head(document, self._find_signer(caller, members))
            )
            leaf, is_new = await self._writer.commit(partial(self._accept_head, caller, verified), Turn(caller.agency))
        return self._log.prove(leaf), is_new

    async def list_statuses(self, caller: Caller) -> StatusesAnswer:
        """Return the newest status of every partner that signed one for the caller."""
        return await asyncio.to_thread(self._read_statuses, caller.agency)

    def _find_signer(self, caller: Caller, members: Members) -> Signer:
        return Signer(caller.agency, caller.node, members.find(caller.agency), self._exchange, self._clock.now())

    def _accept_status(
        self, caller: Caller, verified: VerifiedStatus, transaction: Transaction
    ) -> tuple[PendingLeaf, bool]:
        status, connection = verified.status, transaction.connection
        newest = select_status(connection, status.agency, status.partner)
        if newest is not None and newest.digest == verified.digest:
            return _recall(transaction, newest.leaf_index), False
        members = self._directory.as_of(transaction)
        verify_key_in_force(verified.kids, members.find(status.agency), transaction.now)
        verify_partner(members.get(status.partner), status.partner)
        if newest is None:
            verify_status_follows(status, 0, None, None)
        else:
            verify_status_follows(status, newest.seq, newest.digest, newest.time)
        leaf = transaction.append(
            RecordType.STATUS,
            concerns=(status.agency, status.partner),
            actor=caller.actor,
            agency=status.agency,
            partner=status.partner,
            digest=verified.digest,
        )
        stored = StoredStatus(
            partner=status.partner,
            agency=status.agency,
            seq=status.seq,
            digest=verified.digest,
            time=status.time,
            leaf_index=leaf.index,
            document=verified.document.canonical(),
        )
        put_status(connection, stored, is_first=newest is None)
        return leaf, True

    def _accept_head(
        self, caller: Caller, verified: VerifiedHead, transaction: Transaction
    ) -> tuple[PendingLeaf, bool]:
        head, connection = verified.head, transaction.connection
        newest = select_head(connection, head.agency, head.node)
        if newest is not None and newest.digest == verified.digest:
            return _recall(transaction, newest.leaf_index), False
        verify_key_in_force(verified.kids, self._directory.as_of(transaction).find(head.agency), transaction.now)
        if newest is not None:
            verify_head_follows(head, newest.count, newest.head)
        leaf = transaction.append(
            RecordType.ACCESS_LOG_HEAD,
            concerns=(head.agency,),
            actor=caller.actor,
            agency=head.agency,
            digest=verified.digest,
            count=head.count,
        )
        stored = StoredHead(head.agency, head.node, head.count, head.head, verified.digest, leaf.index)
        put_head(connection, stored, is_first=newest is None)
        return leaf, True

    def _read_statuses(self, agency: str) -> StatusesAnswer:
        with self._database.read() as connection:
            rows = select_statuses_for(connection, agency)
            view = self._log.view
            leaves = {row.leaf_index: read_leaf(connection, row.leaf_index) for row in rows}
        statuses = (_show_status(row, leaves[row.leaf_index], view) for row in rows)
        return StatusesAnswer(statuses=tuple(filter(None, statuses)), checkpoint=view.note)


def _recall(transaction: Transaction, index: int) -> PendingLeaf:
    leaf = transaction.recall(index)
    if leaf is None:
        raise LookupError(f"the record of leaf {index} was erased, though its document is the newest")
    return leaf


def _show_status(row: StoredStatus, leaf: PendingLeaf | None, view: LogView) -> PartnerStatus | None:
    # A status committed this very moment may not be under a signed checkpoint yet; it is shown with the next one.
    if leaf is None or leaf.index >= view.size:
        return None
    document = SignedDocument.model_validate_json(row.document)
    proof = view.prove_inclusion(leaf.index)
    return PartnerStatus(agency=row.agency, document=document, leaf=leaf.logged, proof=proof)
