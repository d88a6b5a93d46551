"""A PostgreSQL server that loses nothing, for measuring: it syncs each commit, and says what its processes have used.

Unlike the tests' server it runs with every setting that keeps what was committed. Its CPU time is the kernel's, of the
server's process and of all that it started; synchronisations of its log are its own count (`pg_stat_io`), which its
processes hand in when they end, so they are read around a broker's whole life.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import URL

from bench.processes import list_children, read_cpu_seconds, read_used_by_ended_seconds
from broker.database import find_database, write_database_url
from broker.exchange import ExchangeFolder
from tests.support.postgresql import SUPERUSER, PostgresqlServer

DURABLE = {
    "log_min_messages": "fatal",
    "max_connections": "100",
    "max_wal_size": "2GB",
    "shared_buffers": "256MB",
}
"""What differs from the server's own settings, none of it what a commit is worth."""

CHANNEL = "bilateral_1"
_SYNCS = "SELECT sum(fsyncs)::bigint FROM pg_stat_io WHERE object = 'wal'"
_TOLD_WITHIN_SECONDS = 0.1


@contextmanager
def durable_server() -> Iterator[PostgresqlServer]:
    """Run a server on a folder of its own around the block."""
    server = PostgresqlServer(DURABLE)
    server.initialise()
    server.start()
    try:
        yield server
    finally:
        server.discard()


def copy_exchange(server: PostgresqlServer, source: ExchangeFolder, target: ExchangeFolder) -> str:
    """Give a copied folder a copy of the database that the original names; return the copy's name."""
    original = find_database(source)
    assert isinstance(original, URL)  # noqa: S101 - a stage on a server has no file
    copy = server.make_database(original.database)
    write_database_url(target, copy)
    return str(copy.database)


def read_server_cpu_seconds(server: PostgresqlServer) -> float:
    """Return what the server has used: its first process, the living ones it started, and those that ended."""
    first = int((server.data / "postmaster.pid").read_text().partition("\n")[0])
    return read_used_by_ended_seconds(first) + sum(read_cpu_seconds(pid) for pid in (first, *list_children(first)))


def count_syncs(server: PostgresqlServer) -> int:
    """Return how often processes that have handed it in have synchronised the write-ahead log."""
    ((count,),) = server.execute(_SYNCS)
    return int(count)


class Listener:
    """A session that hears what brokers on a database announce to each other, and counts it."""

    def __init__(self, server: PostgresqlServer, database: str) -> None:
        self._session = psycopg.connect(host=str(server.folder), user=SUPERUSER, dbname=database, autocommit=True)
        self._session.execute(f"LISTEN {CHANNEL}".encode())

    def count(self) -> int:
        """Return how many announcements came since this was asked last."""
        return sum(1 for _ in self._session.notifies(timeout=_TOLD_WITHIN_SECONDS))

    def close(self) -> None:
        """End the session."""
        self._session.close()
