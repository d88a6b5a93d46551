"""The SQL of audit queries: records by what the log's columns repeat of them, never beyond what the auditor may see."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, exists, or_, select

from broker.audit.rules import list_types
from broker.audit.tables import log_concern, log_leaf
from schemas.api import AuditQuery
from schemas.log.records import RecordType

_ROWS_AT_ONCE = 1000
_RECORDS_AT_ONCE = 32

_leaf = log_leaf.c
_SELECT_LEAVES = select(log_leaf).order_by(_leaf.leaf_index).execution_options(yield_per=_ROWS_AT_ONCE)
_SELECT_CONCERNS = (
    select(log_concern.c.leaf_index, log_concern.c.agency)
    .order_by(log_concern.c.leaf_index)
    .execution_options(yield_per=_ROWS_AT_ONCE)
)


@dataclass(frozen=True, slots=True)
class FoundRecord:
    """One record as it is stored, canonical, with its salt."""

    index: int
    record: bytes
    salt: bytes


def select_records(
    connection: Connection, query: AuditQuery, scope: str | None, before_index: int, rows: int
) -> Iterator[FoundRecord]:
    """Yield matching records before a leaf index, oldest first, that concern the agency `scope` (all for None)."""
    wanted = [_leaf.leaf_index < before_index, _leaf.record.is_not(None), *_make_conditions(query)]
    statement = select(_leaf.leaf_index, _leaf.record, _leaf.salt).order_by(_leaf.leaf_index).limit(rows)
    if scope is not None:
        statement = statement.join(log_concern, log_concern.c.leaf_index == _leaf.leaf_index)
        wanted.append(log_concern.c.agency == scope)
        if query.after_index is not None:  # said of both tables, so that either index may lead
            wanted.append(log_concern.c.leaf_index > query.after_index)
    statement = statement.where(*wanted).execution_options(yield_per=_RECORDS_AT_ONCE)
    for row in connection.execute(statement):
        yield FoundRecord(*row)


def list_leaves(connection: Connection) -> Iterable[Row[Any]]:
    """Yield every stored leaf with all its columns, in order."""
    return connection.execute(_SELECT_LEAVES)


def list_concerns(connection: Connection) -> Iterator[tuple[int, str]]:
    """Yield whom each leaf concerns, in the order of the leaves."""
    yield from connection.execute(_SELECT_CONCERNS)


def _make_conditions(query: AuditQuery) -> list[ColumnElement[bool]]:
    columns: dict[str, Any] = {
        "agency": _leaf.agency,
        "actor": _leaf.actor,
        "node": _leaf.node,
        "message": _leaf.message,
        "agreement": _leaf.agreement,
        "problem": _leaf.problem,
    }
    found = [column == getattr(query, name) for name, column in columns.items() if getattr(query, name) is not None]
    types = list_types(query)
    if types is not None:
        found.append(_leaf.record_type.in_(sorted(one.value for one in types)))
    if query.partner is not None:
        found.append(_is_partner(query.partner))
    if query.since is not None:
        found.append(_leaf.time >= query.since)
    if query.until is not None:
        found.append(_leaf.time <= query.until)
    if query.after_index is not None:
        found.append(_leaf.leaf_index > query.after_index)
    return found


def _is_partner(agency: str) -> ColumnElement[bool]:
    # An accepted message names its recipients in a list, which no column repeats; whom it concerns is known by row.
    concern = log_concern.alias()  # the statement around it may have joined the table for its own purpose
    concerned = exists().where(concern.c.leaf_index == _leaf.leaf_index, concern.c.agency == agency)
    accepted = and_(_leaf.record_type == RecordType.MESSAGE_ACCEPTED.value, _leaf.agency != agency, concerned)
    return or_(_leaf.partner == agency, accepted)
