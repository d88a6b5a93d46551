"""A profile: the folder of one agency's node, only its owner may enter it.

    $BILATERAL_HOME/NAME/          (default ~/.local/share/bilateral/NAME, mode 0700, files 0600)
        profile.toml               agency, node, broker's address, the exchange's sheet
        store.key                  the profile's secret in an Argon2id container
        store.db                   the encrypted store
        keys/                      operational private keys, sealed under that secret
        tls/                       certificates
        locks/                     who runs what at the moment

Root keys never lie here: their holders keep them on media of their own. What the folder holds is opened by
`agency_client.profiles.session`.
"""

import fcntl
import os
import re
import time
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from agency_client.errors import ConflictError, NotFoundError, UsageError
from agency_client.profiles.private_files import (
    PRIVATE_FILE_MODE,
    make_private_folder,
    read_private_file,
    verify_private_tree,
    write_private_file,
)

DEFAULT_PROFILE = "default"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}", re.ASCII)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LOCK_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class ProfileSettings:
    """What `profile.toml` says. `exchange_file` is the exchange's sheet, relative to the folder or absolute."""

    agency: str
    node: str
    broker_url: str
    exchange_file: str


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile that was found in order: private, complete, readable."""

    name: str
    folder: Path
    settings: ProfileSettings

    @property
    def store_path(self) -> Path:
        """Return where the encrypted store lies."""
        return self.folder / "store.db"

    @property
    def keys_folder(self) -> Path:
        """Return where sealed private keys lie."""
        return self.folder / "keys"

    @property
    def store_key_path(self) -> Path:
        """Return where the container of the profile's secret lies."""
        return self.folder / "store.key"

    @property
    def tls_folder(self) -> Path:
        """Return where certificates lie."""
        return self.folder / "tls"

    @property
    def exchange_path(self) -> Path:
        """Return where the exchange's sheet lies."""
        return self.folder / self.settings.exchange_file


def find_home(environment: Mapping[str, str]) -> Path:
    """Return the folder of all profiles: `BILATERAL_HOME`, else `bilateral` in the user's data folder (XDG)."""
    if environment.get("BILATERAL_HOME"):
        return Path(environment["BILATERAL_HOME"])
    data = environment.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(data) / "bilateral"


def choose_profile_name(environment: Mapping[str, str], wanted: str | None) -> str:
    """Return the profile to use: the one asked for, `BILATERAL_PROFILE`, the only one there is, or `default`.

    Raises:
        UsageError: a name that no profile can have.
    """
    name = wanted or environment.get("BILATERAL_PROFILE")
    if not name:
        present = list_profile_names(find_home(environment))
        name = present[0] if len(present) == 1 else DEFAULT_PROFILE
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no profile name", fix="use small letters, digits and hyphens, 40 at most")
    return name


def list_profile_names(home: Path) -> list[str]:
    """Return the names of the profiles in a home."""
    if not home.is_dir():
        return []
    return sorted(path.name for path in home.iterdir() if (path / "profile.toml").is_file())


def create_profile(home: Path, name: str, settings: ProfileSettings) -> Profile:
    """Make a profile's folder and write its settings; keys and store come from `agency_client.profiles.session`.

    Raises:
        ConflictError: there is such a profile already.
        UsageError: a setting that cannot be written as one line of text.
    """
    folder = home / name
    text = _write_toml(settings)
    if (folder / "profile.toml").exists():
        raise ConflictError(f"the profile {name} exists already", fix="choose another name with --profile")
    for path in (home, folder, folder / "keys", folder / "tls", folder / "locks"):
        make_private_folder(path)
    write_private_file(folder / "profile.toml", text.encode())
    return Profile(name, folder, settings)


def load_profile(home: Path, name: str) -> Profile:
    """Return a profile whose folder and files nobody else can read.

    Raises:
        NotFoundError: there is none of that name.
        NotPrivateError: its folder, or a file in it, is open to others.
        UsageError: `profile.toml` is not what it must be; the field is named.
    """
    folder = home / name
    if not (folder / "profile.toml").is_file():
        raise NotFoundError(f"there is no profile {name} in {home}", fix="run: agency init", code="no-profile")
    verify_private_tree(folder)
    return Profile(name, folder, _read_toml(read_private_file(folder / "profile.toml"), folder / "profile.toml"))


def update_settings(profile: Profile, settings: ProfileSettings) -> Profile:
    """Replace a profile's settings and return the profile that has them."""
    write_private_file(profile.folder / "profile.toml", _write_toml(settings).encode(), replace=True)
    return Profile(profile.name, profile.folder, settings)


def verify_outside_home(home: Path, folder: Path) -> None:
    """Check that a folder for root keys is no part of any profile.

    Raises:
        UsageError: it is; root keys belong on media that are not always there.
    """
    if folder.resolve().is_relative_to(home.resolve()):
        raise UsageError(
            f"root keys are not kept inside {home}",
            fix="name a folder on media that you can take away",
            code="roots-online",
        )


@contextmanager
def hold_lock(profile: Profile, name: str, *, wait_seconds: float = 0.0) -> Iterator[None]:
    """Let one process of this profile at a time do what the lock is named after, such as `sync`.

    The system releases the lock when the process ends, however it ends.

    Raises:
        ConflictError: another process holds it for longer than `wait_seconds`; its number is named.
    """
    path = profile.folder / "locks" / f"{name}.lock"
    with os.fdopen(os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, PRIVATE_FILE_MODE), "r+") as file:
        _lock(file, name, wait_seconds)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _lock(file: IO[str], name: str, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                holder = file.read().strip() or "unknown"
                raise ConflictError(
                    f"{name} is already running for this profile (process {holder})", code=f"{name}-running"
                ) from None
            time.sleep(_LOCK_POLL_SECONDS)
        else:
            return


def _write_toml(settings: ProfileSettings) -> str:
    lines = ["# One node of one agency. Secrets never stand here."]
    for name, value in asdict(settings).items():
        if not value or _UNPRINTABLE.search(value):
            raise UsageError(f"{name}: one line of text is expected")
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        lines.append(f'{name} = "{escaped}"')
    return "\n".join(lines) + "\n"


def _read_toml(data: bytes, path: Path) -> ProfileSettings:
    try:
        found = tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} is not TOML: {error}", code="profile-unreadable") from error
    names = ProfileSettings.__dataclass_fields__.keys()
    for name in sorted(found.keys() ^ names):
        problem = "is missing" if name in names else "is not known"
        raise UsageError(f"{path}: {name} {problem}", code="profile-unreadable")
    for name, value in found.items():
        if not isinstance(value, str) or not value:
            raise UsageError(f"{path}: {name} must be text", code="profile-unreadable")
    return ProfileSettings(**found)
