"""The broker killed (-9) between any two steps of a purge, and asked again: all of a page is gone or none of it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update
from typer.testing import CliRunner

from broker.audit.verification import verify_stored_log
from broker.cli import app
from broker.inbox.tables import message
from broker.retention.purging import read_due
from broker.storage.engine import open_database
from broker.stored_state import verify_stored_state
from schemas.codec import decode_canonical
from tests.support.delivery import Correspondence, acknowledge, lease, send
from tests.support.exchange import RunningExchange, running_exchange

pytestmark = pytest.mark.long

GB, VN = "GB-HO", "VN-IMM"
MESSAGES = 3
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
BEFORE_THE_COMMIT = ("purge.page-removed", "commit.before-commit")
AFTER_THE_COMMIT = "commit.after-commit"
names = count()


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningExchange]:
    with running_exchange(tmp_path_factory.mktemp("purge"), GB, VN) as running:
        yield running


@pytest.fixture(scope="module")
def messages(exchange: RunningExchange) -> Correspondence:
    terms = exchange.agree(GB, VN).terms
    return Correspondence(exchange.members[GB], exchange.members[VN], terms.digest())


def kill_purge(exchange: RunningExchange, place: str) -> int:
    """Run `broker purge` as a process that dies at a place, and return how it ended."""
    settings = {"BILATERAL_BROKER_ENVIRONMENT": "testing", "BILATERAL_FAILPOINT": place}
    command = [sys.executable, "-m", "broker", "purge", "--data", str(exchange.folder.path)]
    return subprocess.run(command, capture_output=True, check=False, timeout=60, env=os.environ | settings).returncode


def purge(exchange: RunningExchange, *options: str) -> dict[str, Any]:
    """Run `broker purge` in this process and return its answer."""
    done = CliRunner().invoke(app, ["purge", "--data", str(exchange.folder.path), "--json", *options])
    assert done.exit_code == 0, done.stderr
    answer: dict[str, Any] = decode_canonical(done.stdout.strip().encode())
    return answer


def let_some_end(exchange: RunningExchange, messages: Correspondence) -> None:
    """Let messages be handed over, stop the broker, and let their evidence have ended long ago."""
    for _ in range(MESSAGES):
        send(exchange.caller(GB), messages.seal(next(names)))
    acknowledge(exchange.caller(VN), lease(exchange.caller(VN)))
    exchange.stop()
    database = open_database(Path(exchange.folder.database))
    with database.writing.begin() as connection:
        connection.execute(update(message).values(evidence_until=LONG_AGO))
    database.close()


def count_left(exchange: RunningExchange) -> tuple[int, int]:
    """Return how many messages are stored and how many of them are due, after the whole database was verified."""
    database = open_database(Path(exchange.folder.database))
    try:
        with database.read() as connection:
            report = verify_stored_log(connection, exchange.sheet, lambda _done, _of: None)
            verify_stored_state(connection, exchange.sheet, report)
            assert report.findings == []
            stored: int = connection.execute(select(func.count()).select_from(message)).scalar_one()
        return stored, read_due(database, datetime.now(UTC)).messages
    finally:
        database.close()


def test_a_purge_that_dies_loses_nothing_and_goes_on(exchange: RunningExchange, messages: Correspondence) -> None:
    let_some_end(exchange, messages)
    for place in BEFORE_THE_COMMIT:
        assert kill_purge(exchange, place) == -9
        assert count_left(exchange) == (MESSAGES, MESSAGES), place
    assert kill_purge(exchange, AFTER_THE_COMMIT) == -9
    assert count_left(exchange) == (0, 0)
    assert purge(exchange) == {"v": 1, "dry_run": False, "messages": 0, "receipts": 0, "records": 0}
    exchange.start()
    assert lease(exchange.caller(VN)).items == ()


def test_a_dry_run_beside_a_serving_broker_names_what_a_run_removes(
    exchange: RunningExchange, messages: Correspondence
) -> None:
    let_some_end(exchange, messages)
    dry = {"v": 1, "dry_run": True, "messages": MESSAGES, "receipts": 0, "records": 0, "oldest": "2020-01-01T00:00:00Z"}
    exchange.start()
    assert purge(exchange, "--dry-run") == dry
    refused = CliRunner().invoke(app, ["purge", "--data", str(exchange.folder.path)])
    assert refused.exit_code == 8, "a serving broker does it by itself"
    exchange.stop()
    assert purge(exchange) == {"v": 1, "dry_run": False, "messages": MESSAGES, "receipts": 0, "records": 0}
    assert count_left(exchange) == (0, 0)


def test_what_was_purged_is_in_no_backup_and_a_new_epoch_begins_without_it(
    exchange: RunningExchange, messages: Correspondence, tmp_path: Path
) -> None:
    """After the test before: the log has erased records, and no message is left."""
    payload = messages.sent[0].envelope.payload.encode()[:60]
    assert payload not in exchange.folder.database.read_bytes()
    put_back, backup = tmp_path / "exchange", tmp_path / "purged.tar"
    assert run("backup", "--data", exchange.folder.path, "--with-open-keys", backup) == 0
    assert payload not in backup.read_bytes()
    assert run("restore", "--data", put_back, backup) == 0
    assert run("verify-log", "--data", put_back) == 0
    assert run("rebase", "--data", put_back, "--yes") == 0
    assert run("verify-log", "--data", put_back) == 0


def run(*arguments: object) -> int:
    """Run `broker` in this process and return its exit code."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments]).exit_code
