"""An operator at the command line of the broker: its verbs run, and what they print."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from broker.cli import app
from schemas.codec import decode_canonical
from tests.support.exchange import make_enrolment
from tests.support.members import Member


def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
    """Run `broker` in this process, with nobody to ask: what it does is the same, and nothing is imported anew."""
    words = [str(argument) for argument in arguments]
    done = CliRunner().invoke(app, words)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return subprocess.CompletedProcess(words, done.exit_code, done.stdout, done.stderr)


def run_process(*arguments: object, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run `broker` in a process of its own, with nobody to ask."""
    return subprocess.run(
        [sys.executable, "-m", "broker", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        stdin=subprocess.DEVNULL,
        env=os.environ | environment,
    )


def read_json(done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    """Return the one line of JSON that a verb printed."""
    assert done.returncode == 0, done.stderr
    value: dict[str, Any] = decode_canonical(done.stdout.strip().encode())
    return value


def write_enrolment(folder: Path, member: Member) -> Path:
    """Write what an operator is given to enrol a member."""
    (file,) = make_enrolment(member)
    path = folder / f"{member.agency}.json"
    path.write_bytes(file.canonical())
    return path
