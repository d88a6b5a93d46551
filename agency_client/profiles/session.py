"""Open a profile: from a passphrase, or from the process that `agency unlock` left behind.

The passphrase opens one container, `keys/store.key`, with the profile's secret of 32 bytes in it. The store's key and
the key that seals the operational private keys are derived from the secret, so one unlock (one Argon2id) opens
everything, and changing the passphrase rewrites one file. `agency unlock` gives the secret to
`agency_client.profiles.session_agent` for 8 hours at most. The secret of the safeguarding compartment is another one,
in a process of its own for each of its officers (`agency_client.safeguarding.officers`).

A passphrase comes from a terminal or from a private file, never from an argument or an environment variable's value.
"""

import hashlib
import os
import pwd
import select
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Self

from agency_client.errors import ClientError, LockedError, NotAuthenticatedError, NotFoundError
from agency_client.local_store.approvals import name_person
from agency_client.local_store.engine import Store
from agency_client.local_store.migrations import create_store, open_store
from agency_client.profiles.passphrases import read_passphrase_file
from agency_client.profiles.private_files import (
    make_private_folder,
    read_private_file,
    verify_private,
    write_private_file,
)
from agency_client.profiles.profile import Profile
from agency_client.profiles.session_agent import CALLER_SECONDS, MAX_SECONDS, SECRET_BYTES, is_own_user
from keys.container import (
    NONCE_BYTES,
    SALT_BYTES,
    WrongPassphraseError,
    derive_key,
    open_container,
    seal_container,
)
from keys.generation import generate_bytes

PASSPHRASE_FILE_VARIABLE = "BILATERAL_PASSPHRASE_FILE"  # noqa: S105 - names a file
OFFICER_VARIABLE = "BILATERAL_OFFICER"
_START_SECONDS = 10.0
_SECRET_PURPOSE = "store-key"  # noqa: S105 - says what a container holds


@dataclass(frozen=True)
class OpenProfile:
    """An unlocked profile: its store is open, `secret` (32 bytes) opens its key files. Close it when done.

    `find_compartment` gives the secret of the safeguarding compartment while this officer has it unlocked.
    """

    profile: Profile
    store: Store
    officer: str
    secret: bytes = field(repr=False)
    find_compartment: Callable[[], bytes | None] = field(default=lambda: None, repr=False)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the store."""
        self.store.close()


def initialise_profile(profile: Profile, passphrase: str) -> bytes:
    """Make the profile's secret, seal it under a passphrase, create its empty store, and return the secret.

    Raises:
        FileExistsError: it has a secret already.
    """
    secret = generate_bytes(SECRET_BYTES)
    write_private_file(profile.store_key_path, _seal_secret(secret, passphrase))
    create_store(profile.store_path, derive_store_key(secret)).close()
    return secret


def derive_store_key(secret: bytes) -> bytes:
    """Return the key of the encrypted store, 32 bytes, from the profile's secret."""
    return derive_key(secret, "store")


def change_passphrase(profile: Profile, old: str, new: str) -> None:
    """Seal the profile's secret under another passphrase; keys and store stay as they are.

    Raises:
        NotAuthenticatedError: the old passphrase does not open it.
    """
    secret = open_secret(profile, old)
    write_private_file(profile.store_key_path, _seal_secret(secret, new), replace=True)


def open_secret(profile: Profile, passphrase: str) -> bytes:
    """Return the profile's secret.

    Raises:
        NotAuthenticatedError: the passphrase does not open it.
        NotFoundError: the profile has no secret yet.
        ContainerError: the container is damaged.
    """
    try:
        return open_container(read_private_file(profile.store_key_path), passphrase, purpose=_SECRET_PURPOSE)
    except WrongPassphraseError as error:
        raise NotAuthenticatedError("the passphrase does not open this profile", code=error.code) from error


def open_profile(
    profile: Profile, *, environment: Mapping[str, str], passphrase_file: Path | None = None
) -> OpenProfile:
    """Return the profile opened: by a passphrase file where one is named, else by an `agency unlock` that holds.

    Raises:
        LockedError: neither is there.
        NotAuthenticatedError: the passphrase is wrong.
    """
    file = find_passphrase_file(environment, passphrase_file)
    if file is not None:
        secret = open_secret(profile, read_passphrase_file(file))
    else:
        secret = _ask_agent(profile, environment, b"key") or b""
    if len(secret) != SECRET_BYTES:
        raise LockedError(f"the profile {profile.name} is locked", fix="run: agency unlock")
    store, officer = open_store(profile.store_path, derive_store_key(secret)), find_officer(environment)
    return OpenProfile(
        profile, store, officer, secret, partial(find_compartment_secret, profile, officer, environment=environment)
    )


def unlock_profile(profile: Profile, passphrase: str, *, environment: Mapping[str, str], seconds: float) -> None:
    """Leave a process behind that keeps the profile's secret for so long (8 hours at most); one already there is ended.

    Raises:
        NotAuthenticatedError: the passphrase is wrong; nothing changes then.
        ClientError: the process could not be started.
    """
    secret = open_secret(profile, passphrase)
    lock_profile(profile, environment=environment)
    _leave_agent(profile, environment, secret, seconds)


def lock_profile(profile: Profile, *, environment: Mapping[str, str]) -> bool:
    """End the process that keeps the secret; return whether there was one."""
    return _end_agent(profile, environment)


