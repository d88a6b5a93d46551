"""The directory's SQL: it has no tables of its own, since the public records of the log are its whole content."""

from collections.abc import Iterator

from sqlalchemy import Connection, bindparam, or_, select

from broker.audit.tables import log_leaf
from broker.storage.prepared import Prepared
from schemas.log.records import Record, RecordType

_KEY_RECORDS = (RecordType.KEY_SET.value, RecordType.ENCRYPTION_KEYS.value, RecordType.REVOCATION.value)
_SELECT_KEY_RECORDS = Prepared(
    select(log_leaf.c.leaf_index, log_leaf.c.record)
    .where(or_(*(log_leaf.c.record_type == one for one in _KEY_RECORDS)), log_leaf.c.leaf_index > bindparam("after"))
    .order_by(log_leaf.c.leaf_index)
)


def select_key_records(connection: Connection, after_index: int) -> Iterator[tuple[int, Record]]:
    """Yield the records of all key documents after a leaf index, in the order of their leaves."""
    for index, record in _SELECT_KEY_RECORDS.fetch(connection, {"after": after_index}):
        yield index, Record.model_validate_json(record)
