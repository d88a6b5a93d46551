"""Processes of a bench: started with pipes, talked to by lines, and what the kernel says that they have used."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_USED = slice(11, 13)
_USED_BY_ENDED = slice(13, 15)


@contextmanager
def start_module(
    module: str, *arguments: str, environment: Mapping[str, str] = os.environ
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a module in a process of its own; killed where the block fails."""
    with start_program([sys.executable, "-m", module, *arguments], environment) as process:
        yield process


@contextmanager
def start_program(command: Sequence[str], environment: Mapping[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program in a process of its own; killed where the block fails."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(environment)) as process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise


def read_line(process: "subprocess.Popen[bytes]") -> bytes:
    """Return the next line that a process says.

    Raises:
        RuntimeError: it ended.
    """
    assert process.stdout is not None  # noqa: S101 - it was started with a pipe
    line = process.stdout.readline().rstrip(b"\n")
    if not line:
        raise RuntimeError(f"{process.args!r} ended without a word; the reason stands above")
    return line


def tell(process: "subprocess.Popen[bytes]", line: bytes) -> None:
    """Say a line to a process."""
    assert process.stdin is not None  # noqa: S101 - it was started with a pipe
    process.stdin.write(line)
    process.stdin.flush()


def read_cpu_seconds(pid: int) -> float:
    """Return what a process has used, in user and system mode and in all its threads; 0 once it has ended."""
    return _read_seconds(pid, _USED)


def list_children(pid: int) -> list[int]:
    """Return the living processes that a process has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def read_used_by_ended_seconds(pid: int) -> float:
    """Return what those children of a process have used that have ended."""
    return _read_seconds(pid, _USED_BY_ENDED)


def read_resident_mib(pid: int) -> float:
    """Return how much memory of a process is resident."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def _read_seconds(pid: int, fields: slice) -> float:
    # proc(5): times in clock ticks are the fields 14 to 17; the name in field 2 may hold spaces.
    try:
        text = Path(f"/proc/{pid}/stat").read_text("ascii")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(ticks) for ticks in text.rpartition(")")[2].split()[fields]) / os.sysconf("SC_CLK_TCK")