def count_unlocked_seconds(profile: Profile, *, environment: Mapping[str, str]) -> int:
    """Return for how long the profile stays unlocked; 0 when it is locked."""
    return int(_ask_agent(profile, environment, b"left") or 0)


def unlock_compartment(
    profile: Profile, officer: str, secret: bytes, *, environment: Mapping[str, str], seconds: float
) -> None:
    """Leave a process behind that keeps the compartment's secret for one officer (8 hours at most).

    Raises:
        ClientError: the process could not be started.
    """
    lock_compartment(profile, officer, environment=environment)
    _leave_agent(profile, environment, secret, seconds, officer)


def lock_compartment(profile: Profile, officer: str, *, environment: Mapping[str, str]) -> bool:
    """End the process that keeps the compartment's secret for an officer; return whether there was one."""
    return _end_agent(profile, environment, officer)


def find_compartment_secret(profile: Profile, officer: str, *, environment: Mapping[str, str]) -> bytes | None:
    """Return the compartment's secret while this officer has it unlocked, else None."""
    found = _ask_agent(profile, environment, b"key", officer)
    return found if found is not None and len(found) == SECRET_BYTES else None


def count_compartment_seconds(profile: Profile, officer: str, *, environment: Mapping[str, str]) -> int:
    """Return for how long the compartment stays unlocked for an officer; 0 when it is locked."""
    return int(_ask_agent(profile, environment, b"left", officer) or 0)


def find_passphrase_file(environment: Mapping[str, str], option: Path | None) -> Path | None:
    """Return the passphrase file that was named by option or by `BILATERAL_PASSPHRASE_FILE`."""
    variable = environment.get(PASSPHRASE_FILE_VARIABLE)
    return option or (Path(variable) if variable else None)


def find_officer(environment: Mapping[str, str]) -> str:
    """Return under which name this process acts in the agency's own access log; it never leaves the agency.

    `BILATERAL_OFFICER`, else who called `sudo`, else the login name. The host vouches for it: whoever may run as this
    user may use any name.
    """
    named = environment.get(OFFICER_VARIABLE) or environment.get("SUDO_USER")
    if named:
        return named
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"uid-{os.geteuid()}"


def _seal_secret(secret: bytes, passphrase: str) -> bytes:
    salt, nonce = generate_bytes(SALT_BYTES), generate_bytes(NONCE_BYTES)
    return seal_container(secret, passphrase, salt=salt, nonce=nonce, purpose=_SECRET_PURPOSE)


def _leave_agent(
    profile: Profile, environment: Mapping[str, str], secret: bytes, seconds: float, officer: str = ""
) -> None:
    folder, name = _locate_socket(profile, environment, officer)
    make_private_folder(folder)
    _start_agent(folder, name, secret, min(seconds, MAX_SECONDS))


def _end_agent(profile: Profile, environment: Mapping[str, str], officer: str = "") -> bool:
    was_there = _ask_agent(profile, environment, b"lock", officer) is not None
    folder, name = _locate_socket(profile, environment, officer)
    (folder / name).unlink(missing_ok=True)
    return was_there


def _locate_socket(profile: Profile, environment: Mapping[str, str], officer: str = "") -> tuple[Path, str]:
    """Return folder and name of the socket of the profile's secret, or of the compartment's for one officer."""
    whose = os.fsencode(profile.folder.resolve())
    if officer:
        whose += b"\0" + name_person(officer).encode()
    name = hashlib.sha256(whose).hexdigest()[:24] + ".socket"
    runtime = environment.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}"
    if Path(runtime).is_dir() and Path(runtime).stat().st_uid == os.geteuid():
        return Path(runtime) / "bilateral", name
    return profile.folder / "run", name


def _ask_agent(profile: Profile, environment: Mapping[str, str], word: bytes, officer: str = "") -> bytes | None:
    folder, name = _locate_socket(profile, environment, officer)
    try:
        verify_private(folder)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except (NotFoundError, FileNotFoundError):
        return None
    try:
        return _call(f"/proc/self/fd/{descriptor}/{name}", word)
    except OSError:
        return None  # Nobody listens: the process has ended, or was killed.
    finally:
        os.close(descriptor)


def _call(address: str, word: bytes) -> bytes | None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.settimeout(CALLER_SECONDS)
        caller.connect(address)
        if not is_own_user(caller):
            return None
        caller.sendall(word)
        return caller.recv(64) or None


def _start_agent(folder: Path, name: str, secret: bytes, seconds: float) -> None:
    # -P: the present folder is not searched for modules.
    process = subprocess.Popen(  # noqa: S603 - this program's own interpreter and module
        [sys.executable, "-P", "-m", "agency_client.profiles.session_agent", str(folder), name, str(seconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - both are pipes
    try:
        with process.stdin, process.stdout:
            process.stdin.write(secret)
            process.stdin.close()
            ready, _, _ = select.select([process.stdout], [], [], _START_SECONDS)
            answer = process.stdout.read(1) if ready else b""
    except BrokenPipeError:
        answer = b""
    if answer != b"+":
        process.kill()
        process.wait()
        raise ClientError("the process that keeps the profile unlocked did not start", code="agent-failed")
    process.returncode = 0  # It lives on by design; this silences the warning of a child left running.
