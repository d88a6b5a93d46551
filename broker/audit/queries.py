"""The SQL of audit queries: records by what the log's columns repeat of them, never beyond what the auditor may see."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, exists, func, or_, select

from broker.audit.rules import list_types
from broker.audit.tables import log_concern, log_leaf
from schemas.api import AuditQuery
from schemas.log.records import RecordType

_ROWS_AT_ONCE = 1000
_RECORDS_AT_ONCE = 32

_leaf = log_leaf.c
_SELECT_LEAVES = (
    select(log_leaf)
    .where(_leaf.leaf_index >= bindparam("start"), _leaf.leaf_index < bindparam("end"))
    .order_by(_leaf.leaf_index)
    .execution_options(yield_per=_ROWS_AT_ONCE)
)
_SELECT_CONCERNED = select(log_concern.c.leaf_index).where(
    log_concern.c.agency == bindparam("concerned"),
    log_concern.c.leaf_index >= bindparam("start"),
    log_concern.c.leaf_index < bindparam("end"),
)
_SELECT_NEXT_CONCERNED = select(func.min(log_concern.c.agency)).where(log_concern.c.agency > bindparam("after"))


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
    with connection.execute(statement) as found:  # whoever has enough stops in the middle
        for row in found:
            yield FoundRecord(*row)


def list_leaves(connection: Connection, start: int, end: int) -> Iterable[Row[Any]]:
    """Yield the stored leaves from index `start` to before `end` with all their columns, in order."""
    return connection.execute(_SELECT_LEAVES, {"start": start, "end": end})


def read_concerns(connection: Connection, start: int, end: int) -> dict[int, set[str]]:
    """Return whom each leaf of a range concerns, by its index.

    Agency by agency, as the table is keyed: a range of leaves alone would be looked for in the whole of it.
    """
    found: dict[int, set[str]] = {}
    agency: str | None = ""
    while (agency := connection.execute(_SELECT_NEXT_CONCERNED, {"after": agency}).scalar_one()) is not None:
        bounds = {"concerned": agency, "start": start, "end": end}
        for (index,) in connection.execute(_SELECT_CONCERNED, bounds):
            found.setdefault(index, set()).add(agency)
    return found


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
