"""Profiles are shown and listed, the broken ones too."""

import json
from pathlib import Path

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
