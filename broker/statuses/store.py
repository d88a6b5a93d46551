"""The SQL of statuses and access-log heads."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select, update

from broker.statuses.tables import access_log_head, status

_SELECT_STATUS = select(
    status.c.partner, status.c.agency, status.c.seq, status.c.digest, status.c.time, status.c.leaf_index,
    status.c.document,
)  # fmt: skip
_SELECT_HEAD = select(
    access_log_head.c.agency, access_log_head.c.node, access_log_head.c.count, access_log_head.c.head,
    access_log_head.c.digest, access_log_head.c.leaf_index,
).where(access_log_head.c.agency == bindparam("agency"), access_log_head.c.node == bindparam("node"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class StoredStatus:
    """The newest status of one agency for one partner, with the leaf of its acceptance."""

    partner: str
    agency: str
    seq: int
    digest: str
    time: datetime
    leaf_index: int
    document: bytes


@dataclass(frozen=True, slots=True)
class StoredHead:
    """The newest head of one node's access log, with the leaf of its acceptance."""

    agency: str
    node: str
    count: int
    head: str
    digest: str
    leaf_index: int


def select_status(connection: Connection, agency: str, partner: str) -> StoredStatus | None:
    """Return the newest status an agency signed for a partner."""
    found = _SELECT_STATUS.where(status.c.partner == partner, status.c.agency == agency)
    row = connection.execute(found).one_or_none()
    return None if row is None else StoredStatus(*row)


def select_statuses_for(connection: Connection, partner: str) -> list[StoredStatus]:
    """Return the newest status of everybody who signed one for `partner`, by agency."""
    found = _SELECT_STATUS.where(status.c.partner == partner).order_by(status.c.agency)
    return [StoredStatus(*row) for row in connection.execute(found)]


def put_status(connection: Connection, new: StoredStatus, *, is_first: bool) -> None:
    """Let a status take the place of the one before it."""
    if is_first:
        connection.execute(insert(status).values(asdict(new)))
    else:
        place = (status.c.partner == new.partner, status.c.agency == new.agency)
        connection.execute(update(status).where(*place).values(asdict(new)))


def select_head(connection: Connection, agency: str, node: str) -> StoredHead | None:
    """Return the newest head of a node's access log."""
    row = connection.execute(_SELECT_HEAD, {"agency": agency, "node": node}).one_or_none()
    return None if row is None else StoredHead(*row)


def put_head(connection: Connection, new: StoredHead, *, is_first: bool) -> None:
    """Let a head take the place of the one before it."""
    if is_first:
        connection.execute(insert(access_log_head).values(asdict(new)))
    else:
        place = (access_log_head.c.agency == new.agency, access_log_head.c.node == new.node)
        connection.execute(update(access_log_head).where(*place).values(asdict(new)))
