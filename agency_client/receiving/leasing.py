"""Lease what lies in the inbox, store it, and only then acknowledge it.

A message is stored as it came, in the transaction that records its lease; the evidence of acceptance and hand-over is
judged at that moment, because only the answer has it whole. Receipts and outcomes are small and need the log walked
up to them: they stay in memory, are taken in by `agency_client.receiving.partner_receipts` and
`agency_client.receiving.outcomes`, and come again if that does not happen.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from agency_client.errors import ClientError, NotFoundError
from agency_client.local_store.engine import Snapshot, Transaction
from agency_client.local_store.inbox import ReceivedMessage, find_origin, mark_unverifiable, record_received
from agency_client.local_store.leases import (
    LeaseItem,
    forget_ended_leases,
    list_unsettled,
    mark_settled,
    record_lease_item,
)
from agency_client.local_store.problems import Problem
from agency_client.local_store.receipts import Direction, list_receipts
from agency_client.local_store.settings import Setting, drop_setting, read_setting, write_setting
from agency_client.node import Node
from agency_client.receiving.errors import UnprovenError
from agency_client.receiving.leaves import verify_accepted_leaf, verify_handed_over_leaf
from agency_client.receiving.own_receipts import queue_receipt_again
from agency_client.receiving.sealed import SealedEvidence, read_sealed, strip_ciphertext
from agency_client.refusals import RefusedConflictError
from agency_client.witness.observer import LogError
from keys.generation import generate_id
from schemas.api import (
    ACKNOWLEDGE_PATH,
    LEASE_PATH,
    MAX_LEASE_ITEMS,
    AcknowledgeAnswer,
    AcknowledgeRequest,
    Evidence,
    LeaseAnswer,
    LeaseRequest,
    MessageItem,
    OutcomeItem,
    ReceiptItem,
)
from schemas.log.checkpoint import Checkpoint


@dataclass(frozen=True, slots=True)
class Leased:
    """What one lease gave, under a checkpoint that was observed.

    `stored` are the digests of messages that are new here, `repeated` those that came before; `problems` are items that
    could not even be stored. `answer.withdrawn` is a hint to look for withdrawals, never a reason by itself.
    """

    answer: LeaseAnswer
    checkpoint: Checkpoint
    stored: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Return whether there was nothing to lease."""
        return self.answer.lease is None

    @property
    def receipts(self) -> list[ReceiptItem]:
        """Return the receipts among the items."""
        return [item for item in self.answer.items if isinstance(item, ReceiptItem)]

    @property
    def outcomes(self) -> list[OutcomeItem]:
        """Return the outcomes among the items."""
        return [item for item in self.answer.items if isinstance(item, OutcomeItem)]


def lease_items(
    node: Node, *, again: str | None = None, wait_seconds: int = 0, max_items: int = MAX_LEASE_ITEMS
) -> Leased:
    """Lease what is there, waiting at most so long for something to come, and store every message of it.

    A lease has a name before it is asked for, and is open until `close_leases`, or until there is nothing under it:
    whatever happens in between, it is asked for `again` by that name, and what was not acknowledged comes at once.

    Raises:
        OfflineError: there is no answer.
        LogError: the answer's checkpoint does not hold; nothing of the answer is used.
    """
    lease = again or _open_lease(node)
    request = LeaseRequest(lease=lease, again=True if again else None, wait_seconds=wait_seconds, max_items=max_items)
    answer = node.connection.post(LEASE_PATH, request.canonical(), LeaseAnswer, wait_seconds=wait_seconds)
    leased = Leased(answer, node.observer.observe(answer.checkpoint))
    with node.store.write() as transaction:
        if leased.is_empty:
            _write_open_leases(transaction, [name for name in _read_open_leases(transaction) if name != lease])
        for item in answer.items:
            if isinstance(item, MessageItem):
                _store_message(node, transaction, item, leased)
    return leased


def list_open_leases(node: Node) -> list[str]:
    """Return the names of leases that were asked for and are not closed: their answers, or parts of them, were lost."""
    with node.store.read() as snapshot:
        return _read_open_leases(snapshot)


def close_leases(node: Node) -> None:
    """Record that all is stored here that any lease held."""
    with node.store.write() as transaction:
        drop_setting(transaction, Setting.LEASES_OPEN)


def note_leased(transaction: Transaction, leased: Leased, number: int, item_type: str, subject: str) -> None:
    """Record that an item's content is stored by this very transaction, so that it may be acknowledged."""
    answer = leased.answer
    if answer.lease is None or answer.leased_until is None:
        raise ValueError("an empty lease has no items")
    record_lease_item(transaction, LeaseItem(answer.lease, number, item_type, subject, answer.leased_until))


