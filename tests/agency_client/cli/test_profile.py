"""Profiles are shown and listed, the broken ones too."""

import json
from pathlib import Path

from agency_client.profiles.private_files import write_private_file
from agency_client.profiles.profile import Profile, create_profile
from tests.agency_client.cli.conftest import SETTINGS, Agency


def test_a_profile_is_shown(agency: Agency, profile: Profile) -> None:
    ended = agency("profile", "show")
    assert ended.stdout.splitlines()[:3] == ["profile\tgb", "agency\tGB-IE", "node\tn1"]
    assert json.loads(agency("profile", "show", "--json").stdout)["folder"] == str(profile.folder)


def test_profiles_are_listed_with_what_is_wrong(agency: Agency, profile: Profile) -> None:
    home = Path(profile.folder).parent
    create_profile(home, "vn", SETTINGS).folder.chmod(0o755)
    assert "gb\tGB-IE\tn1" in agency("profile", "list").stdout
    listed = json.loads(agency("profile", "list", "--json").stdout)
    assert listed["profiles"] == [
        {"profile": "gb", "agency": "GB-IE", "node": "n1"},
        {"profile": "vn", "problem": "not-private"},
    ]


def test_an_absent_profile_ends_with_3(agency: Agency) -> None:
    ended = agency("profile", "show", "--profile", "be")
    assert (ended.code, "run: agency init" in ended.stderr) == (3, True)
    assert "run: agency init" in agency("profile", "list").stderr


def test_a_passphrase_is_changed_and_the_old_one_opens_nothing_more(
    agency: Agency, sealed_profile: Profile, passphrase_file: Path, tmp_path: Path
) -> None:
    new = tmp_path / "new"
    write_private_file(new, b"another one, longer")
    old_option, new_option = ("--passphrase-file", str(passphrase_file)), ("--new-passphrase-file", str(new))
    assert agency("unlock", *old_option).code == 0
    changed = agency("profile", "passphrase", *old_option, *new_option)
    assert (changed.code, "Destroy the backups" in changed.stderr) == (0, True)
    assert "locked" in agency("whoami").stdout
    assert agency("unlock", *old_option).code == 4
    assert agency("unlock", "--passphrase-file", str(new)).code == 0


def test_nobody_is_asked_for_a_passphrase_where_nobody_sits(
    agency: Agency, sealed_profile: Profile, passphrase_file: Path
) -> None:
    ended = agency("profile", "passphrase", "--passphrase-file", str(passphrase_file))
    assert (ended.code, "--new-passphrase-file" in ended.stderr) == (2, True)
