"""Open the broker's database: one engine that writes and one that only reads."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sqlalchemy import URL, Connection, Engine, make_url

from broker.storage import postgresql, sqlite
from schemas.log.epoch import FIRST_EPOCH


class Dialect(Protocol):
    """What a database engine's own module knows: the only modules that name their engine."""

    def verify_commit(self, connection: Connection) -> None:
        """Verify that the COMMIT just answered on a writing connection is as durable as was asked for."""
        ...

    def create_schema(self, connection: Connection) -> None:
        """Create what the tables stand in, where the engine has such a thing."""
        ...

    def empty_write_ahead_log(self, engine: Engine) -> bool:
        """Let nothing that was deleted stay in the write-ahead log; False: a reader holds it, try again later."""
        ...


@dataclass(frozen=True, slots=True)
class Database:
    """Two ways into one database; `writing` is for the `GroupCommitWriter` and for migrations, never for a request."""

    dialect: Dialect
    writing: Engine
    reading: Engine

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Lend a read-only connection whose statements all see the same committed state; hold it briefly."""
        with self.reading.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Lend a connection whose writes are committed, durably, when the block ends well.

        Raises:
            CommitUnknownError: they were committed less durably than was asked for.
        """
        with self.writing.connect() as connection:
            with connection.begin():
                yield connection
            self.dialect.verify_commit(connection)

    def create_schema(self, connection: Connection) -> None:
        """Create what the tables stand in, unless it is there."""
        self.dialect.create_schema(connection)

    def empty_write_ahead_log(self) -> bool:
        """Let nothing that was deleted stay in the write-ahead log; False: a reader holds it, try again later."""
        return self.dialect.empty_write_ahead_log(self.writing)

    def close(self) -> None:
        """Close every idle connection."""
        self.reading.dispose()
        self.writing.dispose()


def open_database(where: str | URL | Path, *, epoch: int = FIRST_EPOCH, reading_connections: int = 8) -> Database:
    """Open the database at a URL, or in a SQLite file at a path; the file is created, its tables are not.

    On PostgreSQL each epoch of the log has a schema of its own.

    Raises:
        ValueError: the URL names an engine that the broker does not run on.
    """
    url = sqlite.url_of(where) if isinstance(where, Path) else make_url(where)
    match url.get_backend_name():
        case "sqlite":
            writing, reading = sqlite.make_writing_engine(url), sqlite.make_reading_engine(url, reading_connections)
            return Database(sqlite, writing, reading)
        case "postgresql":
            schema = f"bilateral_{epoch}"
            writing = postgresql.make_writing_engine(url, schema)
            return Database(postgresql, writing, postgresql.make_reading_engine(url, schema, reading_connections))
        case name:
            raise ValueError(f"the database URL begins with {name}: the broker runs on sqlite and postgresql")
