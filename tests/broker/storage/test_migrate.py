"""The migrations lead to exactly the tables that the code describes."""

import gzip
import json
import re
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Boolean, Connection, MetaData, Table, create_engine, func, insert, select, text

import broker.storage.migrate
from broker.audit.verification import verify_stored_log
from broker.storage.engine import open_database
from broker.storage.group_commit import GroupCommitWriter
from broker.storage.migrate import load_tables, main, migrate
from broker.storage.revision import verify_migrated
from broker.stored_state import verify_stored_state
from schemas.codec import b64u_decode
from schemas.log.records import RecordType
from tests.broker.ports import START, ManualClock, make_empty_store, make_log, make_sheet

FIRST_REVISION = Path(__file__).with_name("revision_0001.json.gz")
"""Every row of an exchange as the first revision kept it: members, terms, a message handed over and receipted, one not.

It was written by the broker of that revision and is never written again.
"""


@pytest.mark.both_engines
def test_the_migrated_tables_are_those_of_the_models(tmp_path: Path) -> None:
    database = make_empty_store(tmp_path)
    migrate(database)
    with database.writing.begin() as connection:
        options = {"compare_type": True, "include_name": _is_no_part}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, load_tables()) == []


def _is_no_part(name: str | None, kind: str, _parents: object) -> bool:
    return kind != "table" or re.search(r"_\d\d$", name or "") is None


@pytest.mark.both_engines
def test_what_the_first_revision_kept_is_all_there_after_every_later_one(tmp_path: Path) -> None:
    database = make_empty_store(tmp_path)
    migrate(database, "0001")
    stored = json.loads(gzip.decompress(FIRST_REVISION.read_bytes()))
    with database.write() as connection:
        fill(connection, stored)

    migrate(database)

    with database.read() as connection:
        verify_migrated(connection)
        report = verify_stored_log(connection, make_sheet(), lambda _done, _of: None)
        verify_stored_state(connection, make_sheet(), report)
        tables = load_tables().tables
        counts = {name: connection.scalar(select(func.count()).select_from(tables[name])) for name in stored}
    assert (report.findings, report.leaves, report.checkpoint_size) == ([], 16, 16)
    assert counts == {name: len(table["rows"]) for name, table in stored.items()}
    log = make_log(database, ManualClock(START + timedelta(hours=1)))
    writer = GroupCommitWriter(database, log)
    writer.start()
    leaf = writer.commit_and_wait(lambda tx: tx.append(RecordType.OPERATOR_ACTION, concerns=(), detail="goes on"))
    writer.close()
    assert (leaf.index, log.view.size) == (16, 17)


def fill(connection: Connection, stored: dict[str, Any]) -> None:
    """Put rows into the tables that stand, in their columns as they are there."""
    for name in sorted(stored, key=lambda name: name == "log_concern"):  # which refers to the leaves
        table = Table(name, MetaData(), autoload_with=connection)
        rows = [dict(zip(stored[name]["columns"], map(_read_value, row), strict=True)) for row in stored[name]["rows"]]
        for row in rows:
            row |= {key: bool(row[key]) for key in row if isinstance(table.c[key].type, Boolean)}
        if rows:
            connection.execute(insert(table), rows)


def _read_value(value: Any) -> Any:
    return b64u_decode(value["bytes"]) if isinstance(value, dict) else value


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
    statement = text("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL")
    own = {"alembic_version", "sqlite_stat1", "sqlite_stat4"}
    with migrated.read() as left, created.connect() as right:
        found = {row.name: _clauses(row.sql) for row in left.execute(statement) if row.name not in own}
        wanted = {row.name: _clauses(row.sql) for row in right.execute(statement)}
    assert found == wanted
    created.dispose()
    migrated.close()


def test_migrating_twice_changes_nothing(tmp_path: Path) -> None:
    database = open_database(tmp_path / "broker.db")
    migrate(database)
    with database.read() as connection:
        told = connection.execute(text("SELECT * FROM sqlite_stat1 ORDER BY idx")).all()
    migrate(database)
    with database.read() as connection:
        verify_migrated(connection)
        assert connection.execute(text("SELECT * FROM sqlite_stat1 ORDER BY idx")).all() == told
    assert ("inbox_item", "inbox_item", "1000000 5000 1") in [tuple(row) for row in told]
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
