"""Records of the log that stand for themselves and end by a term of their own: what is due of them, in the log's order.

Leaf times never decrease, so what has ended of a kind is a run at the beginning of the log: its end is found by halving
and no record that stays is looked at, however long the log is.
"""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, exists, func, not_, select

from broker.audit.tables import log_head, log_leaf
from broker.retention.rules import RECORD_TERMS
from broker.statuses.tables import status
from schemas.log.records import RecordType

_leaf = log_leaf.c


def select_ended_records(connection: Connection, now: datetime, limit: int) -> list[int]:
    """Return the leaves of records whose own term is over, of each type the oldest first, at most so many."""
    found: list[int] = []
    for is_ended in _list_ended(connection, now):
        left = limit - len(found)
        rows = connection.execute(select(_leaf.leaf_index).where(is_ended).order_by(_leaf.leaf_index).limit(left))
        found += rows.scalars()
    return found


def count_ended_records(connection: Connection, now: datetime) -> tuple[int, datetime | None]:
    """Return how many records are past their own term, and since when the oldest of them has been."""
    count, oldest = 0, []
    for (_, term), is_ended in zip(sorted(RECORD_TERMS.items()), _list_ended(connection, now), strict=True):
        number, first = connection.execute(select(func.count(), func.min(_leaf.time)).where(is_ended)).one()
        count += number
        oldest += [] if first is None else [first + term]
    return count, min(oldest, default=None)


def _list_ended(connection: Connection, now: datetime) -> Iterator[ColumnElement[bool]]:
    """Give for each type, in order, what holds for its ended records."""
    for record_type, term in sorted(RECORD_TERMS.items()):
        ended = and_(_leaf.record_type == record_type.value, _leaf.leaf_index < _find_end(connection, now - term))
        yield and_(ended, _IS_NO_NEWEST_STATUS) if record_type is RecordType.STATUS else ended


# A partner is judged by the age of its newest status, however old that is.
_IS_NO_NEWEST_STATUS = not_(
    exists().where(
        status.c.partner == _leaf.partner, status.c.agency == _leaf.agency, status.c.leaf_index == _leaf.leaf_index
    )
)


def _find_end(connection: Connection, moment: datetime) -> int:
    """Return the first leaf that is later than a moment."""
    low, high = 0, connection.execute(select(log_head.c.size)).scalar_one()
    while low < high:
        middle = (low + high) // 2
        time = connection.execute(select(_leaf.time).where(_leaf.leaf_index == middle)).scalar_one()
        low, high = (middle + 1, high) if time <= moment else (low, middle)
    return low
