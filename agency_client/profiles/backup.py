"""One file that holds a whole profile, and the way back from it.

    bilateral-backup/1 LF length of the manifest's container in decimal LF manifest: a container (`keys.container`,
    purpose `backup`) under the profile's passphrase; inside, canonical JSON with every file of the profile but the
    store, and size and SHA-256 of everything that follows the manifest
    a consistent copy of the store, still encrypted under its own key (SQLCipher)
    the ciphertexts of attachments that are on their way out or were fetched, one after the other

Nothing in the file is readable without the passphrase, and nothing of it can be changed without being noticed. Root
keys are not in a profile and so not in a backup. A restored node is marked (`local_store.restored`): it is behind its
own signatures.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

from pydantic import Field

from agency_client.attachments.backing_up import HeldFile, holding_files
from agency_client.attachments.folder import LOCK_SECONDS
from agency_client.errors import ConflictError, VerificationFailedError
from agency_client.local_store.access_log import AccessNote, append_entry
from agency_client.local_store.migrations import open_store
from agency_client.local_store.restored import begin_restored_life
from agency_client.profiles.private_files import PRIVATE_FILE_MODE, make_private_folder, write_private_file
from agency_client.profiles.profile import Profile, load_profile
from agency_client.profiles.session import derive_store_key, open_secret
from keys.container import NONCE_BYTES, SALT_BYTES, ContainerError, open_container, seal_container
from keys.generation import generate_bytes
from schemas.codec import CodecError, b64u_decode, b64u_encode
from schemas.model import Base64Url, Digest, Line, Size, Timestamp, WireModel

MAGIC = b"bilateral-backup/1\n"
MAX_MANIFEST_BYTES = 16 * 1024 * 1024
_PURPOSE = "backup"
_CHUNK_BYTES = 1 << 20
_LEFT_OUT = frozenset({"attachments", "locks", "run"})
_ATTACHMENT_PATH = r"^(?:in|out)/[A-Za-z0-9_-]{1,64}\.[A-Za-z0-9-]{1,64}$"
_SAFE_PATH = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9._-]*/){0,4}[A-Za-z0-9_-][A-Za-z0-9._-]*", re.ASCII)


class BackupError(VerificationFailedError):
    """The file is no backup, was cut short, or was changed since it was made."""

    default_code = "backup-damaged"


class BackedUpFile(WireModel):
    """One small file of a profile, by its path inside the folder."""

    path: Line
    data: Base64Url


class BackedUpStore(WireModel):
    """What follows the manifest."""

    size: Size
    sha256: Digest


class BackedUpAttachment(WireModel):
    """A ciphertext that follows the store, by its path below `attachments`."""

    path: Annotated[Line, Field(pattern=_ATTACHMENT_PATH)]
    size: Size
    sha256: Digest


class Manifest(WireModel):
    """What a backup holds; `attachments` follow the store in their order."""

    v: Literal[1]
    profile: Line
    agency: Line
    node: Line
    made_at: Timestamp
    files: Annotated[tuple[BackedUpFile, ...], Field(max_length=10_000)]
    store: BackedUpStore
    attachments: Annotated[tuple[BackedUpAttachment, ...], Field(max_length=30_000)] = ()


@dataclass(frozen=True, slots=True)
class Restored:
    """A profile that came out of a backup, and when that was made."""

    profile: Profile
    made_at: datetime


def create_backup(
    profile: Profile, target: Path, passphrase: str, note: AccessNote, *, lock_seconds: float = LOCK_SECONDS
) -> Manifest:
    """Write a backup of a profile to a new private file; `note` is entered into the access log first, and is in it.

    Raises:
        NotAuthenticatedError: the passphrase does not open the profile, so it could not open the backup either.
        ConflictError: an attachment was given up while it was read, or sealing took longer than `lock_seconds`.
        FileExistsError: the target exists.
    """
    store = open_store(profile.store_path, derive_store_key(open_secret(profile, passphrase)))
    copy = profile.folder / "run" / f"backup.{os.getpid()}.db"
    make_private_folder(copy.parent)
    try:
        with store.write() as transaction:
            append_entry(transaction, note)
        holding = holding_files(profile, store, copy.parent, lambda: store.copy_to(copy), lock_seconds=lock_seconds)
        with holding as held:
            manifest = _describe(profile, copy, held, note.time)
            _write(target, manifest, [copy, *(file.link for file in held)], passphrase)
    finally:
        store.close()
        copy.unlink(missing_ok=True)
    return manifest


def verify_backup(source: Path, passphrase: str) -> Manifest:
    """Return what a backup holds after checking every byte of it.

    Raises:
        BackupError: it is damaged, or no backup.
        WrongPassphraseError: the passphrase does not open it.
    """
    with source.open("rb") as file:
        manifest = _read_manifest(file, passphrase)
        _read_rest(file, None, manifest)
    return manifest


def restore_backup(source: Path, home: Path, name: str, passphrase: str, note: AccessNote) -> Restored:
    """Make a profile out of a backup, marked as restored; nothing is left behind when it fails.

    Raises:
        ConflictError: there is a profile of that name.
        BackupError, WrongPassphraseError: as `verify_backup`.
    """
    if (home / name).exists():
        raise ConflictError(f"the profile {name} exists already", fix="choose another name with --profile")
    make_private_folder(home)
    with _build_aside(home, name) as folder:
        with source.open("rb") as file:
            manifest = _read_manifest(file, passphrase)
            _write_files(folder, manifest)
            _read_rest(file, folder, manifest)
        _begin_life(folder, passphrase, manifest, note)
        folder.rename(home / name)
    return Restored(load_profile(home, name), manifest.made_at)


def _describe(profile: Profile, copy: Path, held: Sequence[HeldFile], at: datetime) -> Manifest:
    size = copy.stat().st_size
    return Manifest(
        v=1,
        profile=profile.name,
        agency=profile.settings.agency,
        node=profile.settings.node,
        made_at=at,
        files=tuple(_collect_files(profile.folder)),
        store=BackedUpStore(size=size, sha256=_hash_beginning(copy, size)),
        attachments=tuple(
            BackedUpAttachment(path=file.path, size=file.size, sha256=_hash_beginning(file.link, file.size))
            for file in held
        ),
    )


def _hash_beginning(path: Path, size: int) -> str:
    state = hashlib.sha256()
    for piece in _read_beginning(path, size):
        state.update(piece)
    return b64u_encode(state.digest())


def _read_beginning(path: Path, size: int) -> Iterator[bytes]:
    """Yield the first bytes of a file: one that is being fetched grows meanwhile."""
    with path.open("rb") as file:
        while size:
            piece = file.read(min(size, _CHUNK_BYTES))
            if not piece:
                raise ConflictError(f"{path.name} was given up while it was backed up", fix="make the backup again")
            size -= len(piece)
            yield piece


def _collect_files(folder: Path) -> Iterator[BackedUpFile]:
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        is_store = inside.name.startswith("store.db") and len(inside.parts) == 1
        if path.is_file() and not is_store and inside.parts[0] not in _LEFT_OUT and not inside.name.startswith("."):
            if not _SAFE_PATH.fullmatch(inside.as_posix()):
                raise ConflictError(f"{path} does not belong into a profile", fix="move it elsewhere, then back up")
            yield BackedUpFile(path=inside.as_posix(), data=b64u_encode(path.read_bytes()))


def _write(target: Path, manifest: Manifest, parts: Sequence[Path], passphrase: str) -> None:
    salt, nonce = generate_bytes(SALT_BYTES), generate_bytes(NONCE_BYTES)
    container = seal_container(manifest.canonical(), passphrase, salt=salt, nonce=nonce, purpose=_PURPOSE)
    descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, PRIVATE_FILE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(MAGIC + b"%d\n" % len(container) + container)
            sizes = (manifest.store.size, *(attachment.size for attachment in manifest.attachments))
            for path, size in zip(parts, sizes, strict=True):
                file.writelines(_read_beginning(path, size))
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        target.unlink()
        raise


def _read_manifest(file: BinaryIO, passphrase: str) -> Manifest:
    if file.read(len(MAGIC)) != MAGIC:
        raise BackupError("the file is no backup of a profile")
    length = file.readline(16)
    if not re.fullmatch(rb"[1-9][0-9]{0,8}\n", length) or int(length) > 2 * MAX_MANIFEST_BYTES:
        raise BackupError("the backup's manifest has no sensible length")
    try:
        plaintext = open_container(file.read(int(length)), passphrase, purpose=_PURPOSE)
        return Manifest.from_canonical(plaintext, max_bytes=MAX_MANIFEST_BYTES)
    except ContainerError as error:
        if error.code == "wrong-passphrase":
            raise
        raise BackupError(f"the backup's manifest: {error}") from error
    except CodecError as error:
        raise BackupError(f"the backup's manifest: {error}") from error


def _read_rest(file: BinaryIO, folder: Path | None, manifest: Manifest) -> None:
    """Check the store and the attachments of a backup, and write them into a profile's folder where one is given."""
    _copy_part(file, folder and folder / "store.db", manifest.store, "store")
    for attachment in manifest.attachments:
        target = folder and folder / "attachments" / attachment.path
        if target is not None:
            make_private_folder(target.parent.parent)
            make_private_folder(target.parent)
        _copy_part(file, target, attachment, "attachments")
    if file.read(1):
        raise BackupError("the backup is longer than when it was made")


