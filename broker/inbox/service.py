"""Collecting an inbox: lease, wait, acknowledge; and what a sender may ask about its own messages.

A hand-over is recorded, with its lease, in the commit after which the items leave; what was not acknowledged when the
lease ends comes again, as a hand-over of its own.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from broker.access.caller import Caller
from broker.access.rules import verify_still_let_in
from broker.audit.log import AuditLog, read_leaf
from broker.audit.log_view import LogView
from broker.audit.refusals import RefusalRecorder
from broker.clock import Clock
from broker.directory.live import Directory
from broker.http.refusal import refuse
from broker.inbox.delivery import Inboxes, Standings
from broker.inbox.envelopes import join_envelope
from broker.inbox.rules import Fate, ItemState, ItemType, find_message_state
from broker.inbox.store import (
    ReadyItem,
    StoredMessage,
    StoredState,
    delete_content,
    insert_binding,
    lease_items,
    move_item,
    remember_lease,
    select_binding,
    select_content,
    select_held_agreements,
    select_leased,
    select_leased_items,
    select_next_lapse,
    select_ready,
    select_states,
    select_withdrawn,
)
from broker.inbox.waiters import wait_for_bell
from broker.storage.engine import Database
from broker.storage.failpoints import failpoint
from broker.storage.fair_queue import Turn
from broker.storage.group_commit import GroupCommitWriter
from broker.storage.transaction import PendingLeaf, Transaction
from schemas.api import (
    MAX_LEASE_BYTES,
    AcknowledgeAnswer,
    AcknowledgeRequest,
    InboxItem,
    LeaseAnswer,
    LeaseRequest,
    LoggedRecord,
    MessageItem,
    MessageState,
    MessageStatesAnswer,
    OutcomeItem,
    ReceiptItem,
)
from schemas.envelope import Envelope, Reference
from schemas.log.records import RecordType
from schemas.receipts import SealedReceipt

LEASE_SECONDS = 60
MAX_LEASES_AT_ONCE = 4
MAX_WITHDRAWN = 1000
_MAX_PASSES = 4
_SHORTEST_WAIT_SECONDS = 0.05

MakeId = Callable[[], str]


@dataclass(frozen=True, slots=True)
class _Leased:
    """One leased item with everything its answer needs but the proofs."""

    type: ItemType
    number: int
    placed: PendingLeaf
    handed_over: PendingLeaf | None
    content: bytes
    document: bytes | None


@dataclass(slots=True)
class _Lease:
    """What one look into an inbox gave. `next_lapse` is when a lease of an open item ends."""

    id: str | None = None
    until: datetime | None = None
    items: list[_Leased] = field(default_factory=list)
    withdrawn: list[Reference] = field(default_factory=list)
    more: bool = False
    next_lapse: datetime | None = None


class InboxService:
    """The use cases of whoever collects an inbox, and of whoever asks what became of a message."""

    def __init__(
        self,
        inboxes: Inboxes,
        directory: Directory,
        writer: GroupCommitWriter,
        database: Database,
        log: AuditLog,
        refusals: RefusalRecorder,
        clock: Clock,
        make_id: MakeId,
        *,
        lease_seconds: int = LEASE_SECONDS,
    ) -> None:
        self._inboxes = inboxes
        self._directory = directory
        self._writer = writer
        self._database = database
        self._log = log
        self._refusals = refusals
        self._clock = clock
        self._make_id = make_id
        self._lease_length = timedelta(seconds=lease_seconds)
        self._places: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(MAX_LEASES_AT_ONCE))

    async def lease(
        self, caller: Caller, request: LeaseRequest, leaving: "asyncio.Future[None] | None" = None
    ) -> LeaseAnswer:
        """Lease what is most urgent, then oldest; wait for something to come if the inbox is empty.

        Who waits is let go once `leaving` is done: nothing is leased to a client that hung up. Who asks again gets what
        it was handed under that lease once more, with the same hand-over: its answer may have been lost.

        Raises:
            RefusedError: the inbox is bound to another node (`second-node`).
            TokenRefusedError, CertificateUnknownError: the caller lost its key, or its CA, perhaps while it waited.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + request.wait_seconds
        with self._inboxes.waiters.listen(caller.agency) as bell:
            if leaving is not None:
                leaving.add_done_callback(lambda _: bell.set())
            while True:
                bell.clear()
                # What a lease holds is in memory until it is answered: of one inbox, this many times at most.
                async with self._places[caller.agency], self._refusals.recording(caller.actor):
                    found = await self._writer.commit(
                        partial(self._lease, caller, request), Turn.to_collect(caller.agency)
                    )
                    left = deadline - loop.time()
                    if found.items or left <= 0 or self._inboxes.waiters.is_closed:
                        failpoint("hand-over.before-answer")
                        return _answer_lease(found, self._log.view)
                await wait_for_bell(bell, self._limit_wait(left, found.next_lapse))
                if leaving is not None and leaving.done():
                    return _answer_lease(found, self._log.view)

    async def acknowledge(self, caller: Caller, request: AcknowledgeRequest) -> AcknowledgeAnswer:
        """Settle items of a lease: the caller has stored them. Those settled before are not counted again.

        Raises:
            RefusedError: an item of somebody else (`not-found`), or not under this lease any more (`lease-unknown`).
        """
        async with self._refusals.recording(caller.actor):
            settled = await self._writer.commit(
                partial(self._acknowledge, caller, request), Turn.to_collect(caller.agency)
            )
        return AcknowledgeAnswer(settled=settled)

    async def find_states(self, caller: Caller, message_id: str) -> MessageStatesAnswer:
        """Say how far a message of the caller's own has come.

        Raises:
            RefusedError: the caller has sent no such message (`not-found`).
        """
        return await asyncio.to_thread(self._read_states, caller.agency, message_id)

    def _lease(self, caller: Caller, request: LeaseRequest, transaction: Transaction) -> _Lease:
        verify_still_let_in(self._directory.as_of(transaction), caller, transaction.now)
        last_lease = self._bind(transaction, caller)
        standings = self._inboxes.find_standings(transaction)
        self._review_held(transaction, caller.agency, standings)
        may_be_again = request.again or request.lease == last_lease
        picked = self._pick_again(transaction, caller.agency, standings, request) if may_be_again else []
        is_again, more = bool(picked), True
        if not is_again:
            picked, more = self._pick(transaction, caller.agency, standings, request.max_items)
        connection, now = transaction.connection, transaction.now
        if not picked:
            return _Lease(more=more, next_lapse=select_next_lapse(connection, caller.agency, now))
        lease_id = request.lease or self._make_id()
        if lease_id != last_lease:
            remember_lease(connection, caller.agency, lease_id)
        lease = _Lease(lease_id, now + self._lease_length, more=more)
        lease.items = self._hand_over(transaction, caller, picked, lease, is_again=is_again)
        lease.withdrawn = [
            Reference(id=message_id, digest=digest)
            for message_id, digest in select_withdrawn(connection, caller.agency, MAX_WITHDRAWN)
        ]
        return lease

    def _bind(self, transaction: Transaction, caller: Caller) -> str | None:
        """Bind the inbox to the first node that collects it, since two would each see half; return its last lease."""
        binding = select_binding(transaction.connection, caller.agency)
        if binding is None:
            insert_binding(transaction.connection, caller.agency, caller.node, transaction.now)
            return None
        if (node := binding.node) != caller.node:
            raise refuse("second-node", f"the inbox of {caller.agency} is collected by its node {node}", field="node")
        return binding.last_lease

    def _review_held(self, transaction: Transaction, agency: str, standings: Standings) -> None:
        for digest in select_held_agreements(transaction.connection, agency):
            if not standings.find(digest).is_holding:
                self._inboxes.review(transaction, standings, digest, ItemState.HELD)

    def _pick_again(
        self, transaction: Transaction, agency: str, standings: Standings, request: LeaseRequest
    ) -> list[ReadyItem]:
        """Return what was handed over under the lease that is asked for again, but what may not leave any more.

        A connection that broke may have repeated the request by itself: then the very last lease is named once more.
        A name may be used for one lease after another: no more of it comes at once than one answer carries.
        """
        name, connection = request.lease or "", transaction.connection  # nothing is leased under no name
        leased = select_leased_items(connection, agency, name, transaction.now, request.max_items)
        picked = [item for item in leased if self._may_leave(transaction, item, standings)]
        return _fit(picked, request.max_items, more=True)[0]

    def _pick(
        self, transaction: Transaction, agency: str, standings: Standings, max_items: int
    ) -> tuple[list[ReadyItem], bool]:
        """Return what can be handed over now; what cannot is taken out of the way, and the rest moves up."""
        picked: list[ReadyItem] = []
        more = False
        for _ in range(_MAX_PASSES):
            ready = select_ready(transaction.connection, agency, transaction.now, max_items + 1)
            picked = [item for item in ready if self._may_leave(transaction, item, standings)]
            more = len(ready) > max_items
            if len(picked) == len(ready):
                break
        return _fit(picked, max_items, more=more)

    def _may_leave(self, transaction: Transaction, item: ReadyItem, standings: Standings) -> bool:
        if item.message is None:
            return True
        verdict = standings.judge(item.message)
        self._inboxes.apply(transaction, item.message, verdict)
        return verdict.fate is Fate.DELIVER

    def _hand_over(
        self,
        transaction: Transaction,
        caller: Caller,
        picked: Sequence[ReadyItem],
        lease: _Lease,
        *,
        is_again: bool,
    ) -> list[_Leased]:
        assert lease.id is not None and lease.until is not None  # noqa: S101, PT018 - only empty leases have neither
        handed_over = {
            item.number: _recall_hand_over(transaction, item.message)
            if is_again
            else _record_hand_over(transaction, caller, item.message, lease.id)
            for item in picked
            if item.message is not None
        }
        failpoint("hand-over.recorded")
        leaves = {item.number: leaf.index if (leaf := handed_over.get(item.number)) else None for item in picked}
        lease_items(transaction.connection, caller.agency, lease.id, lease.until, leaves)
        failpoint("hand-over.leased")
        content = select_content(transaction.connection, caller.agency, leaves)
        items = []
        for item in picked:
            body, document = content.get(item.number, (b"", None))
            placed = _recall(transaction, item.number)
            items.append(_Leased(item.type, item.number, placed, handed_over.get(item.number), body, document))
        return items

    def _acknowledge(self, caller: Caller, request: AcknowledgeRequest, transaction: Transaction) -> int:
        self._bind(transaction, caller)
        rows = select_leased(transaction.connection, caller.agency, set(request.numbers))
        strangers = set(request.numbers) - {row.number for row in rows}
        if strangers:
            raise refuse("not-found", f"number {min(strangers)} is no item of this inbox", field="numbers")
        for row in rows:
            if row.lease != request.lease or (row.is_open and _is_over(row.leased_until, transaction.now)):
                raise refuse("lease-unknown", f"number {row.number} is not under this lease (any more)", field="lease")
        unsettled = [row for row in rows if row.is_open]
        for row in unsettled:
            state = ItemState.HANDED_OVER if row.type is ItemType.MESSAGE else ItemState.SETTLED
            move_item(transaction.connection, caller.agency, row.number, state, None)
            delete_content(transaction.connection, caller.agency, row.number)
        return len(unsettled)

    def _limit_wait(self, left: float, next_lapse: datetime | None) -> float:
        """Return how many seconds to wait: an item whose lease lapses meanwhile comes again without a bell."""
        if next_lapse is None:
            return left
        until_lapse = (next_lapse - self._clock.now()).total_seconds()
        return min(left, max(until_lapse, _SHORTEST_WAIT_SECONDS))

    def _read_states(self, agency: str, message_id: str) -> MessageStatesAnswer:
        # The view is taken after the rows: it covers every leaf that was signed, and of the others none is named.
        with self._database.read() as connection:
            rows = select_states(connection, agency, message_id)
            view = self._log.view
            if not rows:
                raise refuse("not-found", f"{agency} has sent no message {message_id}", field="id")
            states = tuple(_describe_state(connection, row, view, self._clock.now()) for row in rows)
        reference = Reference(id=message_id, digest=rows[0].digest)
        return MessageStatesAnswer(message=reference, states=states, checkpoint=view.note)


