"""Copy everything that an exchange knows from one database into another one, whatever engine each is on.

The bytes of attachments are left out of that: they end within weeks, their senders keep them, and a backup stays
small. A new epoch beside the old one takes them over, as it finds files where it was.
"""

from collections.abc import Iterator

from sqlalchemy import Connection, Table, func, insert, select

from broker.attachments.tables import attachment_piece
from broker.epochs.carrying import Progress
from broker.storage.migrate import load_tables

_ROWS_AT_ONCE = 200
_PIECES_AT_ONCE = 16
_LEFT_OUT = frozenset({attachment_piece.name})


def copy_rows(source: Connection, target: Connection, progress: Progress) -> None:
    """Copy the rows of all tables, which are the same in both and empty in `target`; `progress` is told rows."""
    tables = list(_list_tables())
    total = sum(source.execute(select(func.count()).select_from(table)).scalar_one() for table in tables)
    done = 0
    for table in tables:
        for count in _copy_table(table, source, target, _ROWS_AT_ONCE):
            done += count
            progress(done, total)


def copy_pieces(source: Connection, target: Connection) -> None:
    """Copy the bytes of attachments that are rows, a few MiB at a time."""
    for _ in _copy_table(attachment_piece, source, target, _PIECES_AT_ONCE):
        pass


def _copy_table(table: Table, source: Connection, target: Connection, rows_at_once: int) -> Iterator[int]:
    """Copy a table page by page, and yield how many rows each had."""
    rows = source.execute(select(table).execution_options(yield_per=rows_at_once))
    for page in rows.mappings().partitions():
        target.execute(insert(table), [dict(row) for row in page])
        yield len(page)


def _list_tables() -> Iterator[Table]:
    """Yield the tables, each after those that it refers to."""
    return (table for table in load_tables().sorted_tables if table.name not in _LEFT_OUT)
