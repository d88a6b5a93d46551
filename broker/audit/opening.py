"""When a log that goes on from an earlier one was opened, as its first leaf says."""

from datetime import datetime

from sqlalchemy import Connection, select

from broker.audit.tables import log_leaf
from schemas.log.records import Record, RecordType

_SELECT_FIRST = select(log_leaf.c.record).where(log_leaf.c.leaf_index == 0)


def find_opening(connection: Connection) -> datetime | None:
    """Return when this epoch of the log was opened; nothing in the first, which goes on from none."""
    data = connection.execute(_SELECT_FIRST).scalar_one_or_none()
    record = None if data is None else Record.model_validate_json(data)
    if record is None or record.type is not RecordType.EXCHANGE_OPENED or record.checkpoint is None:
        return None
    return record.time
