"""`broker verify-log`: a sound log, and one that was changed."""

from pathlib import Path

import pytest
from sqlalchemy import text

from broker.exchange import ExchangeFolder
from broker.storage.engine import open_database
from tests.broker.cli.operating import read_json, run, run_process, write_enrolment
from tests.support.exchange import RunningExchange, found, make_live_member


def test_a_sound_log_is_said_to_be_sound_even_while_the_broker_serves(served: RunningExchange) -> None:
    report = read_json(run("verify-log", "--data", served.folder.path, "--json"))

    assert report["sound"]
    assert report["leaves"] >= 4
    assert report["findings"] == []
    assert "the log is sound" in run("verify-log", "--data", served.folder.path).stdout


@pytest.mark.sqlite_only
def test_a_changed_record_is_found_and_the_broker_does_not_serve_a_changed_tree(tmp_path: Path) -> None:
    exchange = found(tmp_path)
    run("enrol", "--data", exchange.folder.path, "--yes", write_enrolment(tmp_path, make_live_member("GB-HO")))
    change(
        exchange.folder,
        "UPDATE log_leaf SET record = CAST(replace(record, 'opened', 'closed') AS BLOB) WHERE leaf_index = 0",
    )

    done = run("verify-log", "--data", exchange.folder.path)

    assert done.returncode == 6
    assert "leaf 0: its record is not the one that was committed to" in done.stderr
    change(exchange.folder, "UPDATE log_leaf SET leaf_hash = zeroblob(32) WHERE leaf_index = 0")
    assert run_process("serve", "--data", exchange.folder.path, "--port", "0").returncode == 6


def change(folder: ExchangeFolder, statement: str) -> None:
    database = open_database(folder.database)
    with database.writing.begin() as connection:
        connection.execute(text(statement))
    database.close()
