"""The migrations lead to exactly the tables that the code describes."""

import shutil
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

import broker.storage.migrate
from broker.storage.engine import open_database
from broker.storage.migrate import load_tables, main, migrate
from broker.storage.revision import verify_migrated


def test_the_migrated_tables_are_those_of_the_models(tmp_path: Path) -> None:
    database = open_database(tmp_path / "broker.db")
    migrate(database)
    with database.writing.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, load_tables()) == []
    database.close()


def _clauses(statement: str) -> list[str]:
    """Return the words of a CREATE statement as its clauses, whose order does not matter."""
    head, _, body = " ".join(statement.split()).partition("(")
    clauses, depth = [""], 0
    for character in body:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            clauses.append("")
        else:
            clauses[-1] += character
    return [head, *sorted(clause.strip(" )") for clause in clauses)]


def test_the_migrated_schema_is_clause_for_clause_what_the_models_would_create(tmp_path: Path) -> None:
    migrated = open_database(tmp_path / "migrated.db")
    migrate(migrated)
    created = create_engine(f"sqlite:///{tmp_path}/created.db")
    load_tables().create_all(created)
    statement = text("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name != 'alembic_version'")
    with migrated.read() as left, created.connect() as right:
        found = {row.name: _clauses(row.sql) for row in left.execute(statement)}
        wanted = {row.name: _clauses(row.sql) for row in right.execute(statement)}
    assert found == wanted
    created.dispose()
    migrated.close()


def test_migrating_twice_changes_nothing(tmp_path: Path) -> None:
    database = open_database(tmp_path / "broker.db")
    migrate(database)
    migrate(database)
    with database.read() as connection:
        verify_migrated(connection)
    database.close()


def test_the_last_revision_can_be_written_again_and_comes_out_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = Path(broker.storage.migrate.__file__).parent / "migrations"
    copied = tmp_path / "migrations"
    shutil.copytree(written, copied)
    monkeypatch.setattr(broker.storage.migrate, "_MIGRATIONS", copied)
    assert main(["rewrite-last"]) == 0
    again = {path.name: path.read_text() for path in (copied / "versions").glob("[0-9]*.py")}
    assert again == {path.name: path.read_text() for path in (written / "versions").glob("[0-9]*.py")}


def test_a_revision_is_numbered_after_the_last_and_empty_when_nothing_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = tmp_path / "migrations"
    shutil.copytree(Path(broker.storage.migrate.__file__).parent / "migrations", copied)
    monkeypatch.setattr(broker.storage.migrate, "_MIGRATIONS", copied)
    before = len(list((copied / "versions").glob("[0-9]*.py")))
    assert main(["revision", "nothing at all"]) == 0
    fresh = (copied / f"versions/{before + 1:04}_nothing_at_all.py").read_text()
    assert f'down_revision = "{before:04}"' in fresh
    assert fresh.rstrip().endswith('"""Go to this revision; the way back is a backup."""')


def test_other_words_on_the_command_line_show_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["downgrade"]) == 2
    assert "revision" in capsys.readouterr().err