def _fit(ready: list[ReadyItem], max_items: int, *, more: bool) -> tuple[list[ReadyItem], bool]:
    """Return as many items as one answer may carry, and whether others are left."""
    size = 0
    for count, item in enumerate(ready):
        size += item.size
        if count == max_items or (count and size > MAX_LEASE_BYTES):
            return ready[:count], True
    return ready, more


def _record_hand_over(transaction: Transaction, caller: Caller, message: StoredMessage, lease: str) -> PendingLeaf:
    return transaction.append(
        RecordType.MESSAGE_HANDED_OVER,
        concerns=(message.sender, message.recipient),
        actor=caller.actor,
        message=message.reference,
        agency=message.sender,
        partner=message.recipient,
        lease=lease,
    )


def _recall_hand_over(transaction: Transaction, message: StoredMessage) -> PendingLeaf:
    assert message.handed_over_at is not None  # noqa: S101 - it is under a lease
    return _recall(transaction, message.handed_over_at)


def _recall(transaction: Transaction, number: int) -> PendingLeaf:
    leaf = transaction.recall(number)
    if leaf is None:
        raise LookupError(f"the record of leaf {number} was erased while its item was waiting")
    return leaf


def _answer_lease(found: _Lease, view: LogView) -> LeaseAnswer:
    # Made of verified parts: validating every hash again would cost more than proving it.
    return LeaseAnswer.model_construct(
        lease=found.id,
        leased_until=found.until,
        withdrawn=tuple(found.withdrawn),
        items=tuple(_answer_item(item, view) for item in found.items),
        more=found.more,
        checkpoint=view.note,
    )


