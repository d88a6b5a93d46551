"""Prepared statements do what SQLAlchemy's own execution does, types included."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import bindparam, delete, insert, select, update

from broker.inbox.tables import inbox_item
from broker.storage.engine import Database
from broker.storage.prepared import Prepared
from tests.broker.ports import make_store

pytestmark = pytest.mark.both_engines

MOMENT = datetime(2026, 11, 21, 21, 2, 25, tzinfo=UTC)
ROW: dict[str, Any] = {
    "recipient": "VN-IMM",
    "number": 7,
    "type": "message",
    "state": "waiting",
    "is_open": True,
    "haste": 0,
    "size": 4096,
    "agreement": None,
    "expires_at": MOMENT,
    "lease": None,
    "leased_until": None,
    "handed_over_at": None,
    "state_at": None,
    "withdraws": None,
}
INSERT = Prepared(insert(inbox_item))
SELECT = Prepared(select(inbox_item).where(inbox_item.c.recipient == bindparam("who"), inbox_item.c.is_open))
CLOSE = Prepared(
    update(inbox_item).where(inbox_item.c.number == bindparam("which")).values(is_open=False, leased_until=MOMENT)
)
DELETE = Prepared(delete(inbox_item).where(inbox_item.c.expires_at == bindparam("when")))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = make_store(tmp_path)
    yield database
    database.close()


def test_what_is_written_and_read_is_what_sqlalchemy_would(database: Database) -> None:
    with database.writing.begin() as connection:
        INSERT.run(connection, ROW)
        plain = [tuple(row) for row in connection.execute(select(inbox_item))]
        assert (
            SELECT.fetch(connection, {"who": "VN-IMM"}) == plain == [tuple(ROW[column.name] for column in inbox_item.c)]
        )
        assert SELECT.fetch(connection, {"who": "GB-HO"}) == []


def test_values_of_the_statement_itself_are_kept(database: Database) -> None:
    with database.writing.begin() as connection:
        INSERT.run(connection, ROW)
        CLOSE.run(connection, {"which": 7})
        closed = connection.execute(select(inbox_item.c.is_open, inbox_item.c.leased_until)).one()
        assert tuple(closed) == (False, MOMENT)
        DELETE.run(connection, {"when": MOMENT})
        assert connection.execute(select(inbox_item)).all() == []


def test_many_rows_are_inserted_as_one_by_one(database: Database) -> None:
    """More than one statement takes; the last statement takes fewer."""
    rows = [ROW | {"number": number, "is_open": number % 2 == 0} for number in range(300)]
    with database.writing.begin() as connection:
        INSERT.insert_many(connection, rows)
        INSERT.insert_many(connection, [])
        stored = connection.execute(select(inbox_item).order_by(inbox_item.c.number)).all()
    assert [tuple(row) for row in stored] == [tuple(row[column.name] for column in inbox_item.c) for row in rows]


def test_an_update_says_how_many_rows_it_changed(database: Database) -> None:
    with database.writing.begin() as connection:
        INSERT.run(connection, ROW)
        assert (CLOSE.run(connection, {"which": 7}), CLOSE.run(connection, {"which": 8})) == (1, 0)


def test_it_is_part_of_the_transaction(database: Database) -> None:
    with database.writing.connect() as connection, connection.begin() as transaction:
        INSERT.run(connection, ROW)
        transaction.rollback()
    with database.read() as connection:
        assert SELECT.fetch(connection, {"who": "VN-IMM"}) == []


def test_a_missing_parameter_is_no_null(database: Database) -> None:
    with database.writing.begin() as connection:
        with pytest.raises(KeyError, match="who"):
            SELECT.fetch(connection, {})
        with pytest.raises(KeyError, match="withdraws"):
            INSERT.run(connection, {name: value for name, value in ROW.items() if name != "withdraws"})
