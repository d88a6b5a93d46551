"""A profile is found by name, refused when it is open to others, and its locks end with their process."""

import multiprocessing
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agency_client.errors import ConflictError, NotFoundError, UsageError
from agency_client.profiles.private_files import NotPrivateError
from agency_client.profiles.profile import (
    Profile,
    ProfileSettings,
    choose_profile_name,
    create_profile,
    find_home,
    hold_lock,
    list_profile_names,
    load_profile,
    update_settings,
    verify_outside_home,
)

SETTINGS = ProfileSettings("GB-IE", "n1", "https://broker.example:8443", "exchange.json")


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    """Give a new profile."""
    return create_profile(tmp_path / "home", "gb", SETTINGS)


def test_a_profile_is_private_and_reads_back_as_it_was_written(profile: Profile, tmp_path: Path) -> None:
    assert load_profile(tmp_path / "home", "gb") == profile
    for path in (profile.folder, profile.keys_folder, profile.tls_folder):
        assert path.stat().st_mode & 0o777 == 0o700
    assert (profile.folder / "profile.toml").stat().st_mode & 0o777 == 0o600
    assert profile.exchange_path == profile.folder / "exchange.json"


@pytest.mark.parametrize(("path", "mode"), [(".", 0o755), ("profile.toml", 0o644), ("keys", 0o710)])
def test_a_profile_open_to_others_is_refused(profile: Profile, tmp_path: Path, path: str, mode: int) -> None:
    (profile.folder / path).chmod(mode)
    with pytest.raises(NotPrivateError):
        load_profile(tmp_path / "home", "gb")


def test_a_profile_is_never_overwritten_but_its_settings_change(profile: Profile, tmp_path: Path) -> None:
    with pytest.raises(ConflictError, match="exists already"):
        create_profile(tmp_path / "home", "gb", SETTINGS)
    moved = update_settings(profile, replace(SETTINGS, broker_url="https://broker.example:9443"))
    assert load_profile(tmp_path / "home", "gb") == moved


def test_an_absent_profile_is_not_found_with_the_fix(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as missing:
        load_profile(tmp_path, "gb")
    assert missing.value.fix == "run: agency init"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('agency = "GB-IE"', "broker_url is missing"),
        ('agency="A"\nnode="n"\nbroker_url="u"\nexchange_file="f"\nextra="x"', "extra is not known"),
        ('agency=1\nnode="n"\nbroker_url="u"\nexchange_file="f"', "agency must be text"),
        ('agency=""\nnode="n"\nbroker_url="u"\nexchange_file="f"', "agency must be text"),
        ("agency", "is not TOML"),
        ("\udcff", "is not TOML"),
    ],
)
def test_a_broken_settings_file_is_refused_by_field(profile: Profile, tmp_path: Path, text: str, named: str) -> None:
    (profile.folder / "profile.toml").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(UsageError, match=named):
        load_profile(tmp_path / "home", "gb")


@given(value=st.text(min_size=1, max_size=60))
def test_a_setting_reads_back_exactly_or_is_not_written(tmp_path_factory: pytest.TempPathFactory, value: str) -> None:
    home = tmp_path_factory.mktemp("home")
    settings = replace(SETTINGS, exchange_file=value)
    if re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", value):
        with pytest.raises(UsageError, match="exchange_file"):
            create_profile(home / "h", "gb", settings)
        assert list_profile_names(home / "h") == []
    else:
        made = create_profile(home / "h", "gb", settings)
        assert load_profile(home / "h", "gb") == made


def test_the_home_comes_from_the_environment(tmp_path: Path) -> None:
    assert find_home({"BILATERAL_HOME": "/srv/b"}) == Path("/srv/b")
    assert find_home({"XDG_DATA_HOME": "/srv/data"}) == Path("/srv/data/bilateral")
    assert find_home({}) == Path.home() / ".local/share/bilateral"


def test_the_only_profile_needs_no_name(profile: Profile, tmp_path: Path) -> None:
    environment = {"BILATERAL_HOME": str(tmp_path / "home")}
    assert choose_profile_name(environment, None) == "gb"
    assert choose_profile_name(environment, "vn") == "vn"
    assert choose_profile_name({**environment, "BILATERAL_PROFILE": "be"}, None) == "be"
    create_profile(tmp_path / "home", "vn", SETTINGS)
    assert choose_profile_name(environment, None) == "default"
    assert list_profile_names(tmp_path / "home") == ["gb", "vn"]
    assert choose_profile_name({"BILATERAL_HOME": str(tmp_path / "nowhere")}, None) == "default"


@pytest.mark.parametrize("name", ["../gb", "GB", "", "a" * 41, "gb\n", "-gb", "."])
def test_a_name_that_is_no_folder_of_its_own_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        choose_profile_name({"BILATERAL_PROFILE": name or "/"}, name or None)


def test_root_keys_are_kept_out_of_every_profile(profile: Profile, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (tmp_path / "link").symlink_to(profile.folder)
    verify_outside_home(home, tmp_path / "usb-stick")
    for inside in (home, profile.folder / "roots", tmp_path / "link" / "roots", home / ".." / "home" / "roots"):
        with pytest.raises(UsageError, match="root keys"):
            verify_outside_home(home, inside)


def hold_and_die(home: str, ready: "multiprocessing.synchronize.Event") -> None:
    """Take the lock and end without giving it back, as a killed process does."""
    import os
    import time

    with hold_lock(load_profile(Path(home), "gb"), "sync"):
        ready.set()
        time.sleep(0.5)
        os._exit(9)


def test_a_lock_is_held_by_one_process_and_ends_with_it(profile: Profile, tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Event()
    holder = spawn.Process(target=hold_and_die, args=(str(tmp_path / "home"), ready))
    holder.start()
    assert ready.wait(30)
    with pytest.raises(ConflictError, match=rf"process {holder.pid}") as busy, hold_lock(profile, "sync"):
        pass
    assert busy.value.code == "sync-running"
    with hold_lock(profile, "backup"):
        pass
    with hold_lock(profile, "sync", wait_seconds=30):
        pass
    holder.join(30)
