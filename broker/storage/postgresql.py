"""Everything that holds for PostgreSQL only: sessions, schemas, partitions, and what the answer to a COMMIT is worth.

Every session goes to the primary: what decides must not be read where it may be old. A writing session holds the row
of the log's head for as long as its transaction lasts, so none may last: a broker that stops in the middle of one, or
whose machine is gone, loses session and lock within `_MAX_IDLE_SECONDS`, and what it had written.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from select import POLLIN, poll
from typing import Any

from sqlalchemy import URL, Connection, Dialect, Engine, QueuePool, Table, create_engine, event, text
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import DBAPIError, DisconnectionError, PendingRollbackError

from broker.storage import libpq
from broker.storage.errors import CommitUnknownError, DatabaseInUseError, SchemaKeptError
from broker.storage.postgresql_channel import PostgresqlChannel
from broker.storage.revision import SchemaNewerError, find_newest_revision

NAME = "postgresql"
PARTITIONS = 16

_LOCK_TOGETHER = b"SELECT pg_try_advisory_lock_shared(x'62726f6b6572'::bigint)"
_LOCK_ALONE = b"SELECT pg_try_advisory_lock(x'62726f6b6572'::bigint)"

_DISK_FULL = "53100"
_MAX_IDLE_SECONDS = 10
_LOCK_SECONDS = 20  # longer than a broker can be idle in a transaction: whoever waits outlives it
_TRANSACTION_SECONDS = 120  # far longer than a batch takes
_CONNECT_SECONDS = 10
# With these the server ends a session, or takes none: connection exceptions, operator intervention on the whole server,
# a transaction that was idle or lasted too long. Where there is no word of the server at all, the line is cut.
_SESSION_ENDS = ("08", "57P", "25P03", "25P04")

# A peer that is gone is noticed within half a minute on either side.
_CLIENT_KEEPALIVE = {
    "keepalives": "1",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
_SESSION = {
    "application_name": "bilateral-broker",
    "client_connection_check_interval": "5s",
    "idle_in_transaction_session_timeout": f"{_MAX_IDLE_SECONDS}s",
    "jit": "off",
    "tcp_keepalives_count": "3",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_user_timeout": "30s",  # also for who takes nothing more: a frozen listener must not fill the server's queue
    "timezone": "UTC",
}
# READ COMMITTED: whoever waited for the head's lock reads what its last holder committed. `on` waits for the disk, and
# for the standby where there is one.
_WRITING = _SESSION | {
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "lock_timeout": f"{_LOCK_SECONDS}s",
    "synchronous_commit": "on",
}
_ALONE = {"idle_in_transaction_session_timeout": "0"}  # nobody waits for it, and what it reads from may take its time
_READING = _SESSION | {"default_transaction_isolation": "repeatable read", "default_transaction_read_only": "on"}


def make_writing_engine(
    url: URL, schema: str, *, requires_standby: bool = False, is_alone: bool = False, beside: int = 0
) -> Engine:
    """Return the engine whose COMMIT is answered once disk and standby have it, and whose warnings are kept.

    Each of its sessions keeps a lock on the database for as long as it lives, so that none can write without it:
    together with other brokers, or with `is_alone` against all of them, in whichever epoch. Sessions `beside` the
    log's writer hold none: where it may write, they may.
    """
    session = _WRITING | (_ALONE if is_alone else {})
    engine = _make_engine(url, schema, session, target="read-write", pool_size=beside or 1)

    @event.listens_for(engine, "connect")
    def keep_warnings(connection: Any, record: Any) -> None:
        warnings: list[str] = []
        record.info["warnings"] = warnings
        record.info["requires_standby"] = requires_standby
        connection.add_notice_handler(lambda notice: _keep_warning(notice, warnings))

    @event.listens_for(engine, "connect")
    def hold_lock(connection: Any, _record: Any) -> None:
        if not beside and _ask(connection, _LOCK_ALONE if is_alone else _LOCK_TOGETHER) != "t":
            connection.close()
            raise DatabaseInUseError
        if not is_alone:
            _verify_known(connection)
        if not (is_alone or beside):
            _limit_transactions(connection)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.info["warnings"].clear()
        libpq.begin_transaction(connection)

    event.listen(engine, "commit", libpq.commit_transaction)
    event.listen(engine, "rollback", libpq.forget_transaction)

    @event.listens_for(engine, "before_cursor_execute")
    def keep_order(connection: Connection, *_words: object) -> None:
        libpq.send_waiting(connection)

    return engine


def make_reading_engine(url: URL, schema: str, connections: int) -> Engine:
    """Return the engine of read-only connections; each transaction sees one snapshot of the primary."""
    # Not `read-write`: that would ask of the server what these sessions refuse themselves.
    engine = _make_engine(url, schema, _READING, target="primary", pool_size=connections)
    event.listen(engine, "begin", lambda connection: libpq.command(connection, b"BEGIN"))
    return engine


def is_unreachable(error: Exception, engine: Engine) -> bool:
    """Return whether an error, SQLAlchemy's or the driver's own, says that the database cannot be reached."""
    driver, cause = engine.dialect.loaded_dbapi, _find_cause(error)
    if (sqlstate := getattr(cause, "sqlstate", None)) is not None:
        return str(sqlstate).startswith(_SESSION_ENDS)
    # The last is SQLAlchemy's own word to whoever asks on for a session that it has found broken.
    return isinstance(cause, driver.OperationalError | driver.InterfaceError | PendingRollbackError)


def is_busy(error: Exception, engine: Engine) -> bool:
    """Return whether an error says that the server, which can be reached, did not come to it, or was told not to.

    It waited too long for a lock (SQLSTATE 55P03), was cancelled (57014), found a deadlock, has no memory or disk left.
    """
    is_of_operation = isinstance(_find_cause(error), engine.dialect.loaded_dbapi.OperationalError)
    return is_of_operation and not is_unreachable(error, engine)


def is_full(error: Exception) -> bool:
    """Return whether an error says that the server's disk has no room left (SQLSTATE 53100)."""
    return getattr(_find_cause(error), "sqlstate", None) == _DISK_FULL


