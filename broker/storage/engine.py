"""Open the broker's database: one engine that writes and one that only reads."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sqlalchemy import URL, Connection, Engine, Table, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from broker.storage import postgresql, sqlite
from broker.storage.announcements import Channel
from broker.storage.errors import CommitUnknownError, DatabaseBusyError, StoreBusyError, StoreUnreachableError
from schemas.log.epoch import FIRST_EPOCH


class Dialect(Protocol):
    """What a database engine's own module knows: the only modules that name their engine."""

    def is_unreachable(self, error: Exception, engine: Engine) -> bool:
        """Return whether an error says that the database cannot be reached, or no longer over this connection."""
        ...

    def is_busy(self, error: Exception, engine: Engine) -> bool:
        """Return whether an error says that the database is there and could not do it now."""
        ...

    def begin_operation(self, connection: Connection) -> None:
        """Begin what can be taken back by itself within a transaction of the writing engine."""
        ...

    def keep_operation(self, connection: Connection) -> None:
        """End the operation begun last: all that it wrote is executed, and belongs to the transaction."""
        ...

    def undo_operation(self, connection: Connection) -> None:
        """Take back what the operation begun last has written."""
        ...

    def verify_commit(self, connection: Connection) -> None:
        """Verify that the COMMIT just answered on a writing connection is as durable as was asked for."""
        ...

    def is_full(self, error: Exception) -> bool:
        """Return whether an error says that the disk has no room left."""
        ...

    def take_turn(self, connection: Connection, name: str) -> bool:
        """Take the turn of this name until the transaction ends; False if somebody else on the database has it."""
        ...

    def find_unsafe(self, connection: Connection) -> Iterable[str]:
        """Yield a sentence for everything because of which what was committed could be lost."""
        ...

    def create_schema(self, connection: Connection) -> None:
        """Create what the tables stand in, where the engine has such a thing."""
        ...

    def drop_schema(self, connection: Connection) -> None:
        """Drop what the tables stand in, where the engine has such a thing."""
        ...

    def set_schema_aside(self, connection: Connection) -> None:
        """Give what the tables stand in another name, where the engine has such a thing."""
        ...

    def tell_planner(self, connection: Connection, tables: Iterable[Table]) -> None:
        """Say what to expect of tables, where the engine does not find out by itself."""
        ...

    def empty_write_ahead_log(self, engine: Engine) -> bool:
        """Let nothing that was deleted stay in the write-ahead log; False: a reader holds it, try again later."""
        ...

    def open_channel(self, reading: Engine, broker: str) -> Channel | None:
        """Return how this broker reaches others on the same database; nothing where it is alone."""
        ...


@dataclass(frozen=True, slots=True)
class Database:
    """Two ways into one database; `writing` is for the `GroupCommitWriter` and for migrations, never for a request."""

    dialect: Dialect
    writing: Engine
    reading: Engine

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Lend a read-only connection whose statements all see the same committed state; hold it briefly.

        Raises:
            StoreUnreachableError: there is none, or it broke; `DatabaseBusyError`: it could not.
            StoreBusyError: others have had all of them for as long as one waits.
        """
        with self._naming_what_broke(self.reading), self.reading.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Lend a connection whose writes are committed, durably, when the block ends well.

        Raises:
            StoreUnreachableError: there is none, or it broke before the end; `DatabaseBusyError`: it could not.
            CommitUnknownError: it broke at the end, or the writes are less durable than was asked for.
        """
        with self._naming_what_broke(self.writing), self.writing.connect() as connection:
            is_committing = False
            try:
                with connection.begin():
                    yield connection
                    is_committing = True
                self.dialect.verify_commit(connection)
            except CommitUnknownError:
                raise
            except Exception as error:
                if is_committing and self._is_without_answer(error):
                    raise CommitUnknownError("it broke while it was committed") from error
                raise

    def find_unsafe(self) -> list[str]:
        """Return a sentence for everything because of which what was committed could be lost."""
        with self.read() as connection:
            return list(self.dialect.find_unsafe(connection))

    def create_schema(self, connection: Connection) -> None:
        """Create what the tables stand in, unless it is there."""
        self.dialect.create_schema(connection)

    def drop_schema(self, connection: Connection) -> None:
        """Drop what the tables stand in, with all of them: for what was begun and cannot be finished."""
        self.dialect.drop_schema(connection)

    def set_schema_aside(self, connection: Connection) -> None:
        """Give the schema of a shared database another name, if there is one; what stood in it is kept.

        Raises:
            SchemaKeptError: one was set aside before, and nobody has decided about it.
        """
        self.dialect.set_schema_aside(connection)

    def empty_write_ahead_log(self) -> bool:
        """Let nothing that was deleted stay in the write-ahead log; False: a reader holds it, try again later."""
        return self.dialect.empty_write_ahead_log(self.writing)

    def open_channel(self, broker: str) -> Channel | None:
        """Return how the broker of this name reaches others on the same database; nothing where it is alone."""
        return self.dialect.open_channel(self.reading, broker)

    def close(self) -> None:
        """Close every idle connection."""
        self.reading.dispose()
        self.writing.dispose()

    @contextmanager
    def _naming_what_broke(self, engine: Engine) -> Iterator[None]:
        try:
            yield
        except PoolTimeoutError as error:
            raise StoreBusyError("the database answers too slowly; try again shortly") from error
        except Exception as error:
            if self.dialect.is_unreachable(error, engine):
                raise StoreUnreachableError from error
            if self.dialect.is_busy(error, engine):
                raise DatabaseBusyError from error
            raise

    def _is_without_answer(self, error: Exception) -> bool:
        """Return whether an error at a COMMIT is none with which the database says that it kept nothing."""
        is_of_database = isinstance(error, DBAPIError | self.writing.dialect.loaded_dbapi.Error)
        is_cut_off = self.dialect.is_unreachable(error, self.writing) or self.dialect.is_busy(error, self.writing)
        return is_cut_off or not is_of_database


def open_database(
    where: str | URL | Path,
    *,
    epoch: int = FIRST_EPOCH,
    reading_connections: int = 8,
    requires_standby: bool = False,
    is_alone: bool = False,
    beside: int = 0,
) -> Database:
    """Open the database at a URL, or in a SQLite file at a path; the file is created, its tables are not.

    On PostgreSQL each epoch of the log has a schema of its own, and with `requires_standby` no commit counts that no
    synchronous standby has. Several may write there, unless one says by its first write that it is alone; who has a
    SQLite file to itself is decided by the lock of its folder. With `beside`, so many sessions write what the log does
    not speak of, beside its one writer: not on SQLite, where there is room for one.

    Raises:
        ValueError: the URL names an engine that the broker does not run on, or SQLite should have a standby.
    """
    url = sqlite.url_of(where) if isinstance(where, Path) else make_url(where)
    match url.get_backend_name():
        case "sqlite" if requires_standby:
            raise ValueError("database.require_standby is set, and SQLite has no standby: leave the setting out")
        case "sqlite":
            writing, reading = sqlite.make_writing_engine(url), sqlite.make_reading_engine(url, reading_connections)
            return Database(sqlite, writing, reading)
        case "postgresql":
            schema = f"bilateral_{epoch}"
            writing = postgresql.make_writing_engine(
                url, schema, requires_standby=requires_standby, is_alone=is_alone, beside=beside
            )
            return Database(postgresql, writing, postgresql.make_reading_engine(url, schema, reading_connections))
        case name:
            raise ValueError(f"the database URL begins with {name}: the broker runs on sqlite and postgresql")
