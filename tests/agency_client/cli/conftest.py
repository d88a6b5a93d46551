"""One invocation of `agency` inside this process: its exit code, its standard output, its standard error."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from agency_client.cli.app import run
from agency_client.profiles.private_files import write_private_file
from agency_client.profiles.profile import Profile, ProfileSettings, create_profile
from agency_client.profiles.session import initialise_profile, lock_profile
from tests.support.stretching import one_salt

PASSPHRASE = "correct horse battery staple"
SETTINGS = ProfileSettings("GB-IE", "n1", "https://broker.example:8443", "exchange.json")


@dataclass(frozen=True)
class Ended:
    """How an invocation ended."""

    code: int
    stdout: str
    stderr: str


Agency = Callable[..., Ended]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Give the environment of a user who has nothing yet."""
    return {
        "BILATERAL_HOME": str(tmp_path / "home"),
        "XDG_RUNTIME_DIR": str(tmp_path),
        "BILATERAL_OFFICER": "a.eriksson",
    }


@pytest.fixture
def agency(environment: dict[str, str], capsys: pytest.CaptureFixture[str]) -> Agency:
    """Give the command."""

    def invoke(*arguments: str, **extra: str) -> Ended:
        capsys.readouterr()
        code = run(arguments, environment | extra)
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    return invoke


@pytest.fixture
def profile(environment: dict[str, str]) -> Profile:
    """Give a profile without keys or store."""
    return create_profile(Path(environment["BILATERAL_HOME"]), "gb", SETTINGS)


@pytest.fixture
def sealed_profile(profile: Profile, environment: dict[str, str]) -> object:
    """Give a profile with its secret and store, and leave no process behind."""
    with one_salt():
        initialise_profile(profile, PASSPHRASE)
    yield profile
    lock_profile(profile, environment=environment)


@pytest.fixture
def passphrase_file(tmp_path: Path) -> Path:
    """Give a private file with the passphrase."""
    write_private_file(tmp_path / "passphrase", PASSPHRASE.encode())
    return tmp_path / "passphrase"
