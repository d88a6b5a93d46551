"""Files that are there whole or not at all, and still there after a power cut."""

import os
from pathlib import Path


def write_private_file(path: Path, data: bytes) -> None:
    """Write a file that only its owner reads, durable before this returns, whole or not at all."""
    fresh = path.with_name(f".{path.name}.new")
    descriptor = os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_folder(path.parent)


def sync_file(path: Path) -> None:
    """Make durable what somebody else wrote into a file."""
    _sync(path, os.O_RDONLY)


def sync_folder(path: Path) -> None:
    """Make durable which files a folder holds under which names."""
    _sync(path, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
