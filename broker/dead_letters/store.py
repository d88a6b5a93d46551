"""The SQL of dead letters: what expired, was returned or is held, and what waits in inboxes. Only reads, no content."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, func, select

from broker.attachments.rules import UploadKey
from broker.attachments.tables import attachment
from broker.audit.tables import log_head, log_leaf
from broker.dead_letters.rules import DeadLetter, Waiting
from broker.inbox.rules import ItemState
from broker.inbox.tables import inbox_item, message
from schemas.log.records import Record, RecordType

_item, _message = inbox_item.c, message.c
_ended, _accepted = log_leaf.alias("ended"), log_leaf.alias("accepted")
_ENDS = {RecordType.MESSAGE_EXPIRED: ItemState.EXPIRED, RecordType.MESSAGE_RETURNED: ItemState.RETURNED}
_COLUMNS = (
    _message.sender, _message.recipient, _message.id, _message.kind, _message.marking,
    _accepted.c.time.label("accepted_at"), _ended.c.time.label("since"), _ended.c.record,
)  # fmt: skip


def list_ended(connection: Connection, since: datetime, limit: int) -> list[DeadLetter]:
    """Return what expired or was returned from a moment on, the newest first."""
    is_it = and_(
        _message.sender == _ended.c.agency, _message.id == _ended.c.message, _message.recipient == _ended.c.partner
    )
    found: list[DeadLetter] = []
    for record_type, state in _ENDS.items():
        statement = (
            _select_letters(message.join(_ended, is_it))
            .where(_ended.c.record_type == record_type.value, _ended.c.leaf_index >= find_index(connection, since))
            .order_by(_ended.c.leaf_index.desc())
            .limit(limit)
        )
        found += _read_letters(connection, statement, state)
    return sorted(found, key=lambda letter: letter.since, reverse=True)[:limit]


def list_held(connection: Connection, limit: int) -> list[DeadLetter]:
    """Return what is held now, the longest first."""
    is_item = and_(_message.recipient == _item.recipient, _message.number == _item.number)
    tables = inbox_item.join(message, is_item).join(_ended, _ended.c.leaf_index == _item.state_at)
    statement = _select_letters(tables).where(_item.is_open, _item.state == ItemState.HELD.value)
    return list(_read_letters(connection, statement.order_by(_item.state_at).limit(limit), ItemState.HELD))


def count_letters(connection: Connection, since: datetime) -> dict[ItemState, int]:
    """Return how many messages are held now, and how many expired or were returned from a moment on."""
    first = find_index(connection, since)
    held = select(func.count()).where(_item.is_open, _item.state == ItemState.HELD.value)
    counts = {ItemState.HELD: connection.execute(held).scalar_one()}
    for record_type, state in _ENDS.items():
        ended = select(func.count()).where(log_leaf.c.record_type == record_type.value, log_leaf.c.leaf_index >= first)
        counts[state] = connection.execute(ended).scalar_one()
    return counts


def list_waiting(connection: Connection) -> list[Waiting]:
    """Return what waits in each inbox that is not empty, by agency; what is leased waits as well."""
    oldest = (
        select(_item.recipient, func.count().label("waiting"), func.min(_item.number).label("oldest"))
        .where(_item.is_open, _item.state == ItemState.WAITING.value)
        .group_by(_item.recipient)
        .subquery()
    )
    statement = (
        select(oldest.c.recipient, oldest.c.waiting, log_leaf.c.time)
        .join(log_leaf, log_leaf.c.leaf_index == oldest.c.oldest)
        .order_by(oldest.c.recipient)
    )
    return [Waiting(*row) for row in connection.execute(statement)]


def list_kept_attachments(connection: Connection, now: datetime) -> list[UploadKey]:
    """Return the attachments of accepted messages whose end has not come: their bytes should be here."""
    column = attachment.c
    is_kept = and_(column.completed_at.is_not(None), column.ends_at > now)
    return [
        UploadKey(*row) for row in connection.execute(select(column.sender, column.message, column.id).where(is_kept))
    ]


def find_index(connection: Connection, moment: datetime) -> int:
    """Return the first leaf that is no older than a moment: times of leaves never decrease."""
    low, high = 0, connection.execute(select(log_head.c.size)).scalar_one()
    while low < high:
        middle = (low + high) // 2
        time = connection.execute(select(log_leaf.c.time).where(log_leaf.c.leaf_index == middle)).scalar_one()
        low, high = (middle + 1, high) if time < moment else (low, middle)
    return int(low)


def _select_letters(tables: Any) -> Select[Any]:
    return select(*_COLUMNS).select_from(tables.join(_accepted, _accepted.c.leaf_index == _message.number))


def _read_letters(connection: Connection, statement: Select[Any], state: ItemState) -> Iterator[DeadLetter]:
    for row in connection.execute(statement):
        reasons = Record.model_validate_json(row.record).reasons if row.record is not None else None
        yield DeadLetter(
            state=state,
            sender=row.sender,
            recipient=row.recipient,
            message=row.id,
            kind=row.kind,
            marking=row.marking,
            accepted_at=row.accepted_at,
            since=row.since,
            reasons=reasons or (),
        )
