"""Files to hand to others, and files of others: written whole, over nothing that lies there; read up to a size."""

import os
from pathlib import Path

from agency_client.errors import ConflictError, UsageError

MAX_FOREIGN_BYTES = 16 * 1024 * 1024


def write_new_file(path: Path, data: bytes) -> None:
    """Write a new file; one that has these very bytes already is left as it is.

    Raises:
        ConflictError: something else lies there.
    """
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o644)
    except FileExistsError as error:
        if path.is_file() and path.read_bytes() == data:
            return
        raise ConflictError(f"{path} exists already", fix="name another file with --out", code="file-exists") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def read_foreign_file(path: Path) -> bytes:
    """Return a file that somebody else wrote, however large it claims to be.

    Raises:
        FileNotFoundError: there is none.
        UsageError: it is larger than any that is read here.
    """
    with path.open("rb") as file:
        data = file.read(MAX_FOREIGN_BYTES + 1)
    if len(data) > MAX_FOREIGN_BYTES:
        raise UsageError(f"{path} has more than {MAX_FOREIGN_BYTES} bytes: it is nothing that is read here")
    return data


def read_foreign_text(path: Path) -> str:
    """Return a text that somebody else wrote.

    Raises:
        FileNotFoundError, UsageError: as `read_foreign_file`; or it is no text in UTF-8.
    """
    try:
        return read_foreign_file(path).decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no text in UTF-8") from error
