"""A disk that is full for a while: of a real, small file system where one may be mounted, else by a process's limit.

    with small_disk(folder, 32 << 20) as disk:
        ... disk.fill() ... disk.free() ...

Without the right to mount, `RLIMIT_FSIZE` keeps one process from making any file longer (EFBIG in place of ENOSPC).
"""

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_BALLAST_BYTES = 1 << 16


@dataclass
class SmallDisk:
    """A file system of its own, in memory."""

    path: Path

    def fill(self, leave_bytes: int = 0) -> None:
        """Write a file until nothing more fits; then give back so many bytes."""
        with (self.path / "ballast").open("ab", buffering=0) as ballast:
            for size in (_BALLAST_BYTES, 512, 1):
                try:
                    while ballast.write(bytes(size)) == size:
                        pass
                except OSError:
                    pass
            ballast.truncate(max(0, ballast.tell() - leave_bytes))

    def free(self) -> None:
        """Take the file away."""
        (self.path / "ballast").unlink(missing_ok=True)


@contextmanager
def small_disk(path: Path, size_bytes: int) -> Iterator[SmallDisk | None]:
    """Lend a file system of a size at `path`; nothing where this process may not mount one."""
    path.mkdir(mode=0o700)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes},mode=0700", "bilateral-test", str(path)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode != 0:
        yield None
        return
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True, capture_output=True)


@contextmanager
def no_longer_files(pid: int, longest_bytes: int = 0) -> Iterator[None]:
    """Let a process make no file longer than this as long as the block runs."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (longest_bytes, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