def _copy_part(file: BinaryIO, target: Path | None, expected: BackedUpStore | BackedUpAttachment, name: str) -> None:
    state, left = hashlib.sha256(), expected.size
    descriptor = os.open(target or os.devnull, os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW, PRIVATE_FILE_MODE)
    with os.fdopen(descriptor, "wb") as copy:
        while left and (chunk := file.read(min(left, _CHUNK_BYTES))):
            left -= len(chunk)
            state.update(chunk)
            copy.write(chunk)
        copy.flush()
        if target is not None:
            os.fsync(copy.fileno())
    if left or state.digest() != b64u_decode(expected.sha256):
        raise BackupError(f"the backup's {name} was cut short or changed since it was made")


def _write_files(folder: Path, manifest: Manifest) -> None:
    for file in manifest.files:
        if not _SAFE_PATH.fullmatch(file.path) or file.path.startswith("store.db"):
            raise BackupError(f"the backup names a file outside a profile: {file.path}")
        path = folder / file.path
        make_private_folder(path.parent)
        write_private_file(path, b64u_decode(file.data))
    for name in ("keys", "tls", "locks"):
        make_private_folder(folder / name)


def _begin_life(folder: Path, passphrase: str, manifest: Manifest, note: AccessNote) -> None:
    profile = load_profile(folder.parent, folder.name)
    store = open_store(profile.store_path, derive_store_key(open_secret(profile, passphrase)))
    try:
        with store.write() as transaction:
            begin_restored_life(transaction, backup=manifest.store.sha256, at=note.time)
            append_entry(transaction, note)
    finally:
        store.close()


@contextmanager
def _build_aside(home: Path, name: str) -> Iterator[Path]:
    folder = home / f".{name}.restoring.{os.getpid()}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
