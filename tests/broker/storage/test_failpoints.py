"""A failpoint kills when it is armed and allowed, at the pass that was asked for, and nowhere else."""

import signal
import subprocess
import sys

import pytest

from broker.storage.failpoints import FailpointError, arm_failpoint, failpoint

_PROGRAM = """
import os, sys
from broker.storage.failpoints import arm_failpoint, failpoint
arm_failpoint(os.environ, allowed=True)
for turn in range(3):
    failpoint("test.other")
    failpoint("test.here")
    print(turn, flush=True)
"""


def _run(specification: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        env={"BILATERAL_FAILPOINT": specification},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("specification", "turns"), [("test.here", ""), ("test.here:3", "0\n1\n")])
def test_the_process_dies_by_sigkill_at_the_named_pass(specification: str, turns: str) -> None:
    finished = _run(specification)
    assert finished.returncode == -signal.SIGKILL
    assert finished.stdout == turns


def test_a_place_that_is_not_reached_kills_nobody() -> None:
    assert _run("test.elsewhere").returncode == 0


def test_it_is_refused_where_tests_are_not_allowed() -> None:
    with pytest.raises(FailpointError, match="tests only"):
        arm_failpoint({"BILATERAL_FAILPOINT": "test.here"}, allowed=False)


@pytest.mark.parametrize("specification", ["here", "test.here:0", "test.here:x", "test here", "TEST.HERE"])
def test_words_that_name_no_place_are_refused(specification: str) -> None:
    with pytest.raises(FailpointError, match=r"area\.step"):
        arm_failpoint({"BILATERAL_FAILPOINT": specification}, allowed=True)


def test_nothing_is_armed_without_the_variable() -> None:
    arm_failpoint({}, allowed=False)
    failpoint("test.here")
