"""The engine that the databases of tests stand on: SQLite, or PostgreSQL where `--database` or a test says so."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL

from tests.support.postgresql import shared_server

SQLITE, POSTGRESQL = "sqlite", "postgresql"

_chosen = [SQLITE]


def choose_engine(name: str) -> None:
    """Let everything that is made from now on stand on this engine, unless a block says otherwise."""
    _chosen[0] = name


def is_on_postgresql() -> bool:
    """Return whether what is made now stands on PostgreSQL."""
    return _chosen[-1] == POSTGRESQL


def make_server_database() -> URL | None:
    """Return an empty database where a server keeps them; nothing where a folder holds a file of its own."""
    return shared_server().make_database() if is_on_postgresql() else None


@contextmanager
def using_engine(name: str) -> Iterator[None]:
    """Let what is made in the block stand on this engine."""
    _chosen.append(name)
    try:
        yield
    finally:
        _chosen.pop()
