"""Putting things into inboxes and taking messages out of them: every step with its leaf, in the caller's transaction.

Other features hand over what was accepted; the inbox alone decides what becomes of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from broker.agreements.live import AgreementBook
from broker.inbox.allowance import InboxAllowance
from broker.inbox.envelopes import read_header
from broker.inbox.room import Rooms
from broker.inbox.rules import Fate, ItemState, ItemType, Passage, Standing, Verdict, find_standing, judge_hand_over
from broker.inbox.store import (
    StoredMessage,
    delete_content,
    insert_content,
    insert_item,
    insert_message,
    move_item,
    select_document,
    select_referred,
    select_under_agreement,
)
from broker.inbox.waiters import Waiters
from broker.retention.rules import find_message_end, find_receipt_end
from broker.storage.transaction import PendingLeaf, Transaction
from schemas.agreements.coverage import VisibleFacts
from schemas.envelope import Reference
from schemas.log.records import RecordType
from schemas.markings import Tlp, Urgency

PAGE_ITEMS = 256
_LEAST_HASTE = len(Urgency) - 1


@dataclass(slots=True)
class NewMessage:
    """An accepted message for one recipient. `withdraws` is as in `broker.inbox.tables.InboxItem`."""

    recipient: str
    leaf: PendingLeaf
    sender: str
    reference: Reference
    stream: str
    n: int
    agreement: str
    kind: str
    marking: Tlp
    urgency: Urgency
    passage: Passage
    expires_at: datetime
    document: bytes
    ciphertext: bytes
    attachments: int = 0
    attachment_bytes: int = 0
    withdraws: int | None = None
    refers_to: str | None = None


class Inboxes:
    """All inboxes and, in `rooms`, how full they are. All but `waiters` works inside a transaction of the writer."""

    def __init__(self, agreements: AgreementBook, waiters: Waiters, rooms: Rooms | None = None) -> None:
        self._agreements = agreements
        self.waiters = waiters
        self.rooms = rooms or Rooms(InboxAllowance())

    def put_message(self, transaction: Transaction, new: NewMessage) -> None:
        """Store an accepted message and put it into its recipient's inbox."""
        number, size = new.leaf.index, len(new.ciphertext)
        terms = self._agreements.as_of(transaction).find(new.agreement).terms
        end = find_message_end(terms, new.sender, new.recipient, transaction.now, new.expires_at)
        insert_message(transaction.connection, _message_row(new, size) | {"evidence_until": end})
        insert_content(transaction.connection, new.recipient, number, new.ciphertext)
        row = _item_row(new.recipient, number, ItemType.MESSAGE, new.urgency, size) | {
            "agreement": new.agreement,
            "expires_at": new.expires_at,
            "withdraws": new.withdraws,
        }
        self._put(transaction, row)
        self.rooms.count(new.recipient, size)

    def put_receipt(self, transaction: Transaction, recipient: str, leaf: PendingLeaf, sealed: bytes) -> None:
        """Put a sealed receipt into the inbox of the agency it goes to."""
        insert_content(transaction.connection, recipient, leaf.index, sealed)
        self._put(transaction, _item_row(recipient, leaf.index, ItemType.RECEIPT, Urgency.ROUTINE, len(sealed)))
        self.rooms.count(recipient, len(sealed))

    def find_receipt_end(self, transaction: Transaction, from_agency: str, to_agency: str) -> datetime:
        """Return when the evidence of a receipt between two agencies ends that is accepted now."""
        days = self._agreements.as_of(transaction).find_evidence_days(from_agency, to_agency)
        return find_receipt_end(days, transaction.now)

    def put_outcome(self, transaction: Transaction, recipient: str, leaf: PendingLeaf) -> None:
        """Tell a sender what became of a message: the record of `leaf` says it."""
        self._put(transaction, _item_row(recipient, leaf.index, ItemType.OUTCOME, Urgency.ROUTINE, 0))

    def find_standings(self, transaction: Transaction) -> "Standings":
        """Return where agreements stand in this transaction, each looked up once."""
        return Standings(self._agreements, transaction)

    def review(
        self, transaction: Transaction, standings: "Standings", digest: str, state: ItemState, *, after: int = -1
    ) -> int | None:
        """Judge what is under way under an agreement again, a page at a time; return where the next page begins."""
        items = select_under_agreement(
            transaction.connection, digest, state, transaction.now, after=after, limit=PAGE_ITEMS
        )
        for item in items:
            self.apply(transaction, item, standings.judge(item))
        return items[-1].number if len(items) == PAGE_ITEMS else None

    def apply(self, transaction: Transaction, item: StoredMessage, verdict: Verdict) -> None:
        """Let the verdict on an open message come true: its leaf, its state, and word to the sender."""
        held = item.state is ItemState.HELD
        match verdict.fate:
            case Fate.EXPIRE:
                self._end(transaction, item, ItemState.EXPIRED, RecordType.MESSAGE_EXPIRED)
            case Fate.RETURN:
                self._end(transaction, item, ItemState.RETURNED, RecordType.MESSAGE_RETURNED, reasons=verdict.reasons)
            case Fate.HOLD if not held:
                self._move(transaction, item, ItemState.HELD, RecordType.MESSAGE_HELD, reasons=verdict.reasons)
            case Fate.DELIVER if held:
                self._move(transaction, item, ItemState.WAITING, RecordType.MESSAGE_RELEASED)
                self._wake(transaction, item.recipient)

    def withdraw(self, transaction: Transaction, item: StoredMessage, withdrawal: Reference) -> bool:
        """Take a message back; return whether its recipient may hold it, because it was handed over before."""
        if item.handed_over_at is not None:
            if item.state.is_open:
                self._close(transaction, item, ItemState.HANDED_OVER, None)
            return True
        self._end(transaction, item, ItemState.WITHDRAWN, RecordType.MESSAGE_WITHDRAWN, refers_to=withdrawal)
        return False

    def _end(
        self, transaction: Transaction, item: StoredMessage, state: ItemState, record_type: RecordType, **members: Any
    ) -> None:
        self._move(transaction, item, state, record_type, **members)
        delete_content(transaction.connection, item.recipient, item.number)

    def _move(
        self, transaction: Transaction, item: StoredMessage, state: ItemState, record_type: RecordType, **members: Any
    ) -> None:
        leaf = transaction.append(
            record_type,
            concerns=(item.sender, item.recipient),
            message=item.reference,
            agency=item.sender,
            partner=item.recipient,
            **members,
        )
        move_item(transaction.connection, item.recipient, item.number, state, leaf.index)
        self.put_outcome(transaction, item.sender, leaf)

    def _close(self, transaction: Transaction, item: StoredMessage, state: ItemState, leaf: int | None) -> None:
        move_item(transaction.connection, item.recipient, item.number, state, leaf)
        delete_content(transaction.connection, item.recipient, item.number)

    def _put(self, transaction: Transaction, row: dict[str, Any]) -> None:
        insert_item(transaction.connection, row)
        self._wake(transaction, row["recipient"])

    def _wake(self, transaction: Transaction, agency: str) -> None:
        transaction.announce_item(agency)
        transaction.after_commit(partial(self.waiters.wake, agency))


