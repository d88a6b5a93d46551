"""Leaves are checked range by range, and it makes no difference how many processes do it."""

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from broker.audit import leaf_checks
from broker.audit.leaf_checks import CheckedRange, check_here, check_in_processes, check_range, count_jobs
from broker.storage.engine import Database, open_database
from schemas.log.records import Record, RecordType
from tests.broker.ports import START, ManualClock, make_log, make_store

pytestmark = pytest.mark.sqlite_only

LEAVES = 57


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of some leaves, each concerning others than the one before it."""
    folder = tmp_path_factory.mktemp("leaves")
    database = make_store(folder)
    log = make_log(database, ManualClock())
    with database.writing.begin() as connection:
        batch = log.begin(connection)
        for number in range(LEAVES):
            concerned = tuple(sorted(f"A{place}" for place in range(4) if number >> place & 1))
            detail = f"entry {number}"
            batch.append(Record(v=1, type=RecordType.OPERATOR_ACTION, time=START, concerns=concerned, detail=detail))
        batch.write()
    return folder / "broker.db"


@pytest.fixture
def database(stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    copy = tmp_path / "broker.db"
    with closing(sqlite3.connect(stored)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    monkeypatch.setattr(leaf_checks, "RANGE_LEAVES", 10)
    return open_database(copy)


def check_all(database: Database, size: int = LEAVES) -> list[CheckedRange]:
    with database.read() as connection:
        return list(check_here(connection, size))


def list_hashes(ranges: list[CheckedRange]) -> list[bytes]:
    return [leaf for one in ranges for leaf in one.hashes]


def touch(database: Database, statement: str) -> None:
    with database.writing.begin() as connection:
        connection.exec_driver_sql(statement)


def test_ranges_cover_every_leaf_once_and_in_order(database: Database) -> None:
    checked = check_all(database)
    assert [one.start for one in checked] == [0, 10, 20, 30, 40, 50]
    assert sum(len(one.hashes) for one in checked) == LEAVES
    assert [one.findings for one in checked] == [[]] * 6


def test_the_hashes_of_the_ranges_are_those_of_the_whole(database: Database) -> None:
    with database.read() as connection:
        whole = check_range(connection, 0, LEAVES)
    assert list_hashes(check_all(database)) == whole.hashes


@pytest.mark.parametrize(
    ("statement", "problem", "leaf"),
    [
        ("DELETE FROM log_leaf WHERE leaf_index = 20", "leaf 20 is missing", 21),
        ("DELETE FROM log_leaf WHERE leaf_index = 29", "leaf 29 is missing", None),
        ("DELETE FROM log_leaf WHERE leaf_index >= 50", "leaf 50 is missing", None),
        ("UPDATE log_leaf SET time = time - 1 WHERE leaf_index = 25", "its time is before", 25),
        ("UPDATE log_concern SET agency = 'ZZ' WHERE leaf_index = 25 AND agency = 'A0'", "whom it concerns", 25),
        ("DELETE FROM log_concern WHERE leaf_index = 25", "whom it concerns", 25),
        ("INSERT INTO log_concern VALUES ('ZZ', 20)", "whom it concerns", 20),
    ],
)
def test_what_is_wrong_is_found_in_its_range_alone(
    database: Database, statement: str, problem: str, leaf: int | None
) -> None:
    with closing(sqlite3.connect(database.writing.url.database or "")) as raw:
        raw.execute(statement)
        raw.commit()
    found = [(one.leaf, one.problem) for checked in check_all(database) for one in checked.findings]
    assert [(where, problem in said) for where, said in found if problem in said] == [(leaf, True)]


def test_processes_find_what_one_process_finds(database: Database, tmp_path: Path) -> None:
    touch(database, "UPDATE log_leaf SET problem = 'x' WHERE leaf_index = 33")
    open_own = partial(open_database, tmp_path / "broker.db")
    ranges = list(check_in_processes(open_own, 2, LEAVES))
    assert [leaf for one in ranges for leaf in one.hashes] == [
        leaf for one in check_all(database) for leaf in one.hashes
    ]
    assert [one.leaf for checked in ranges for one in checked.findings] == [33]


def test_an_empty_log_needs_no_process(tmp_path: Path) -> None:
    assert list(check_in_processes(partial(open_database, tmp_path / "none.db"), 2, 0)) == []


@pytest.mark.parametrize(("size", "jobs"), [(0, 1), (99_999, 1)])
def test_a_short_log_is_checked_where_it_is_asked_for(size: int, jobs: int) -> None:
    assert count_jobs(size) == jobs


def test_a_long_log_takes_every_processor_and_no_more() -> None:
    assert count_jobs(10**9) == count_jobs(10**8)
