"""Backup and restore as an officer types them."""

import json
from pathlib import Path

import pytest

from tests.agency_client.cli.conftest import Agency


@pytest.mark.usefixtures("sealed_profile")
def test_an_officer_backs_up_and_restores_under_another_name(
    agency: Agency, passphrase_file: Path, tmp_path: Path
) -> None:
    target, named = str(tmp_path / "gb.backup"), f"--passphrase-file={passphrase_file}"
    made = agency("backup", target, "--reason", "weekly backup", named)
    assert (made.code, made.stdout) == (0, "")
    assert target in made.stderr
    again = agency("backup", target, "--reason", "weekly backup", named)
    assert (again.code, "exists" in again.stderr) == (8, True)
    restored = json.loads(
        agency("restore", target, "--profile", "gb-2", "--reason", "disk failed", named, "--json").stdout
    )
    assert restored["profile"] == "gb-2"
    assert "statuses" in {limit["code"] for limit in restored["limits"]}
    assert [line["profile"] for line in json.loads(agency("profile", "list", "--json").stdout)["profiles"]] == [
        "gb",
        "gb-2",
    ]


@pytest.mark.usefixtures("sealed_profile")
def test_a_restored_node_says_what_it_may_not_do_yet(agency: Agency, passphrase_file: Path, tmp_path: Path) -> None:
    target, named = str(tmp_path / "gb.backup"), f"--passphrase-file={passphrase_file}"
    agency("backup", target, "--reason", "weekly backup", named)
    ended = agency("restore", target, "--profile", "gb-2", "--reason", "disk failed", named)
    assert "signs no status" in ended.stderr
    assert "signs no agreement step" in ended.stderr


def test_no_backup_without_a_reason(agency: Agency, tmp_path: Path) -> None:
    ended = agency("backup", str(tmp_path / "b"))
    assert (ended.code, "--reason" in ended.stderr) == (2, True)


@pytest.mark.usefixtures("sealed_profile")
def test_a_reason_that_is_no_line_is_refused_before_anything_is_written(
    agency: Agency, passphrase_file: Path, tmp_path: Path
) -> None:
    ended = agency("backup", str(tmp_path / "b"), "--reason", "a\x1b[2J", f"--passphrase-file={passphrase_file}")
    assert (ended.code, "reason" in ended.stderr) == (2, True)
    assert not (tmp_path / "b").exists()
