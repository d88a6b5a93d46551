"""A backup comes back whole or not at all, tells nothing without the passphrase, and its node knows it is behind."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agency_client.errors import ConflictError, NotAuthenticatedError
from agency_client.local_store.access_log import AccessNote, list_entries
from agency_client.local_store.restored import find_restored_at
from agency_client.local_store.settings import Setting, read_setting, write_setting
from agency_client.profiles.backup import MAGIC, BackupError, create_backup, restore_backup, verify_backup
from agency_client.profiles.private_files import write_private_file
from agency_client.profiles.profile import Profile, ProfileSettings, create_profile
from agency_client.profiles.session import OpenProfile, initialise_profile, open_profile
from keys.container import WrongPassphraseError, seal_container
from schemas.log.records import Action

PASSPHRASE = "correct horse battery staple"
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NOTE = AccessNote(NOON, "a.eriksson", Action.OPERATOR, "backup", "weekly backup")
RESTORING = replace(NOTE, verb="restore", reason="disk failed")


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Profile:
    """Give a profile with a store, a key and a certificate."""
    settings = ProfileSettings("GB-IE", "n1", "https://broker.example:8443", "exchange.json")
    made = create_profile(tmp_path_factory.mktemp("home"), "gb", settings)
    initialise_profile(made, PASSPHRASE)
    write_private_file(made.keys_folder / "message.-kid_1.key", b"sealed seeds")
    write_private_file(made.tls_folder / "node.der", b"certificate")
    write_private_file(made.folder / "locks" / "sync.lock", b"1")
    with unlock(made) as opened, opened.store.write() as transaction:
        write_setting(transaction, Setting.AGENCY, "GB-IE")
    return made


@pytest.fixture(scope="module")
def backup(profile: Profile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give one backup of it."""
    target = tmp_path_factory.mktemp("media") / "gb.backup"
    create_backup(profile, target, PASSPHRASE, NOTE)
    return target


def unlock(profile: Profile) -> OpenProfile:
    file = profile.folder.parent / "passphrase"
    if not file.exists():
        write_private_file(file, PASSPHRASE.encode())
    return open_profile(profile, environment={}, passphrase_file=file)


def test_a_profile_comes_back_with_everything_in_it(profile: Profile, backup: Path, tmp_path: Path) -> None:
    restored = restore_backup(backup, tmp_path / "new home", "gb-2", PASSPHRASE, RESTORING)
    assert restored.made_at == NOON
    assert restored.profile.settings == profile.settings
    assert (restored.profile.keys_folder / "message.-kid_1.key").read_bytes() == b"sealed seeds"
    assert (restored.profile.tls_folder / "node.der").read_bytes() == b"certificate"
    assert list((restored.profile.folder / "locks").iterdir()) == []
    with unlock(restored.profile) as opened, opened.store.read() as snapshot:
        assert read_setting(snapshot, Setting.AGENCY) == "GB-IE"
        assert find_restored_at(snapshot) == NOON
        assert [entry.verb for entry in list_entries(snapshot)] == ["restore", "backup"]
        assert read_setting(snapshot, Setting.RESTORED_BACKUP) == verify_backup(backup, PASSPHRASE).store.sha256


def test_a_backup_leaves_nothing_beside_it_and_is_private(profile: Profile, backup: Path) -> None:
    assert [path.name for path in backup.parent.iterdir()] == ["gb.backup"]
    assert backup.stat().st_mode & 0o777 == 0o600
    assert list((profile.folder / "run").iterdir()) == []


def test_a_backup_tells_nothing_without_its_passphrase(backup: Path, tmp_path: Path) -> None:
    data = backup.read_bytes()
    assert not any(word in data for word in (b"GB-IE", b"profile.toml", b"SQLite format", b"sealed seeds"))
    with pytest.raises(WrongPassphraseError):
        verify_backup(backup, "wrong")
    with pytest.raises(WrongPassphraseError):
        restore_backup(backup, tmp_path, "gb-2", "wrong", RESTORING)
    assert list(tmp_path.iterdir()) == []