def take_turn(connection: Connection, name: str) -> bool:
    """Take the turn of this name until the transaction ends; False if another session has it."""
    question = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")
    return bool(connection.execute(question, {"name": name}).scalar_one())


def begin_operation(connection: Connection) -> None:
    """Begin what can be taken back by itself within the transaction."""
    libpq.begin_operation(connection)


def keep_operation(connection: Connection) -> None:
    """Execute what waits still of the operation; what it did belongs to the transaction."""
    libpq.keep_operation(connection)


def undo_operation(connection: Connection) -> None:
    """Take back what the operation did."""
    libpq.undo_operation(connection)


def verify_commit(connection: Connection) -> None:
    """Verify that the COMMIT just answered on this connection of the writing engine is as durable as was asked for.

    When the wait for a synchronous standby is cut short, PostgreSQL answers with success and a warning. When standbys
    are abolished meanwhile it answers with success alone, so whoever requires one asks afterwards.

    Raises:
        CommitUnknownError: it came with a warning, or there is no synchronous standby.
    """
    warnings = connection.info["warnings"]
    if warnings:
        raise CommitUnknownError(warnings[0])
    if connection.info["requires_standby"] and not _ask(
        connection.connection.driver_connection, b"SHOW synchronous_standby_names"
    ):
        raise CommitUnknownError("database.require_standby is set, and the server has no synchronous standby")


def find_unsafe(connection: Connection) -> Iterator[str]:
    """Yield a sentence for each setting of the server that lets committed transactions be lost or damaged."""
    for name in ("fsync", "full_page_writes"):
        if connection.exec_driver_sql(f"SHOW {name}").scalar_one() != "on":
            yield f"PostgreSQL runs with {name} = off: a power cut would lose what was answered as accepted"
    encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
    if encoding != "UTF8":
        yield f"the database's encoding is {encoding}: make one with ENCODING 'UTF8'"


def create_schema(connection: Connection) -> None:
    """Create the schema that the connection's tables belong into, unless it is there."""
    name = _read_schema(connection)
    if not _has_schema(connection, name):
        connection.exec_driver_sql(f"CREATE SCHEMA {name}")


def drop_schema(connection: Connection) -> None:
    """Drop the connection's schema with everything in it, if it is there."""
    connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {_read_schema(connection)} CASCADE")


def set_schema_aside(connection: Connection) -> None:
    """Let the connection's schema, if it is there, end in `_replaced` from now on.

    Raises:
        SchemaKeptError: there is one of that name already.
    """
    name = _read_schema(connection)
    kept = f"{name}_replaced"
    if not _has_schema(connection, name):
        return
    if _has_schema(connection, kept):
        raise SchemaKeptError(kept)
    connection.exec_driver_sql(f"ALTER SCHEMA {name} RENAME TO {kept}")