def _answer_item(item: _Leased, view: LogView) -> InboxItem:
    logged, proof = item.placed.logged, view.prove_inclusion(item.number)
    if item.handed_over is not None and item.document is not None:
        return MessageItem.model_construct(
            type="message",
            number=item.number,
            envelope=Envelope.model_validate_json(join_envelope(item.document, item.content)),
            accepted=logged,
            accepted_proof=proof,
            handed_over=item.handed_over.logged,
            handed_over_proof=view.prove_inclusion(item.handed_over.index),
        )
    if item.type is ItemType.RECEIPT:
        receipt = SealedReceipt.model_validate_json(item.content)
        return ReceiptItem.model_construct(
            type="receipt", number=item.number, receipt=receipt, accepted=logged, accepted_proof=proof
        )
    return OutcomeItem.model_construct(type="outcome", number=item.number, leaf=logged, proof=proof)


def _describe_state(connection: Connection, row: StoredState, view: LogView, now: datetime) -> MessageState:
    index = row.state_at if row.state_at is not None else row.handed_over_at
    leaf = _logged(connection, index, view) if index is not None else None
    state = find_message_state(row.state, is_leased=not _is_over(row.leased_until, now))
    return MessageState(recipient=row.recipient, state=state, leaf=leaf)


def _is_over(leased_until: datetime | None, now: datetime) -> bool:
    return leased_until is None or leased_until <= now


def _logged(connection: Connection, index: int, view: LogView) -> LoggedRecord | None:
    leaf = read_leaf(connection, index) if index < view.size else None
    return leaf.logged if leaf is not None else None