def test_no_backup_is_made_under_a_passphrase_that_does_not_open_the_profile(profile: Profile, tmp_path: Path) -> None:
    with pytest.raises(NotAuthenticatedError):
        create_backup(profile, tmp_path / "b", "wrong", NOTE)
    assert not (tmp_path / "b").exists()


def test_a_backup_overwrites_nothing(profile: Profile, backup: Path, tmp_path: Path) -> None:
    before = backup.read_bytes()
    with pytest.raises(FileExistsError):
        create_backup(profile, backup, PASSPHRASE, NOTE)
    assert backup.read_bytes() == before
    with pytest.raises(ConflictError, match="exists already"):
        restore_backup(backup, profile.folder.parent, "gb", PASSPHRASE, RESTORING)


def damage(data: bytes, how: str) -> bytes:
    header = data.index(b"\n", len(MAGIC)) + 1
    manifest_end = header + int(data[len(MAGIC) : header])
    return {
        "no backup": b"x" + data,
        "empty": b"",
        "length": data[: len(MAGIC)] + b"999999999\n" + data[header:],
        "negative": data[: len(MAGIC)] + b"-1\n" + data[header:],
        "cut in the manifest": data[: manifest_end - 1],
        "manifest altered": data[: manifest_end - 1] + bytes([data[manifest_end - 1] ^ 1]) + data[manifest_end:],
        "store missing": data[:manifest_end],
        "store cut": data[:-1],
        "store altered": data[:-1] + bytes([data[-1] ^ 1]),
        "something appended": data + b"\x00",
    }[how]


@pytest.mark.parametrize(
    "how",
    [
        "no backup",
        "empty",
        "length",
        "negative",
        "cut in the manifest",
        "manifest altered",
        "store missing",
        "store cut",
        "store altered",
        "something appended",
    ],
)
def test_whatever_was_done_to_a_backup_is_noticed_and_nothing_is_left_behind(
    backup: Path, tmp_path: Path, how: str
) -> None:
    (tmp_path / "damaged").write_bytes(damage(backup.read_bytes(), how))
    with pytest.raises(BackupError):
        restore_backup(tmp_path / "damaged", tmp_path / "home", "gb-2", PASSPHRASE, RESTORING)
    assert list((tmp_path / "home").iterdir()) == []


@pytest.mark.parametrize(
    "path", ["../escaped", "/etc/escaped", "keys/../../escaped", ".hidden", "store.db", "a//b", "a/"]
)
def test_a_backup_writes_nowhere_but_into_its_profile(backup: Path, tmp_path: Path, path: str) -> None:
    manifest = verify_backup(backup, PASSPHRASE)
    hostile = manifest.model_copy(update={"files": (manifest.files[0].model_copy(update={"path": path}),)})
    container = seal_container(hostile.canonical(), PASSPHRASE, salt=bytes(16), nonce=bytes(12), purpose="backup")
    (tmp_path / "hostile").write_bytes(MAGIC + b"%d\n" % len(container) + container)
    with pytest.raises(BackupError, match="outside a profile"):
        restore_backup(tmp_path / "hostile", tmp_path / "home", "gb-2", PASSPHRASE, RESTORING)
    assert sorted(found.name for found in tmp_path.rglob("*")) == ["home", "hostile"]


def test_a_manifest_that_is_no_manifest_is_refused(tmp_path: Path) -> None:
    container = seal_container(b"{}", PASSPHRASE, salt=bytes(16), nonce=bytes(12), purpose="backup")
    (tmp_path / "odd").write_bytes(MAGIC + b"%d\n" % len(container) + container)
    with pytest.raises(BackupError, match="manifest"):
        verify_backup(tmp_path / "odd", PASSPHRASE)


def test_a_stray_file_in_a_profile_is_named_before_anything_is_written(profile: Profile, tmp_path: Path) -> None:
    stray = profile.folder / "with space"
    write_private_file(stray, b"x")
    try:
        with pytest.raises(ConflictError, match="with space"):
            create_backup(profile, tmp_path / "b", PASSPHRASE, NOTE)
    finally:
        stray.unlink()
    assert not (tmp_path / "b").exists()
