"""`broker serve`: alone over its folder, with its passphrase, and with no failpoint but in a test."""

import subprocess
import sys
from pathlib import Path

from tests.broker.cli.operating import run, run_process
from tests.support.exchange import RunningExchange


def test_a_second_broker_over_the_same_folder_does_not_start(served: RunningExchange) -> None:
    done = run_process("serve", "--data", served.folder.path, "--port", "0")

    assert (done.returncode, done.stdout) == (8, "")
    assert "another process" in done.stderr


def test_a_sealed_exchange_serves_with_its_passphrase_and_not_without(tmp_path: Path) -> None:
    phrase = tmp_path / "phrase"
    phrase.write_text("correct horse battery staple\n")
    phrase.chmod(0o600)
    path = tmp_path / "exchange"
    run("init", "--data", path, "--name", "alerts.example", "--host", "127.0.0.1", "--passphrase-file", phrase)

    assert run_process("serve", "--data", path, "--port", "0").returncode == 4
    with subprocess.Popen(
        [sys.executable, "-m", "broker", "serve", "--data", path, "--port", "0", "--passphrase-file", phrase],
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert b"serving" in process.stdout.readline()
        process.terminate()
    assert process.returncode == 0
    phrase.chmod(0o644)
    assert run_process("serve", "--data", path, "--port", "0", "--passphrase-file", phrase).returncode == 2


def test_a_failpoint_is_refused_where_it_is_no_test(resting: RunningExchange) -> None:
    done = run_process("serve", "--data", resting.folder.path, "--port", "0", BILATERAL_FAILPOINT="commit.after-commit")

    assert (done.returncode, done.stdout) == (2, "")
