"""Private keys at rest: bound to their names, readable only with the profile's secret, gone when destroyed."""

from pathlib import Path

import pytest

from agency_client.errors import ConflictError
from agency_client.profiles.key_store import KeyFileError, KeyMissingError, KeyStore, StoredKey, TlsUse
from agency_client.profiles.private_files import NotPrivateError
from schemas.signed import DocumentType, EncryptionUse, KeyUse
from tests.support.members import START

SECRET = bytes(range(32))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def keys(folder: Path) -> KeyStore:
    return KeyStore(folder, SECRET)


def test_every_use_comes_back_as_the_same_key(keys: KeyStore, folder: Path) -> None:
    made = {use: keys.make_signing_key(use, START) for use in KeyUse}
    opening = keys.make_opening_key(EncryptionUse.ENCRYPTION, START)
    again = KeyStore(folder, SECRET)
    for use, signer in made.items():
        assert again.load_signer(use, signer.kids[0]).kids == signer.kids
        assert again.load_signer(use, signer.kids[0]).sign(DocumentType.STATUS, "AA")
    assert again.load_opening_key(opening.kid).kid == opening.kid
    assert len(again.list_keys()) == len(KeyUse) + 1
    assert StoredKey(EncryptionUse.ENCRYPTION, opening.kid) in again.list_keys()


def test_another_secret_opens_nothing(keys: KeyStore, folder: Path) -> None:
    signer = keys.make_signing_key(KeyUse.MESSAGE, START)
    with pytest.raises(KeyFileError):
        KeyStore(folder, bytes(32)).load_signer(KeyUse.MESSAGE, signer.kids[0])


def test_no_seed_lies_open_and_nobody_else_may_read(keys: KeyStore, folder: Path) -> None:
    keys.make_tls_key(TlsUse.NODE, START)
    seed = keys.load_seed(TlsUse.NODE)
    (path,) = folder.iterdir()
    assert seed not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with pytest.raises(NotPrivateError):
        keys.load_seed(TlsUse.NODE)


def test_files_cannot_change_places(keys: KeyStore, folder: Path) -> None:
    first = keys.make_signing_key(KeyUse.MESSAGE, START).kids[0]
    second = keys.make_signing_key(KeyUse.MESSAGE, START).kids[0]
    (folder / f"message.{first}.key").write_bytes((folder / f"message.{second}.key").read_bytes())
    with pytest.raises(KeyFileError, match="another name"):
        KeyStore(folder, SECRET).load_signer(KeyUse.MESSAGE, first)
    (folder / f"receipt.{second}.key").write_bytes((folder / f"message.{second}.key").read_bytes())
    (folder / f"receipt.{second}.key").chmod(0o600)
    with pytest.raises(KeyFileError, match="another name"):
        KeyStore(folder, SECRET).load_signer(KeyUse.RECEIPT, second)


@pytest.mark.parametrize("position", [0, 40, -1])
def test_a_damaged_file_is_told(keys: KeyStore, folder: Path, position: int) -> None:
    kid = keys.make_signing_key(KeyUse.AGREEMENT, START).kids[0]
    (path,) = folder.iterdir()
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)
    with pytest.raises(KeyFileError):
        KeyStore(folder, SECRET).load_signer(KeyUse.AGREEMENT, kid)


def test_a_destroyed_key_is_gone_and_said_to_be(keys: KeyStore, folder: Path) -> None:
    opening = keys.make_opening_key(EncryptionUse.ENCRYPTION, START)
    assert keys.destroy_key(EncryptionUse.ENCRYPTION, opening.kid)
    assert not keys.destroy_key(EncryptionUse.ENCRYPTION, opening.kid)
    assert list(folder.iterdir()) == []
    with pytest.raises(KeyMissingError):
        keys.load_opening_key(opening.kid)
    with pytest.raises(KeyMissingError, match="not on this node"):
        keys.load_seed(TlsUse.AUTHORITY)


def test_a_tls_key_is_replaced_and_a_signing_key_never(keys: KeyStore) -> None:
    first = keys.make_tls_key(TlsUse.NODE, START)
    assert keys.make_tls_key(TlsUse.NODE, START) != first
    signer = keys.make_signing_key(KeyUse.MESSAGE, START)
    with pytest.raises(ConflictError):
        keys._write(KeyUse.MESSAGE, signer.kids[0], [bytes(32)], START)


def test_foreign_files_in_the_folder_are_not_taken_for_keys(keys: KeyStore, folder: Path) -> None:
    (folder / "notes.txt").write_text("x")
    (folder / "unknown.abc.key").write_text("x")
    assert keys.list_keys() == []
