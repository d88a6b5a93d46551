"""A stored log is sound until somebody touches it; then the very row is named."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from broker.audit.leaf_checks import MAX_FINDINGS, Finding
from broker.audit.leaf_rows import list_columns
from broker.audit.verification import LogReport, verify_stored_log
from broker.clock import SystemClock
from broker.composition import open_broker
from broker.exchange import ExchangeFolder, open_exchange, read_sheet
from broker.founding import found_exchange
from broker.retention.store import erase_records
from broker.settings import Settings
from broker.storage.engine import Database, open_database
from broker.storage.transaction import Transaction
from keys.generation import generate_bytes
from schemas.log.records import RecordType
from tests.support.exchange import make_live_member

Examine = Callable[..., LogReport]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> ExchangeFolder:
    """An exchange with a member and some private records, closed."""
    folder = ExchangeFolder(tmp_path_factory.mktemp("log") / "exchange")
    found_exchange(folder.path, "exchange.example", ("localhost",), None, SystemClock(), generate_bytes)
    settings = Settings(folder=folder.path)
    with open_broker(open_exchange(folder, None), settings, SystemClock()) as broker:
        broker.members.enrol_and_wait([make_live_member("GB-HO").verified.document])
        for number in range(3):
            broker.writer.commit_and_wait(partial(append, number))
    return folder


def append(number: int, transaction: Transaction) -> None:
    transaction.append(RecordType.TOKENS_ISSUED, concerns=["GB-HO"], agency="GB-HO", count=number)


@pytest.fixture
def database(original: ExchangeFolder, tmp_path: Path) -> Iterator[Database]:
    """A copy that a test may damage."""
    (tmp_path / "copy.db").write_bytes(original.database.read_bytes())
    database = open_database(tmp_path / "copy.db")
    yield database
    database.close()


@pytest.fixture
def examine(original: ExchangeFolder, database: Database, tmp_path: Path) -> Examine:
    def run(*statements: str) -> LogReport:
        with closing(sqlite3.connect(tmp_path / "copy.db")) as tampering:  # none of the broker's pragmas
            for statement in statements:
                tampering.execute(statement)
            tampering.commit()
        with database.read() as connection:
            return verify_stored_log(connection, read_sheet(original), lambda done, total: None)

    return run


def test_an_untouched_log_is_sound(examine: Examine) -> None:
    report = examine()

    assert report.is_sound
    assert (report.leaves, report.erased, report.checkpoint_size) == (7, 0, 7)


@pytest.mark.parametrize(
    ("statement", "leaf", "says"),
    [
        ("UPDATE log_leaf SET record = CAST(record || ' ' AS BLOB) WHERE leaf_index = 5", 5, "not the one"),
        ("UPDATE log_leaf SET salt = zeroblob(32) WHERE leaf_index = 5", 5, "not the one"),
        ("UPDATE log_leaf SET salt = NULL WHERE leaf_index = 5", 5, "kept or erased together"),
        ("UPDATE log_leaf SET record = NULL, salt = NULL WHERE leaf_index = 2", 2, "a public record was erased"),
        ("UPDATE log_leaf SET leaf_class = 'private' WHERE leaf_index = 2", 2, "its hash is not"),
        ("UPDATE log_leaf SET agency = 'VN-IMM' WHERE leaf_index = 5", 5, "the column agency"),
        ("UPDATE log_leaf SET record_type = 'status' WHERE leaf_index = 5", 5, "the column record_type"),
        ("UPDATE log_leaf SET problem = 'busy' WHERE leaf_index = 5", 5, "the column problem"),
        ("UPDATE log_leaf SET time = time - 1 WHERE leaf_index = 5", 5, "the column time"),
        ("UPDATE log_leaf SET time = 0 WHERE leaf_index = 5", 5, "before that of the leaf before it"),
        ("DELETE FROM log_concern WHERE leaf_index = 5", 5, "whom it concerns"),
        ("INSERT INTO log_concern VALUES ('VN-IMM', 5)", 5, "whom it concerns"),
        ("UPDATE log_leaf SET commitment = zeroblob(32) WHERE leaf_index = 5", 5, "its hash is not"),
        ("UPDATE log_leaf SET leaf_hash = zeroblob(32) WHERE leaf_index = 5", 5, "its hash is not"),
        ("UPDATE log_leaf SET leaf_hash = zeroblob(5) WHERE leaf_index = 5", 5, "another type"),
        ("UPDATE log_leaf SET record = 'text' WHERE leaf_index = 5", 5, "another type"),
        ("UPDATE log_leaf SET time = 'noon' WHERE leaf_index = 5", None, "cannot be read"),
        ("DELETE FROM log_leaf WHERE leaf_index = 6", None, "the head counts 7 leaves, 6 are stored"),
        ("UPDATE log_head SET size = 6", None, "the head counts 6 leaves, 7 are stored"),
        ("UPDATE log_head SET root = zeroblob(32)", None, "the head's root"),
        ("UPDATE log_head SET last_time = 0", None, "the head's time"),
        ("UPDATE log_head SET origin = 'exchange.example/2'", None, "the head is of exchange.example/2"),
        ("UPDATE log_head SET checkpoint = CAST(checkpoint || 'x' AS BLOB)", None, "does not verify"),
        ("UPDATE log_head SET checkpoint = CAST(replace(checkpoint, '/1', '/2') AS BLOB)", None, "does not verify"),
    ],
)
def test_whatever_is_touched_is_named(examine: Examine, statement: str, leaf: int | None, says: str) -> None:
    report = examine(statement)

    assert (leaf, True) in {(one.leaf, says in one.problem) for one in report.findings}


def test_a_leaf_taken_out_of_the_middle_is_missed(examine: Examine) -> None:
    report = examine("DELETE FROM log_concern WHERE leaf_index = 5", "DELETE FROM log_leaf WHERE leaf_index = 5")

    assert "leaf 5 is missing" in {one.problem for one in report.findings}


def test_a_history_rewritten_with_its_head_does_not_match_what_was_signed(examine: Examine) -> None:
    """Leaf and head agree with each other again; the signed checkpoint says what stood there."""
    report = examine(
        "DELETE FROM log_concern WHERE leaf_index = 6", "DELETE FROM log_leaf WHERE leaf_index = 6",
        "UPDATE log_head SET size = 6",
    )  # fmt: skip

    assert "a checkpoint of 7 leaves was signed, only 6 are stored" in {one.problem for one in report.findings}


def test_a_private_record_may_be_erased(examine: Examine, database: Database) -> None:
    with database.writing.begin() as connection:
        erase_records(connection, [5])
    report = examine()

    assert report.is_sound
    assert report.erased == 1


@pytest.mark.parametrize(
    "left",
    ["UPDATE log_leaf SET agency = 'GB-HO' WHERE leaf_index = 5", "INSERT INTO log_concern VALUES ('GB-HO', 5)"],
)
def test_an_erased_record_leaves_nothing_of_what_it_said(examine: Examine, database: Database, left: str) -> None:
    with database.writing.begin() as connection:
        erase_records(connection, [5])

    assert examine(left).findings == [Finding("its record was erased, and what repeated it was not", 5)]


def test_no_public_record_is_ever_erased(examine: Examine, database: Database) -> None:
    with database.writing.begin() as connection:
        erase_records(connection, [2])

    assert examine().is_sound
    assert examine().erased == 0


def test_only_so_many_findings_are_listed() -> None:
    report = LogReport()
    for number in range(3 * MAX_FINDINGS):
        report.add("wrong", number)

    assert len(report.findings) == MAX_FINDINGS


def test_the_columns_that_are_compared_are_all_there_are(database: Database) -> None:
    from broker.audit.tables import log_leaf
    from schemas.log.records import Record

    record = Record.from_wire(
        {"v": 1, "type": "tokens-issued", "time": "2026-11-21T21:00:00Z", "concerns": [], "agency": "GB-HO", "count": 1}
    )
    proven = {"leaf_index", "leaf_class", "commitment", "leaf_hash", "record", "salt"}

    assert list_columns(record).keys() == set(log_leaf.c.keys()) - proven
