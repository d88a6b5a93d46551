"""Passphrases out of private files: read whole, and only where nobody else can."""

from pathlib import Path

import pytest

from agency_client.errors import UsageError
from agency_client.profiles.passphrases import read_passphrase_file
from agency_client.profiles.private_files import NotPrivateError, write_private_file

PASSPHRASE = "correct horse battery staple"


def write_passphrase(path: Path, text: str) -> Path:
    write_private_file(path, text.encode())
    return path


def test_a_passphrase_file_others_can_read_is_refused(tmp_path: Path) -> None:
    file = write_passphrase(tmp_path / "passphrase", PASSPHRASE)
    file.chmod(0o644)
    with pytest.raises(NotPrivateError):
        read_passphrase_file(file)


@pytest.mark.parametrize("data", [b"", b"\n", b"x" * 1025, b"\xff"])
def test_a_passphrase_file_without_a_passphrase_is_refused(tmp_path: Path, data: bytes) -> None:
    write_private_file(tmp_path / "passphrase", data)
    with pytest.raises(UsageError):
        read_passphrase_file(tmp_path / "passphrase")


def test_only_the_last_line_feed_does_not_belong_to_the_passphrase(tmp_path: Path) -> None:
    assert read_passphrase_file(write_passphrase(tmp_path / "p", " two words \n\n")) == " two words \n"
