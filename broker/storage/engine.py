"""Open the broker's database: one engine that writes and one that only reads."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, make_url

from broker.storage import sqlite


@dataclass(frozen=True, slots=True)
class Database:
    """Two ways into one database; `writing` is for the `GroupCommitWriter` and for migrations, never for a request."""

    writing: Engine
    reading: Engine

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Lend a read-only connection whose statements all see the same committed state; hold it briefly."""
        with self.reading.connect() as connection:
            yield connection

    def empty_write_ahead_log(self) -> bool:
        """Let nothing that was deleted stay in the write-ahead log; False: a reader holds it, try again later."""
        return sqlite.empty_write_ahead_log(self.writing)

    def close(self) -> None:
        """Close every idle connection."""
        self.reading.dispose()
        self.writing.dispose()


def open_database(where: str | URL | Path, *, reading_connections: int = 8) -> Database:
    """Open the database at a URL, or in a SQLite file at a path; the file is created, its tables are not.

    Raises:
        ValueError: the URL names an engine this version does not run on.
    """
    url = sqlite.url_of(where) if isinstance(where, Path) else make_url(where)
    if url.get_backend_name() != "sqlite":
        raise ValueError(f"the database URL begins with {url.get_backend_name()}: this version runs on sqlite only")
    return Database(sqlite.make_writing_engine(url), sqlite.make_reading_engine(url, reading_connections))
