"""An unlock is a process of its own: for this user, for a time, gone at a word; real passphrases, real sockets."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agency_client.errors import ClientError, LockedError, NotAuthenticatedError, NotFoundError
from agency_client.local_store.settings import Setting, read_setting, write_setting
from agency_client.profiles.private_files import NotPrivateError, write_private_file
from agency_client.profiles.profile import Profile, ProfileSettings, create_profile
from agency_client.profiles.session import (
    change_passphrase,
    count_unlocked_seconds,
    find_officer,
    initialise_profile,
    lock_profile,
    open_profile,
    open_secret,
    unlock_profile,
)
from agency_client.profiles.session_agent import MAX_SECONDS, SecretKeeper, main

PASSPHRASE = "correct horse battery staple"
SETTINGS = ProfileSettings("GB-IE", "n1", "https://broker.example:8443", "exchange.json")


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Profile:
    """Give one initialised profile in a folder whose path is too long for a socket address."""
    home = tmp_path_factory.mktemp("home") / ("a-long-name" * 9)
    made = create_profile(home, "gb", SETTINGS)
    initialise_profile(made, PASSPHRASE)
    return made


@pytest.fixture
def environment(profile: Profile) -> Iterator[dict[str, str]]:
    """Give an environment without a runtime folder of the user, and leave no process behind."""
    given = {"XDG_RUNTIME_DIR": "/nonexistent"}
    yield given
    lock_profile(profile, environment=given)


def write_passphrase(path: Path, text: str) -> Path:
    write_private_file(path, text.encode())
    return path


def find_agents(profile: Profile) -> list[int]:
    found = subprocess.run(["pgrep", "-f", f"session_agent {profile.folder}/run"], capture_output=True, check=False)
    return [int(line) for line in found.stdout.split()]


def test_a_locked_profile_says_how_to_unlock_it(profile: Profile, environment: dict[str, str]) -> None:
    with pytest.raises(LockedError) as locked:
        open_profile(profile, environment=environment)
    assert (locked.value.fix, locked.value.exit_code) == ("run: agency unlock", 4)


def test_unlocked_it_opens_for_this_user_until_it_is_locked(profile: Profile, environment: dict[str, str]) -> None:
    unlock_profile(profile, PASSPHRASE, environment=environment, seconds=60)
    with open_profile(profile, environment=environment) as opened, opened.store.write() as transaction:
        write_setting(transaction, Setting.AGENCY, "GB-IE")
        assert len(opened.secret) == 32
        assert opened.secret.hex() not in repr(opened)
        assert repr(opened.secret) not in repr(opened)
    assert 50 <= count_unlocked_seconds(profile, environment=environment) <= 60
    assert len(find_agents(profile)) == 1
    assert lock_profile(profile, environment=environment)
    assert not lock_profile(profile, environment=environment)
    assert count_unlocked_seconds(profile, environment=environment) == 0
    with pytest.raises(LockedError):
        open_profile(profile, environment=environment)


def test_the_process_that_keeps_the_secret_ends_with_the_lock(profile: Profile, environment: dict[str, str]) -> None:
    unlock_profile(profile, PASSPHRASE, environment=environment, seconds=60)
    unlock_profile(profile, PASSPHRASE, environment=environment, seconds=60)
    wait_until(lambda: len(find_agents(profile)) == 1)
    lock_profile(profile, environment=environment)
    wait_until(lambda: not find_agents(profile))


def wait_until(is_so: object) -> None:
    assert callable(is_so)
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_unlock_ends_by_itself(profile: Profile, environment: dict[str, str]) -> None:
    unlock_profile(profile, PASSPHRASE, environment=environment, seconds=0.2)
    wait_until(lambda: not find_agents(profile))
    with pytest.raises(LockedError):
        open_profile(profile, environment=environment)
    assert list((profile.folder / "run").iterdir()) == []


def test_a_killed_keeper_leaves_a_locked_profile_that_can_be_unlocked_again(
    profile: Profile, environment: dict[str, str]
) -> None:
    unlock_profile(profile, PASSPHRASE, environment=environment, seconds=60)
    os.kill(find_agents(profile)[0], signal.SIGKILL)
    wait_until(lambda: not find_agents(profile))
    with pytest.raises(LockedError):
        open_profile(profile, environment=environment)
    unlock_profile(profile, PASSPHRASE, environment=environment, seconds=60)
    open_profile(profile, environment=environment).store.close()


def test_a_polite_end_wipes_and_removes_the_socket(profile: Profile, environment: dict[str, str]) -> None:
    unlock_profile(profile, PASSPHRASE, environment=environment, seconds=60)
    os.kill(find_agents(profile)[0], signal.SIGTERM)
    wait_until(lambda: not find_agents(profile))
    assert list((profile.folder / "run").iterdir()) == []


def test_the_keeper_is_private_and_cannot_be_looked_into(profile: Profile, environment: dict[str, str]) -> None:
    unlock_profile(profile, PASSPHRASE, environment=environment, seconds=60)
    sockets = list((profile.folder / "run").iterdir())
    assert [path.stat().st_mode & 0o777 for path in sockets] == [0o600]
    process = Path("/proc") / str(find_agents(profile)[0])
    assert PASSPHRASE.encode() not in (process / "cmdline").read_bytes()
    assert "Max core file size        0" in (process / "limits").read_text()

    def list_open_files() -> set[str]:
        found = {str(path.readlink()) for path in (process / "fd").iterdir()}
        return {target for target in found if not target.startswith("socket:")}

    wait_until(lambda: list_open_files() == {"/dev/null"})


def test_a_caller_that_says_nothing_or_nonsense_gets_nothing_and_holds_nobody_up(
    profile: Profile, environment: dict[str, str]
) -> None:
    unlock_profile(profile, PASSPHRASE, environment=environment, seconds=60)
    address = next((profile.folder / "run").iterdir())
    folder = os.open(address.parent, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as nonsense, socket.socket(socket.AF_UNIX) as gone:
        nonsense.connect(f"/proc/self/fd/{folder}/{address.name}")
        nonsense.sendall(b"give me all")
        assert nonsense.recv(64) == b""
        gone.connect(f"/proc/self/fd/{folder}/{address.name}")
    os.close(folder)
    assert count_unlocked_seconds(profile, environment=environment) > 0


def test_a_wrong_passphrase_changes_nothing(profile: Profile, environment: dict[str, str]) -> None:
    unlock_profile(profile, PASSPHRASE, environment=environment, seconds=60)
    with pytest.raises(NotAuthenticatedError, match="does not open"):
        unlock_profile(profile, "wrong", environment=environment, seconds=60)
    assert count_unlocked_seconds(profile, environment=environment) > 0


def test_a_folder_others_can_enter_is_not_asked_for_a_secret(profile: Profile, environment: dict[str, str]) -> None:
    unlock_profile(profile, PASSPHRASE, environment=environment, seconds=60)
    run = profile.folder / "run"
    run.chmod(0o755)
    try:
        with pytest.raises(NotPrivateError):
            open_profile(profile, environment=environment)
    finally:
        run.chmod(0o700)


def test_the_users_runtime_folder_is_used_where_there_is_one(profile: Profile, tmp_path: Path) -> None:
    environment = {"XDG_RUNTIME_DIR": str(tmp_path)}
    unlock_profile(profile, PASSPHRASE, environment=environment, seconds=60)
    assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o700]
    assert lock_profile(profile, environment=environment)


def test_a_passphrase_file_opens_without_any_unlock(
    profile: Profile, environment: dict[str, str], tmp_path: Path
) -> None:
    file = write_passphrase(tmp_path / "passphrase", PASSPHRASE + "\n")
    open_profile(profile, environment=environment, passphrase_file=file).store.close()
    named = {**environment, "BILATERAL_PASSPHRASE_FILE": str(file), "BILATERAL_OFFICER": "a.eriksson"}
    with open_profile(profile, environment=named) as opened:
        assert opened.officer == "a.eriksson"
    with pytest.raises(NotAuthenticatedError):
        open_profile(profile, environment=environment, passphrase_file=write_passphrase(tmp_path / "wrong", "wrong"))


def test_another_passphrase_opens_the_same_store(tmp_path: Path) -> None:
    profile = create_profile(tmp_path / "home", "vn", SETTINGS)
    with pytest.raises(NotFoundError):
        open_secret(profile, PASSPHRASE)
    initialise_profile(profile, PASSPHRASE)
    with pytest.raises(FileExistsError):
        initialise_profile(profile, PASSPHRASE)
    secret = open_secret(profile, PASSPHRASE)
    change_passphrase(profile, PASSPHRASE, "another")
    assert open_secret(profile, "another") == secret
    with pytest.raises(NotAuthenticatedError):
        open_secret(profile, PASSPHRASE)
    file = write_passphrase(tmp_path / "passphrase", "another")
    with open_profile(profile, environment={}, passphrase_file=file) as opened, opened.store.read() as snapshot:
        assert read_setting(snapshot, Setting.AGENCY) is None


def test_an_officer_acts_under_the_name_the_host_gives() -> None:
    assert find_officer({"BILATERAL_OFFICER": "a.eriksson", "SUDO_USER": "root"}) == "a.eriksson"
    assert find_officer({"SUDO_USER": "t.nguyen"}) == "t.nguyen"
    assert find_officer({}) == subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()


def test_an_officer_without_an_account_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 4_000_000_000)
    assert find_officer({}) == "uid-4000000000"


def test_nobody_is_unlocked_when_the_keeper_cannot_start(
    profile: Profile, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ClientError, match="did not start") as failed:
        unlock_profile(profile, PASSPHRASE, environment=environment, seconds=60)
    assert failed.value.code == "agent-failed"


def test_a_keeper_gives_nothing_after_its_time_even_when_asked_late() -> None:
    now = [100.0]
    secret = bytearray(b"k" * 32)
    keeper = SecretKeeper(secret, 1_000_000, lambda: now[0])
    assert keeper.count_seconds_left() == MAX_SECONDS == 8 * 3600
    assert keeper.answer(b"key") == b"k" * 32
    assert keeper.answer(b"left") == b"28800"
    assert keeper.answer(b"what") is None
    now[0] += MAX_SECONDS
    assert keeper.answer(b"key") is None
    assert secret == bytes(32)


def test_a_locked_keeper_has_overwritten_the_secret() -> None:
    secret = bytearray(b"k" * 32)
    keeper = SecretKeeper(secret, 60, lambda: 0.0)
    assert keeper.answer(b"lock") == b"locked"
    assert secret == bytes(32)
    assert keeper.answer(b"key") is None


def test_a_keeper_without_a_whole_secret_does_not_start(profile: Profile) -> None:
    short = subprocess.run(
        [sys.executable, "-m", "agency_client.profiles.session_agent", str(profile.folder), "s", "60"],
        input=b"short",
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert (short.returncode, short.stdout) == (1, b"")
    assert main.__doc__
