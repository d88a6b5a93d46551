"""The SQL of agreement steps."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, bindparam, insert, or_, select

from broker.agreements.tables import agreement_step
from broker.audit.tables import log_leaf
from broker.storage.prepared import Prepared

_INSERT_STEP = insert(agreement_step)
_SELECT_DOCUMENTS = Prepared(
    select(agreement_step.c.leaf_index, agreement_step.c.document)
    .where(agreement_step.c.leaf_index > bindparam("after"))
    .order_by(agreement_step.c.leaf_index)
)
_SELECT_STEPS = (
    select(agreement_step.c.leaf_index, agreement_step.c.document, log_leaf.c.record, log_leaf.c.salt)
    .join(log_leaf, log_leaf.c.leaf_index == agreement_step.c.leaf_index)
    .where(
        agreement_step.c.leaf_index > bindparam("after"),
        agreement_step.c.leaf_index < bindparam("before"),
        log_leaf.c.record.is_not(None),
    )
    .order_by(agreement_step.c.leaf_index)
    .limit(bindparam("rows"))
)
_SELECT_OWN_STEPS = _SELECT_STEPS.where(
    or_(agreement_step.c.agency == bindparam("party"), agreement_step.c.partner == bindparam("party"))
)


@dataclass(frozen=True, slots=True)
class StoredStep:
    """A step as it was stored, with the record and salt of its leaf."""

    leaf_index: int
    document: bytes
    record: bytes
    salt: bytes


def insert_step(connection: Connection, **columns: Any) -> None:
    """Write one accepted step."""
    connection.execute(_INSERT_STEP, columns)


def select_documents(connection: Connection, after_index: int) -> Iterator[tuple[int, bytes]]:
    """Yield the signed documents of all steps after a leaf index, in the order of their leaves."""
    yield from _SELECT_DOCUMENTS.fetch(connection, {"after": after_index})


def select_steps(
    connection: Connection, party: str | None, after_index: int, before_index: int, rows: int
) -> list[StoredStep]:
    """Return steps between two leaf indexes, oldest first: of one party's agreements, or of all for None."""
    values: dict[str, Any] = {"after": after_index, "before": before_index, "rows": rows}
    statement: Select[Any] = _SELECT_STEPS
    if party is not None:
        statement, values = _SELECT_OWN_STEPS, {**values, "party": party}
    return [StoredStep(*row) for row in connection.execute(statement, values)]
