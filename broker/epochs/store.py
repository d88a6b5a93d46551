"""The SQL of carrying a log's content over: read what an old database still has, write what a new one begins with."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, and_, func, insert, select

from broker.access.tables import token_count, used_assertion
from broker.agreements.tables import agreement_step
from broker.attachments.tables import attachment
from broker.audit.tables import log_leaf
from broker.inbox.rules import ItemType
from broker.inbox.tables import inbox_binding, inbox_content, inbox_item, message
from broker.routing.tables import quota_day
from schemas.log.records import Record, RecordType

_ROWS_AT_ONCE = 200
_TYPES = (
    RecordType.MEMBER_ENROLLED, RecordType.KEY_SET, RecordType.ENCRYPTION_KEYS, RecordType.REVOCATION,
    RecordType.AGREEMENT_STEP,
)  # fmt: skip
_COPIED = (inbox_binding, used_assertion, token_count, attachment)
_leaf = log_leaf.c


@dataclass(frozen=True, slots=True)
class OldRecord:
    """A record of the old log that is written down anew; `step` is the signed document of an agreement step."""

    index: int
    record: Record
    step: bytes | None


def count_carried(connection: Connection) -> int:
    """Return how many records, messages and receipts of an old database are carried over."""
    records = select(func.count()).select_from(log_leaf).where(_leaf.record_type.in_(_names()))
    messages = select(func.count()).select_from(inbox_item).where(inbox_item.c.handed_over_at.is_not(None))
    receipts = select(func.count()).select_from(inbox_item).where(*_is_open_receipt())
    return sum(connection.execute(statement).scalar_one() for statement in (records, messages, receipts))


def select_records(connection: Connection) -> Iterator[OldRecord]:
    """Yield what members published and signed, in the order of the old leaves."""
    statement = (
        select(_leaf.leaf_index, _leaf.record, agreement_step.c.document)
        .outerjoin(agreement_step, agreement_step.c.leaf_index == _leaf.leaf_index)
        .where(_leaf.record_type.in_(_names()))
        .order_by(_leaf.leaf_index)
        .execution_options(yield_per=_ROWS_AT_ONCE)
    )
    for index, record, step in connection.execute(statement):
        yield OldRecord(index, Record.from_canonical(record), step)


def select_handed_over(connection: Connection) -> Iterator[Row[Any]]:
    """Yield every message that was handed over at least once, with the time of its acceptance, oldest first."""
    statement = (
        select(message, inbox_item.c.haste, inbox_item.c.expires_at, _leaf.time.label("accepted_at"))
        .join(inbox_item, and_(inbox_item.c.recipient == message.c.recipient, inbox_item.c.number == message.c.number))
        .join(log_leaf, _leaf.leaf_index == message.c.number)
        .where(inbox_item.c.handed_over_at.is_not(None))
        .order_by(message.c.number, message.c.recipient)
        .execution_options(yield_per=_ROWS_AT_ONCE)
    )
    yield from connection.execute(statement)


def select_open_receipts(connection: Connection) -> Iterator[tuple[str, Record, bytes]]:
    """Yield every receipt that its recipient has not collected: the inbox it is in, its record, its sealed bytes."""
    statement = (
        select(inbox_item.c.recipient, _leaf.record, inbox_content.c.content)
        .join(log_leaf, _leaf.leaf_index == inbox_item.c.number)
        .join(
            inbox_content,
            and_(inbox_content.c.recipient == inbox_item.c.recipient, inbox_content.c.number == inbox_item.c.number),
        )
        .where(*_is_open_receipt(), _leaf.record.is_not(None))
        .order_by(inbox_item.c.number)
        .execution_options(yield_per=_ROWS_AT_ONCE)
    )
    for recipient, record, content in connection.execute(statement):
        yield recipient, Record.from_canonical(record), content


def select_copied(connection: Connection) -> list[tuple[Table, list[dict[str, Any]]]]:
    """Return the rows that are taken over as they are: who collects an inbox, what tokens came of, and attachments."""
    return [(table, [dict(row) for row in connection.execute(select(table)).mappings()]) for table in _COPIED]


def insert_rows(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows as they are."""
    if rows:
        connection.execute(insert(table), rows)


def insert_handed_over(connection: Connection, row: Row[Any], leaf_index: int, passage: str) -> None:
    """Write a message that was handed over before this log began, and its closed place in the inbox."""
    columns = {column.name: getattr(row, column.name) for column in message.columns}
    connection.execute(insert(message).values({**columns, "number": leaf_index, "passage": passage}))
    connection.execute(
        insert(inbox_item).values(
            recipient=row.recipient,
            number=leaf_index,
            type=ItemType.MESSAGE.value,
            state="handed-over",
            is_open=False,
            haste=row.haste,
            size=row.size,
            agreement=row.agreement,
            expires_at=row.expires_at,
            lease=None,
            leased_until=None,
            handed_over_at=leaf_index,
            state_at=None,
            withdraws=None,
        )
    )


def insert_quotas(connection: Connection, counted: dict[tuple[str, str, str], int], day: int) -> None:
    """Write how many messages of one day were carried, by recipient, sender and agreement."""
    names = ("recipient", "sender", "agreement")
    rows = [dict(zip(names, key, strict=True), day=day, accepted=count) for key, count in sorted(counted.items())]
    insert_rows(connection, quota_day, rows)


def find_last_time(connection: Connection) -> datetime | None:
    """Return the time of the newest leaf, or nothing."""
    found: datetime | None = connection.execute(
        select(_leaf.time).order_by(_leaf.leaf_index.desc()).limit(1)
    ).scalar_one_or_none()
    return found


def _is_open_receipt() -> tuple[Any, ...]:
    return inbox_item.c.is_open, inbox_item.c.type == ItemType.RECEIPT.value


def _names() -> list[str]:
    return [one.value for one in _TYPES]
