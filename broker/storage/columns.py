"""Column types that mean the same in every database the broker runs on."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Dialect, Integer, String, Table, text
from sqlalchemy.types import TypeDecorator, TypeEngine
from sqlmodel import SQLModel

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# SQLite makes only INTEGER PRIMARY KEY the row's own number; elsewhere 32 bits would run out.
BigId = BigInteger().with_variant(Integer(), "sqlite")


class UtcInstant(TypeDecorator[datetime]):
    """A moment, stored as whole microseconds since 1970 in UTC: sorts, compares and has no time zone to lose."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Return the microseconds of an aware datetime; a naive one is refused by the subtraction."""
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Return the aware datetime in UTC."""
        return None if value is None else _EPOCH + timedelta(microseconds=value)


class Text(TypeDecorator[str]):
    """A text that compares and sorts byte by byte, whatever the language of the database."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str]:
        """Return the dialect's string type; PostgreSQL alone would sort by a language."""
        return String(collation="C") if dialect.name == "postgresql" else String()


EXPECTED_ROWS = "expected-rows"
BY_RECIPIENT = {"postgresql_partition_by": "HASH (recipient)"}
"""For a table's arguments: it is kept in parts, by the agency that its rows are for."""


def rows_where(words: str, postgresql: str | None = None) -> dict[str, Any]:
    """Return the arguments of an index over the rows that `words` choose; PostgreSQL may need them said otherwise."""
    return {"sqlite_where": text(words), "postgresql_where": text(postgresql or words)}


def expect_rows(expected: Mapping[str, str]) -> dict[str, Any]:
    """Return the arguments of a table whose SQLite planner is told what to expect of it, by the name of the index.

    Each text is of `sqlite_stat1`: how many rows, and how many are alike in the first column, the first two, …
    """
    return {"info": {EXPECTED_ROWS: expected}}


def table_of(model: type[SQLModel]) -> Table:
    """Return the Core table behind a `SQLModel` class with `table=True`, for statements on the hot path."""
    return SQLModel.metadata.tables[str(model.__tablename__)]
