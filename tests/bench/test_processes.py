"""What a process has used is the kernel's account, of its children as well; its lines are read whole."""

import os
import subprocess
import sys

import pytest

from bench.processes import list_children, read_cpu_seconds, read_line, read_resident_mib, start_program, tell

ECHO = "import sys; sys.stdout.write(sys.stdin.readline()); sys.stdout.flush()"


def test_a_line_told_is_read_back_and_the_child_is_listed_and_accounted() -> None:
    with start_program([sys.executable, "-c", ECHO], os.environ) as process:
        assert process.pid in list_children(os.getpid())
        assert read_resident_mib(process.pid) > 0
        tell(process, b"one line\n")
        assert read_line(process) == b"one line"
        with pytest.raises(RuntimeError, match="ended without a word"):
            read_line(process)


def test_a_process_that_has_ended_has_used_nothing_any_more() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()

    assert read_cpu_seconds(process.pid) == 0
    assert read_cpu_seconds(os.getpid()) > 0


def test_a_program_is_killed_where_the_block_fails() -> None:
    with (
        pytest.raises(LookupError),
        start_program([sys.executable, "-c", "import time; time.sleep(600)"], os.environ) as process,
    ):
        raise LookupError
    assert process.wait() < 0
