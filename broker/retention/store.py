"""The SQL of what ends: what is due, and its removal with the records of the log that speak of it.

Of an erased record class, commitment, hash, time and place stay: so the log, its proofs of the past and its checks
hold as before. Its columns go with it, and its type reads `erased`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, func, select, update

from broker.audit.tables import ERASED_TYPE, log_concern, log_leaf
from broker.inbox.rules import Passage
from broker.inbox.tables import inbox_content, inbox_item, message
from broker.receipts.tables import receipt
from broker.retention.records import count_ended_records

_leaf = log_leaf.c
_AT_ONCE = 500  # numbers in one statement: far below what an engine takes as parameters

_SELECT_MESSAGES = (
    select(
        message.c.recipient, message.c.number, message.c.sender, message.c.id, message.c.agreement, message.c.passage,
        message.c.evidence_until, _leaf.time,
    )
    .join(log_leaf, _leaf.leaf_index == message.c.number)
    .join(inbox_item, (inbox_item.c.recipient == message.c.recipient) & (inbox_item.c.number == message.c.number))
    .where(message.c.evidence_until <= bindparam("now"), inbox_item.c.is_open.is_(False))
    .order_by(message.c.evidence_until, message.c.number)
)  # fmt: skip
_SELECT_RECEIPTS = (
    select(receipt.c.from_agency, receipt.c.digest, receipt.c.leaf_index, receipt.c.evidence_until)
    .where(receipt.c.evidence_until <= bindparam("now"))
    .order_by(receipt.c.evidence_until, receipt.c.leaf_index)
)
_SELECT_LEAVES_OF_MESSAGE = select(_leaf.leaf_index).where(
    _leaf.message == bindparam("id"), _leaf.agency == bindparam("sender"), _leaf.leaf_class == "private"
)
_ERASE = (
    update(log_leaf)
    .where(_leaf.leaf_index.in_(bindparam("leaves", expanding=True)), _leaf.leaf_class == "private")
    .values(
        record=None, salt=None, record_type=ERASED_TYPE, agency=None, partner=None, actor=None, node=None,
        message=None, agreement=None, problem=None,
    )
)  # fmt: skip

_FORGET_CONCERNS = delete(log_concern).where(
    log_concern.c.leaf_index.in_(
        select(_leaf.leaf_index).where(
            _leaf.leaf_index.in_(bindparam("leaves", expanding=True)), _leaf.record_type == ERASED_TYPE
        )
    )
)


@dataclass(frozen=True, slots=True)
class EndedMessage:
    """A message for one recipient whose evidence term is over, and the moment it was accepted."""

    recipient: str
    number: int
    sender: str
    id: str
    agreement: str
    is_counted: bool
    ended_at: datetime
    accepted_at: datetime


@dataclass(frozen=True, slots=True)
class EndedReceipt:
    """A receipt whose evidence term is over."""

    from_agency: str
    digest: str
    number: int
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Due:
    """How much is due, and since when the oldest of it has been."""

    messages: int
    receipts: int
    records: int
    oldest: datetime | None


def count_due(connection: Connection, now: datetime) -> Due:
    """Return how much has come to its end and is still here."""
    counts, oldest = [], []
    for statement in (_SELECT_MESSAGES, _SELECT_RECEIPTS):
        ended = statement.subquery()
        summary = select(func.count(), func.min(ended.c.evidence_until)).select_from(ended)
        count, first = connection.execute(summary, {"now": now}).one()
        counts.append(count)
        oldest += [first] if first is not None else []
    records, first = count_ended_records(connection, now)
    oldest += [first] if first is not None else []
    return Due(counts[0], counts[1], records, min(oldest, default=None))


def select_ended_messages(connection: Connection, now: datetime, limit: int) -> list[EndedMessage]:
    """Return messages that are not under way and whose evidence has ended, the longest ago first."""
    rows = connection.execute(_SELECT_MESSAGES.limit(limit), {"now": now})
    return [
        EndedMessage(
            row.recipient, row.number, row.sender, row.id, row.agreement, row.passage == Passage.COVERED.value,
            row.evidence_until, row.time,
        )
        for row in rows
    ]  # fmt: skip


def select_ended_receipts(connection: Connection, now: datetime, limit: int) -> list[EndedReceipt]:
    """Return receipts whose evidence has ended, the longest ago first, collected or not."""
    return [EndedReceipt(*row) for row in connection.execute(_SELECT_RECEIPTS.limit(limit), {"now": now})]


def delete_message(connection: Connection, ended: EndedMessage) -> None:
    """Remove a message for one recipient, its places in inboxes, and every record about it.

    Other recipients of the same message keep what is theirs: one envelope has one recipient.
    """
    values = {"id": ended.id, "sender": ended.sender}
    leaves = list(connection.execute(_SELECT_LEAVES_OF_MESSAGE, values).scalars())
    _delete_items(connection, (ended.recipient, ended.sender), leaves)
    connection.execute(delete(message).where(message.c.recipient == ended.recipient, message.c.number == ended.number))
    erase_records(connection, leaves)


def delete_receipt(connection: Connection, ended: EndedReceipt) -> None:
    """Remove a receipt, its place in an inbox, and its record."""
    owners = connection.execute(select(_leaf.partner).where(_leaf.leaf_index == ended.number)).scalars()
    _delete_items(connection, tuple(owner for owner in owners if owner is not None), [ended.number])
    connection.execute(
        delete(receipt).where(receipt.c.from_agency == ended.from_agency, receipt.c.digest == ended.digest)
    )
    erase_records(connection, [ended.number])


def erase_records(connection: Connection, leaves: Sequence[int]) -> None:
    """Erase record and salt of private leaves, what repeats them, and whom they concern."""
    for start in range(0, len(leaves), _AT_ONCE):
        page = leaves[start : start + _AT_ONCE]
        connection.execute(_ERASE, {"leaves": page})
        connection.execute(_FORGET_CONCERNS, {"leaves": page})


def _delete_items(connection: Connection, agencies: Sequence[str], numbers: Sequence[int]) -> None:
    for table in (inbox_content, inbox_item):
        for start in range(0, len(numbers), _AT_ONCE):
            page = numbers[start : start + _AT_ONCE]
            connection.execute(delete(table).where(table.c.recipient.in_(agencies), table.c.number.in_(page)))
