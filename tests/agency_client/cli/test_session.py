"""Unlock, lock and whoami, as an officer or a program sees them."""

import json
from pathlib import Path

import pytest

from agency_client.profiles.profile import Profile
from tests.agency_client.cli.conftest import Agency


@pytest.mark.usefixtures("sealed_profile")
def test_an_officer_unlocks_works_and_locks(agency: Agency, passphrase_file: Path) -> None:
    assert json.loads(agency("whoami", "--json").stdout) == {
        "v": 1,
        "officer": "a.eriksson",
        "agency": "GB-IE",
        "node": "n1",
        "profile": "gb",
        "unlocked_seconds": 0,
    }
    unlocked = agency("unlock", "--hours", "2", "--passphrase-file", str(passphrase_file))
    assert (unlocked.code, unlocked.stdout) == (0, "")
    assert "unlocked for 2 h 00 min" in unlocked.stderr
    assert "unlocked for 2 h 00 min" in agency("whoami").stdout
    again = json.loads(agency("unlock", "--json", "--passphrase-file", str(passphrase_file)).stdout)
    assert 8 * 3600 - 60 < again["unlocked_seconds"] <= 8 * 3600
    assert json.loads(agency("lock", "--json").stdout) == {"v": 1, "profile": "gb", "was_unlocked": True}
    assert "was locked already" in agency("lock").stderr
    assert "locked" in agency("whoami").stdout


@pytest.mark.usefixtures("sealed_profile")
def test_a_wrong_passphrase_ends_with_4(agency: Agency, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong")
    wrong.chmod(0o600)
    ended = agency("unlock", "--json", "--passphrase-file", str(wrong))
    assert (ended.code, ended.stdout) == (4, "")
    assert json.loads(ended.stderr)["error"]["code"] == "wrong-passphrase"


@pytest.mark.usefixtures("sealed_profile")
def test_no_passphrase_is_asked_for_where_nobody_sits(agency: Agency) -> None:
    ended = agency("unlock")
    assert ended.code == 2
    assert "--passphrase-file FILE" in ended.stderr


def test_a_profile_open_to_others_is_refused_with_the_fix(agency: Agency, profile: Profile) -> None:
    profile.folder.chmod(0o755)
    ended = agency("whoami")
    assert (ended.code, f"chmod 700 '{profile.folder}'" in ended.stderr) == (1, True)
