"""A database of another version is not served: it is named, with the way out."""

from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text

import broker.storage.migrate
from broker.storage.engine import open_database
from broker.storage.migrate import migrate
from broker.storage.revision import SchemaNewerError, SchemaOutdatedError, find_newest_revision, verify_migrated
from tests.broker.ports import make_store
from tests.support.postgresql import shared_server


def test_the_newest_revision_is_the_one_that_migrating_leads_to() -> None:
    migrations = Path(broker.storage.migrate.__file__).parent / "migrations"
    assert find_newest_revision() == ScriptDirectory(str(migrations)).get_current_head()


def test_a_database_that_was_never_migrated_is_named_with_the_way_out(tmp_path: Path) -> None:
    database = open_database(tmp_path / "broker.db")
    with database.writing.begin(), database.read() as connection, pytest.raises(SchemaOutdatedError, match="migrate"):
        verify_migrated(connection)
    database.close()


def test_a_database_of_another_version_is_refused(tmp_path: Path) -> None:
    database = open_database(tmp_path / "broker.db")
    migrate(database)
    with database.writing.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with database.read() as connection, pytest.raises(SchemaNewerError, match=r"9999.*run the newer program"):
        verify_migrated(connection)
    with pytest.raises(SchemaNewerError, match="put back the backup"):
        migrate(database)
    database.close()


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_a_broker_that_was_cut_off_while_others_migrated_writes_nothing_more(tmp_path: Path) -> None:
    database = make_store(tmp_path)
    with database.write() as connection:
        process = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with database.write() as connection:
        assert connection.execute(text("SELECT pg_backend_pid()")).scalar_one() == process
    shared_server().execute(f"SELECT pg_terminate_backend({process}, 5000)")
    with pytest.raises(SchemaNewerError, match="run the newer program"), database.write():
        pytest.fail("an older program writes into tables that it does not know")
