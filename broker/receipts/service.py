"""Passing receipts on: a request is accepted whole or not at all, a batch each on its own."""

from asyncio import gather
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from broker.access.caller import Caller
from broker.audit.batches import Accepted, answer_each
from broker.audit.log import AuditLog
from broker.audit.refusals import RefusalRecorder
from broker.directory.live import Directory
from broker.http.refusal import Refusal, RefusedError, refuse
from broker.inbox.allowance import refuse_full
from broker.inbox.delivery import Inboxes
from broker.inbox.store import has_sent
from broker.receipts.rules import ReceiptFacts, judge_receipt
from broker.receipts.store import insert_receipt, select_receipt
from broker.storage.failpoints import failpoint
from broker.storage.fair_queue import Turn
from broker.storage.group_commit import GroupCommitWriter
from broker.storage.transaction import PendingLeaf, Transaction
from schemas.api import EvidenceList, ReceiptsRequest
from schemas.batches import BatchAnswer
from schemas.log.records import RecordType
from schemas.receipts import SealedReceipt


class ReceiptService:
    """The use case of handing in receipts."""

    def __init__(
        self,
        exchange: str,
        directory: Directory,
        inboxes: Inboxes,
        writer: GroupCommitWriter,
        log: AuditLog,
        refusals: RefusalRecorder,
    ) -> None:
        self._exchange = exchange
        self._directory = directory
        self._inboxes = inboxes
        self._writer = writer
        self._log = log
        self._refusals = refusals

    async def submit(self, caller: Caller, request: ReceiptsRequest) -> tuple[EvidenceList, bool]:
        """Pass receipts on; return their evidence, and whether any is new. A receipt handed in again keeps its leaf.

        Raises:
            RefusedError: one of them is refused, so none is passed on; the refusal is in the log.
            StoreError: they could not be stored.
        """
        async with self._refusals.recording(caller.actor):
            leaves, are_new = await self._writer.commit(
                lambda transaction: self._accept(transaction, caller, request), Turn(caller.agency)
            )
        failpoint("receipt.before-answer")
        view = self._log.view
        evidence = EvidenceList(
            leaves=tuple(leaf.logged for leaf in leaves),
            proofs=tuple(view.prove_inclusion(leaf.index) for leaf in leaves),
            checkpoint=view.note,
        )
        return evidence, are_new

    async def submit_each(self, caller: Caller, unverified_receipts: Sequence[bytes]) -> BatchAnswer:
        """Pass receipts on, each on its own and in this order; answer each with what it would have got alone."""
        read = [_read(data) for data in unverified_receipts]
        outcomes = await gather(*(self._take(caller, item) for item in read), return_exceptions=True)
        return answer_each(outcomes, self._log.view, self._writer.metrics)

    async def _take(self, caller: Caller, read: SealedReceipt | ValueError) -> Accepted:
        async with self._refusals.recording(caller.actor):
            if isinstance(read, ValueError):
                raise read
            return await self._writer.commit(partial(self._accept_one, caller, read), Turn(caller.agency))

    def _accept(
        self, transaction: Transaction, caller: Caller, request: ReceiptsRequest
    ) -> tuple[list[PendingLeaf], bool]:
        # A refusal takes the whole operation back, so each can be stored as soon as it is judged.
        accepted = [
            self._accept_at(position, caller, receipt, transaction) for position, receipt in enumerate(request.receipts)
        ]
        return [item.leaf for item in accepted], any(item.is_new for item in accepted)

    def _accept_at(self, position: int, caller: Caller, receipt: SealedReceipt, transaction: Transaction) -> Accepted:
        try:
            return self._accept_one(caller, receipt, transaction)
        except RefusedError as error:
            field = f"receipts.{position}.{error.refusal.field}" if error.refusal.field else f"receipts.{position}"
            raise RefusedError(replace(error.refusal, field=field)) from error

    def _accept_one(self, caller: Caller, receipt: SealedReceipt, transaction: Transaction) -> Accepted:
        accepted = select_receipt(transaction.connection, caller.agency, receipt.digest)
        if accepted is not None and receipt.from_agency == caller.agency:
            return Accepted(_recall(transaction, accepted), is_new=False)
        refusal = self._judge(transaction, caller, receipt) or self._judge_room(transaction, receipt)
        if refusal is not None:
            raise RefusedError(refusal)
        leaf = transaction.append(
            RecordType.RECEIPT,
            concerns=(receipt.from_agency, receipt.to_agency),
            actor=caller.actor,
            agency=receipt.from_agency,
            partner=receipt.to_agency,
            digest=receipt.digest,
            receipt_type=receipt.type,
        )
        evidence_until = self._inboxes.find_receipt_end(transaction, caller.agency, receipt.to_agency)
        insert_receipt(transaction.connection, caller.agency, receipt.digest, leaf.index, evidence_until)
        self._inboxes.put_receipt(transaction, receipt.to_agency, leaf, receipt.canonical())
        failpoint("receipt.stored")
        return Accepted(leaf, is_new=True)

    def _judge_room(self, transaction: Transaction, receipt: SealedReceipt) -> Refusal | None:
        to, size = receipt.to_agency, len(receipt.canonical())
        has_room = self._inboxes.rooms.has_room(transaction, to, size, is_pressing=True)
        return None if has_room else refuse_full(to, "to_agency")

    def _judge(self, transaction: Transaction, caller: Caller, receipt: SealedReceipt) -> Refusal | None:
        return judge_receipt(
            ReceiptFacts(
                caller=caller.agency,
                exchange=self._exchange,
                now=transaction.now,
                receipt=receipt,
                to=self._directory.as_of(transaction).get(receipt.to_agency),
                has_message=has_sent(transaction.connection, receipt.to_agency, receipt.from_agency),
            )
        )


def _read(unverified_data: bytes) -> SealedReceipt | ValueError:
    """Read a receipt; why that cannot be done is returned, for it must be on record before it is told."""
    try:
        return SealedReceipt.from_canonical(unverified_data)
    except ValueError as error:
        return error


def _recall(transaction: Transaction, index: int) -> PendingLeaf:
    leaf = transaction.recall(index)
    if leaf is None:
        raise refuse("not-found", "the record of this receipt has been erased")
    return leaf
