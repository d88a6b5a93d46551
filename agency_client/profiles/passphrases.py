"""Passphrases out of private files, for whatever opens with one. Nothing here knows a profile, a store or a network."""

from pathlib import Path

from agency_client.errors import UsageError
from agency_client.profiles.private_files import read_private_file

MAX_PASSPHRASE_BYTES = 1024


def read_passphrase_file(path: Path) -> str:
    """Return the passphrase in a private file; one line feed at its end does not belong to it.

    Raises:
        NotFoundError, NotPrivateError: the file is not there, or others could read it.
        UsageError: it is empty, too long, or not UTF-8.
    """
    data = read_private_file(path)
    try:
        passphrase = data.decode().removesuffix("\n")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text") from error
    if not passphrase or len(data) > MAX_PASSPHRASE_BYTES:
        raise UsageError(f"{path} holds no passphrase, or one longer than {MAX_PASSPHRASE_BYTES} bytes")
    return passphrase