def make_numbering_dialect() -> Dialect:
    """Return SQLAlchemy's words for statements whose parameters are `$1`, `$2`, …: those the server itself takes."""
    return PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]


def write_array_insert(table: str, columns: Mapping[str, str]) -> str:
    """Return an insert that takes the values of each column, named with its type, as one array."""
    arrays = ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(columns.values(), 1))
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT * FROM unnest({arrays})"  # noqa: S608 - our own names


def tell_planner(connection: Connection, tables: Iterable[Table]) -> None:
    """Do nothing: the server gathers statistics by itself."""


def empty_write_ahead_log(engine: Engine) -> bool:
    """Return True: what was deleted leaves the files with the server's own vacuum, and its log with the checkpoints."""
    return True


def open_channel(reading: Engine, broker: str) -> PostgresqlChannel:
    """Return how this broker reaches others on the same database."""
    return PostgresqlChannel(reading, broker)


def _make_engine(url: URL, schema: str, session: dict[str, str], *, target: str, pool_size: int) -> Engine:
    options = " ".join(f"-c {name}={_escape(value)}" for name, value in (session | {"search_path": schema}).items())
    given = url.query.get("options", "")
    # hide_parameters: an error's text must never carry what people wrote into a log.
    engine = create_engine(
        url.set(drivername="postgresql+psycopg").difference_update_query(["options"]),
        poolclass=QueuePool,
        pool_size=pool_size,
        max_overflow=0,
        hide_parameters=True,
        paramstyle="format",
        use_native_hstore=False,  # one query less at each connection
        connect_args={
            "connect_timeout": _CONNECT_SECONDS,
            "target_session_attrs": target,
            "options": f"{given} {options}".strip(),
            "prepare_threshold": None,  # psycopg forgets with a rollback all that its session prepared, ours with it
            **_CLIENT_KEEPALIVE,
        },
    )
    event.listen(engine, "checkout", _verify_quiet)
    return engine


def _find_cause(error: Exception) -> BaseException | None:
    return error.orig if isinstance(error, DBAPIError) else error


def _read_schema(connection: Connection) -> str:
    return str(connection.execute(text("SELECT current_setting('search_path')")).scalar_one())


def _has_schema(connection: Connection, name: str) -> bool:
    known = connection.execute(text("SELECT 1 FROM pg_namespace WHERE nspname = :name"), {"name": name})
    return known.first() is not None


def _ask(driver: Any, question: bytes) -> str:
    """Ask the server outside any transaction, by one message there and one back."""
    answer = driver.pgconn.exec_(question).get_value(0, 0)
    return "" if answer is None else str(answer, "utf-8")


def _verify_known(driver: Any) -> None:
    """Verify that nobody has brought the tables to a newer version while this broker was cut off from them.

    Raises:
        SchemaNewerError: somebody has.
    """
    found, wanted = _ask(driver, b"SELECT version_num FROM alembic_version"), find_newest_revision()
    if found > wanted:
        driver.close()
        raise SchemaNewerError(found, wanted)


def _limit_transactions(driver: Any) -> None:
    """Let the server end a transaction that lasts far too long, where it can (PostgreSQL 17).

    Who stops in the middle of what it sends is not idle: without this it would keep the log's head until it is killed.
    """
    _ask(
        driver,
        b"SELECT set_config('transaction_timeout', '%ds', false) "
        b"WHERE current_setting('server_version_num')::integer >= 170000" % _TRANSACTION_SECONDS,
    )


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace(" ", "\\ ")


def _keep_warning(notice: Any, warnings: list[str]) -> None:
    if notice.severity_nonlocalized == "WARNING":
        warnings.append(notice.message_primary)


def _verify_quiet(connection: Any, _record: object, _proxy: object) -> None:
    """Replace a connection on which something came while nobody used it: the server says goodbye there."""
    waiting = poll()
    with suppress(Exception):
        waiting.register(connection.fileno(), POLLIN)
        if not waiting.poll(0):
            return
    raise DisconnectionError


@event.listens_for(Table, "after_create")
def create_partitions(table: Table, connection: Connection, **_words: object) -> None:
    """Create the partitions of a table that is divided by hash, whoever creates the table."""
    if connection.dialect.name == NAME and table.dialect_options[NAME]["partition_by"]:
        for number in range(PARTITIONS):
            connection.exec_driver_sql(
                f"CREATE TABLE {table.name}_{number:02} PARTITION OF {table.name} "
                f"FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {number})"
            )
