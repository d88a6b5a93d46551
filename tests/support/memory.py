"""Where the tests' folders lie: in memory, where there is enough of it and programs may be run from it.

Stores sync every transaction to the disk, and processes that share one wait for each other's syncs: more than half the
time of tests of the client. No test loses power: `tests/faults/power` plays the disk that forgets.
"""

import os
from pathlib import Path

ENOUGH_BYTES = 2 << 30
ROOT_VARIABLE = "PYTEST_DEBUG_TEMPROOT"
"""The folder below which pytest makes those of the tests."""


def find_memory() -> Path | None:
    """Return a folder in memory, where there is one."""
    memory = Path("/dev/shm")  # noqa: S108 - only where it is there
    return memory if memory.is_dir() and os.access(memory, os.W_OK) else None


def keep_folders_in_memory() -> None:
    """Let the folders of the tests lie in memory, unless somebody named another place or this one does not do."""
    memory = find_memory()
    if memory is None or ROOT_VARIABLE in os.environ:
        return
    found = os.statvfs(memory)
    if found.f_bavail * found.f_frsize >= ENOUGH_BYTES and not found.f_flag & os.ST_NOEXEC:
        os.environ[ROOT_VARIABLE] = str(memory)