def acknowledge_stored(node: Node) -> int:
    """Tell the broker what is stored here; return how many items that settled. What was not settled comes again.

    Raises:
        OfflineError: there is no answer; the items stay to be acknowledged.
    """
    now = node.clock.now()
    with node.store.write() as transaction:
        forget_ended_leases(transaction, now=now)
        unsettled = list_unsettled(transaction)
    count = 0
    for lease, items in unsettled.items():
        numbers = [item.number for item in items]
        for start in range(0, len(numbers), MAX_LEASE_ITEMS):
            count += _acknowledge(node, lease, tuple(numbers[start : start + MAX_LEASE_ITEMS]))
    return count


def _open_lease(node: Node) -> str:
    lease = generate_id()
    with node.store.write() as transaction:
        _write_open_leases(transaction, [*_read_open_leases(transaction), lease])
    return lease


def _read_open_leases(snapshot: Snapshot) -> list[str]:
    return (read_setting(snapshot, Setting.LEASES_OPEN) or "").split()


def _write_open_leases(transaction: Transaction, names: Sequence[str]) -> None:
    write_setting(transaction, Setting.LEASES_OPEN, " ".join(names))


def _acknowledge(node: Node, lease: str, numbers: tuple[int, ...]) -> int:
    request = AcknowledgeRequest(lease=lease, numbers=numbers)
    settled = 0
    try:
        settled = node.connection.post(ACKNOWLEDGE_PATH, request.canonical(), AcknowledgeAnswer).settled
    except (RefusedConflictError, NotFoundError):
        pass  # The lease has ended meanwhile: the items come again under another, and are known here.
    with node.store.write() as transaction:
        mark_settled(transaction, lease, numbers, at=node.clock.now())
    return settled


def _store_message(node: Node, transaction: Transaction, item: MessageItem, leased: Leased) -> None:
    try:
        sealed = read_sealed(strip_ciphertext(item.envelope))
        me = sealed.find_recipient(node.agency)
    except UnprovenError as error:
        # Nobody can say whose message this is, so there is nothing to store it as, and it is not acknowledged.
        leased.problems.append(Problem(error.code, f"item {item.number}: {error.sentence}"))
        return
    header = sealed.header
    evidence = Evidence(leaf=item.accepted, proof=item.accepted_proof, checkpoint=leased.answer.checkpoint)
    received = ReceivedMessage(
        digest=sealed.digest,
        message_id=header.id,
        sender=header.sender.agency,
        stream=me.stream,
        n=me.n,
        agreement=me.agreement,
        kind=header.routing.kind,
        marking=header.routing.marking.value,
        urgency=header.routing.urgency.value,
        issued_at=header.issued_at,
        expires_at=header.expires_at,
        refers_to=None if header.refers_to is None else header.refers_to.digest,
        envelope=item.envelope.canonical(),
        evidence=sealed.document.canonical(),
        leaf=evidence.canonical(),
        leaf_index=item.accepted.index,
        received_at=node.clock.now(),
        origin=node.sheet.origin,
    )
    earlier_origin = find_origin(transaction, sealed.digest)
    if record_received(transaction, received):
        leased.stored.append(sealed.digest)
        problem = _judge_leaves(node, item, sealed, leased)
        if problem is not None:
            mark_unverifiable(transaction, sealed.digest, problem)
    else:
        leased.repeated.append(sealed.digest)
        if earlier_origin != node.sheet.origin:
            _receipt_again(node, transaction, sealed.digest)
    note_leased(transaction, leased, item.number, item.type, sealed.digest)


def _receipt_again(node: Node, transaction: Transaction, digest: str) -> None:
    """Hand in once more what this agency receipted of a message that comes again in a new log: its sender lacks it."""
    for receipt in list_receipts(transaction, digest):
        if receipt.direction is Direction.OUT:
            with suppress(ClientError):
                queue_receipt_again(node, transaction, receipt, even_refused=True)


def _judge_leaves(node: Node, item: MessageItem, sealed: SealedEvidence, leased: Leased) -> Problem | None:
    try:
        verify_accepted_leaf(item.accepted, sealed, node.agency)
        node.observer.verify_record(item.accepted, item.accepted_proof, leased.checkpoint)
        verify_handed_over_leaf(
            item.handed_over, item.accepted, sealed, me=node.agency, lease=leased.answer.lease or ""
        )
        node.observer.verify_record(item.handed_over, item.handed_over_proof, leased.checkpoint)
    except LogError as error:
        return Problem(error.code, error.sentence)
    return None
