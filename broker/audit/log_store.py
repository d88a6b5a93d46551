"""The log's SQL: read and move the head, write leaves, read them back."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from broker.audit.tables import log_concern, log_head, log_leaf
from broker.storage.prepared import Prepared

_ROWS_AT_ONCE = 10_000

_HEAD = select(
    log_head.c.origin, log_head.c.size, log_head.c.root, log_head.c.last_time, log_head.c.checkpoint, log_head.c.stop
)  # fmt: skip
_SELECT_HEAD = Prepared(_HEAD)
_WAIT_FOR_HEAD = Prepared(_HEAD.with_for_update())
_TAKE_HEAD = Prepared(_HEAD.with_for_update(skip_locked=True))
_MOVE_HEAD = Prepared(
    update(log_head)
    .where(log_head.c.size == bindparam("old_size"))
    .values(
        size=bindparam("new_size"),
        root=bindparam("new_root"),
        last_time=bindparam("new_time"),
        checkpoint=bindparam("newest_checkpoint"),
    )
)
_STORE_STOP = Prepared(update(log_head).values(stop=bindparam("why")))
_INSERT_LEAVES = Prepared(insert(log_leaf))
_INSERT_CONCERNS = Prepared(insert(log_concern))
_SELECT_HASHES = Prepared(
    select(log_leaf.c.leaf_hash)
    .where(log_leaf.c.leaf_index >= bindparam("start"), log_leaf.c.leaf_index < bindparam("end"))
    .order_by(log_leaf.c.leaf_index)
)
_SELECT_RECORD = Prepared(
    select(log_leaf.c.record, log_leaf.c.salt).where(log_leaf.c.leaf_index == bindparam("leaf_index"))
)
_SELECT_RANGE = (
    select(
        log_leaf.c.leaf_index, log_leaf.c.leaf_class, log_leaf.c.commitment,
        log_leaf.c.leaf_hash, log_leaf.c.record, log_leaf.c.salt,
    )
    .where(log_leaf.c.leaf_index >= bindparam("start"), log_leaf.c.leaf_index < bindparam("end"))
    .order_by(log_leaf.c.leaf_index)
)  # fmt: skip


class LogMissingError(LookupError):
    """The database holds no log yet."""


class HeadMovedError(RuntimeError):
    """The head changed under the lock that should hold it still; the batch must not commit."""


@dataclass(frozen=True, slots=True)
class StoredHead:
    """The head row as it was read."""

    origin: str
    size: int
    root: bytes
    last_time: datetime
    checkpoint: bytes | None
    stop: bytes | None = None


def insert_head(connection: Connection, head: StoredHead) -> None:
    """Write the first head of a new log."""
    connection.execute(
        insert(log_head).values(
            id=1,
            origin=head.origin,
            size=head.size,
            root=head.root,
            last_time=head.last_time,
            checkpoint=head.checkpoint,
        )
    )


def select_head(connection: Connection, *, for_update: bool = False) -> StoredHead:
    """Return the head, holding it still until the transaction ends if asked to.

    Raises:
        LogMissingError: no log was created.
    """
    rows = (_WAIT_FOR_HEAD if for_update else _SELECT_HEAD).fetch(connection, {})
    if not rows:
        raise LogMissingError("the database holds no log: run `broker init`")
    return StoredHead(*rows[0])


def take_head(connection: Connection) -> StoredHead | None:
    """Return the head, holding it still until the transaction ends; nothing where another transaction holds it."""
    rows = _TAKE_HEAD.fetch(connection, {})
    return StoredHead(*rows[0]) if rows else None


def move_head(connection: Connection, old_size: int, head: StoredHead) -> None:
    """Move the head on from `old_size` leaves.

    Raises:
        HeadMovedError: it did not stand there.
    """
    moved = _MOVE_HEAD.run(
        connection,
        {
            "old_size": old_size,
            "new_size": head.size,
            "new_root": head.root,
            "new_time": head.last_time,
            "newest_checkpoint": head.checkpoint,
        },
    )
    if moved != 1:
        raise HeadMovedError(f"the log's head no longer stands at {old_size} leaves")


def store_stop(connection: Connection, stop: bytes | None) -> None:
    """Say, under the head's lock, why the log may not grow; with nothing, that it may."""
    _STORE_STOP.run(connection, {"why": stop})


def insert_leaves(connection: Connection, leaves: list[dict[str, Any]], concerns: list[dict[str, Any]]) -> None:
    """Write leaves, and whom they concern."""
    _INSERT_LEAVES.insert_many(connection, leaves)
    _INSERT_CONCERNS.insert_many(connection, concerns)


def select_hashes(connection: Connection, start: int) -> Iterator[bytes]:
    """Yield the hashes of all leaves from index `start` on; those behind a gap of thousands are not looked for."""
    while rows := _SELECT_HASHES.fetch(connection, {"start": start, "end": start + _ROWS_AT_ONCE}):
        for (leaf_hash,) in rows:
            yield leaf_hash
        if len(rows) < _ROWS_AT_ONCE:
            return
        start += _ROWS_AT_ONCE


def count_leaves_from(connection: Connection, start: int) -> int:
    """Return how many leaves are stored from index `start` on."""
    count = select(func.count()).select_from(log_leaf).where(log_leaf.c.leaf_index >= start)
    return int(connection.execute(count).scalar_one())


def select_record(connection: Connection, index: int) -> tuple[bytes | None, bytes | None]:
    """Return a leaf's record and salt; neither once it has been erased.

    Raises:
        LookupError: there is no such leaf.
    """
    rows = _SELECT_RECORD.fetch(connection, {"leaf_index": index})
    if not rows:
        raise LookupError(f"the log has no leaf {index}")
    ((record, salt),) = rows
    return record, salt


def select_range(connection: Connection, start: int, end: int) -> Iterable[Row[Any]]:
    """Return the leaves from index `start` to before `end`, in order."""
    return connection.execute(_SELECT_RANGE, {"start": start, "end": end})
