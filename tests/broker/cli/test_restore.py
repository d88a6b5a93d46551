"""From a backup back to an exchange: stopped, then resumed or moved on to a new epoch."""

from pathlib import Path

from tests.broker.cli.operating import read_json, run, write_enrolment
from tests.support.exchange import RunningExchange, make_live_member


def test_a_backup_comes_back_stopped_and_a_new_epoch_opens_it_again(tmp_path: Path, resting: RunningExchange) -> None:
    folder, backup = resting.folder.path, tmp_path / "backup.tar"
    saved = read_json(run("backup", "--json", "--data", folder, backup, "--with-open-keys"))
    assert (saved["origin"], saved["size"], saved["keys"]) == (resting.sheet.origin, 1, "secrets.json")
    assert run("backup", "--data", folder, backup).returncode == 8
    assert run("rebase", "--data", folder, "--yes").returncode == 8  # its log may grow: nothing to move on from
    assert read_json(run("restore", "--json", "--data", tmp_path / "made", backup))["size"] == 1
    stopped = read_json(run("status", "--json", "--data", tmp_path / "made"))["stopped"]
    assert stopped["reason"] == "restored"
    assert "STOPPED since" in run("status", "--data", tmp_path / "made").stdout
    enrolment = write_enrolment(tmp_path, make_live_member("GB-HO"))
    assert run("enrol", "--yes", "--data", tmp_path / "made", enrolment).returncode == 8
    asked = run("rebase", "--data", tmp_path / "made")
    assert (asked.returncode, asked.stdout) == (2, "")
    assert "give --yes" in asked.stderr
    done = read_json(run("rebase", "--json", "--yes", "--data", tmp_path / "made"))
    assert (done["origin"], done["after"]["size"]) == ("exchange.example/2", 1)
    assert "stopped" not in read_json(run("status", "--json", "--data", tmp_path / "made"))
    assert run("verify-log", "--data", done["archive"]).returncode == 0


def test_an_exchange_without_members_has_nobody_to_ask_before_it_resumes(
    tmp_path: Path, resting: RunningExchange
) -> None:
    run("backup", "--data", resting.folder.path, tmp_path / "backup.tar", "--with-open-keys")
    run("restore", "--data", tmp_path / "made", tmp_path / "backup.tar")
    assert run("resume", "--nothing-was-lost", "--without", "GB-HO", "--data", tmp_path / "made").returncode == 5
    assert read_json(run("resume", "--json", "--nothing-was-lost", "--data", tmp_path / "made"))["size"] == 2
    assert run("resume", "--nothing-was-lost", "--data", tmp_path / "made").returncode == 8