class Standings:
    """Where agreements stand at one moment of one transaction."""

    def __init__(self, agreements: AgreementBook, transaction: Transaction) -> None:
        self._agreements = agreements.as_of(transaction)
        self._connection = transaction.connection
        self._now = transaction.now
        self._found: dict[str, Standing] = {}

    def find(self, digest: str) -> Standing:
        """Return where the version named by a stored message stands."""
        standing = self._found.get(digest)
        if standing is None:
            chains = self._agreements.find(digest).chains
            standing = self._found[digest] = find_standing(digest, chains, self._now)
        return standing

    def judge(self, item: StoredMessage) -> Verdict:
        """Return what becomes of an open message now."""
        visible = VisibleFacts(
            sender=item.sender,
            recipient=item.recipient,
            kind=item.kind,
            marking=item.marking,
            size_bytes=item.size + item.attachment_bytes,
            attachments=item.attachments,
        )
        standing, is_orphaned = self.find(item.agreement), self._is_orphaned(item)
        return judge_hand_over(item.passage, item.expires_at, visible, standing, self._now, is_orphaned=is_orphaned)

    def _is_orphaned(self, item: StoredMessage) -> bool:
        """Say whether the message that another was to follow has ended on its way, so that nobody would know it."""
        if item.passage is not Passage.FOLLOWING:
            return False
        reference = read_header(select_document(self._connection, item.recipient, item.number)).refers_to
        followed = [] if reference is None else select_referred(self._connection, (item.sender,), reference)
        return any(
            row.recipient == item.recipient and row.handed_over_at is None and not row.state.is_open for row in followed
        )


def _message_row(new: NewMessage, size: int) -> dict[str, Any]:
    return {
        "recipient": new.recipient,
        "number": new.leaf.index,
        "sender": new.sender,
        "id": new.reference.id,
        "digest": new.reference.digest,
        "stream": new.stream,
        "n": new.n,
        "agreement": new.agreement,
        "kind": new.kind,
        "marking": new.marking.value,
        "size": size,
        "attachments": new.attachments,
        "attachment_bytes": new.attachment_bytes,
        "passage": new.passage.value,
        "refers_to": new.refers_to,
        "document": new.document,
    }


_EMPTY_ITEM: Mapping[str, Any] = {
    "state": ItemState.WAITING.value,
    "is_open": True,
    "agreement": None,
    "expires_at": None,
    "lease": None,
    "leased_until": None,
    "handed_over_at": None,
    "state_at": None,
    "withdraws": None,
}


def _item_row(recipient: str, number: int, item_type: ItemType, urgency: Urgency, size: int) -> dict[str, Any]:
    haste = _LEAST_HASTE - urgency.rank
    return {
        **_EMPTY_ITEM,
        "recipient": recipient,
        "number": number,
        "type": item_type.value,
        "haste": haste,
        "size": size,
    }
