"""Files to hand to others: written whole, never over something that lies there."""

import os
from pathlib import Path

from agency_client.errors import ConflictError


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
