"""docs/joining.md cannot rot: its commands are run as they stand there, one shell, line by line, real processes."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "joining.md"
NOT_RUN = "<!-- not run"
UNASSIGNED_PORTS = range(20_000, 30_000)
LONGEST_SECONDS = 540  # before pytest's own patience with long tests ends (Makefile) and takes the whole run with it
PRELUDE = "set -euo pipefail\ntrap 'echo \"failed at $HERE\" >&2' ERR\n"


def read_commands(page: Path) -> Iterator[str]:
    """Give each command of the page's console blocks, behind an assignment that says where it stands."""
    is_inside, is_run, before = False, False, ""
    for number, line in enumerate(page.read_text("utf-8").splitlines(), start=1):
        if line.startswith("```"):
            is_inside, is_run = line == "```console", not before.startswith(NOT_RUN)
        elif is_inside and is_run:
            assert line.startswith("$ "), f"{page.name}:{number}: a console block of this page has commands only"
            yield f"HERE={page.name}:{number}\n{line.removeprefix('$ ')}\n"
        before = line


def find_free_port() -> int:
    """Return a port that nobody listens on; the page's broker is told its port, as its clients are.

    Below the ports that the kernel gives out by itself, and not where another worker begins to look.
    """
    begin = os.getpid() * 37 % len(UNASSIGNED_PORTS)
    return next(filter(is_free, chain(UNASSIGNED_PORTS[begin:], UNASSIGNED_PORTS[:begin])))


def is_free(port: int) -> bool:
    """Say whether nobody listens on a port."""
    with socket.socket() as found:
        try:
            found.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Path]:
    """A folder beside the examples, as in the checkout; whatever a failure left unlocked is locked at the end."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    folder = tmp_path / "trial"
    folder.mkdir(mode=0o700)
    yield folder
    for profile in (folder / "profiles").glob("*/profile.toml"):
        lock = [sys.executable, "-m", "agency_client", "lock", "--profile", profile.parent.name]
        subprocess.run(lock, cwd=folder, env=make_environment(folder), check=True, capture_output=True)


def make_environment(folder: Path) -> dict[str, str]:
    """Return this process's environment with this checkout's programs first and nothing of ours preset."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BILATERAL_")}
    programs = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    return kept | {"PATH": programs, "BILATERAL_HOME": str(folder / "profiles")}


def run_page(folder: Path) -> str:
    """Run every command of the page and return what was said."""
    environment = make_environment(folder) | {"PORT": str(find_free_port())}
    del environment["BILATERAL_HOME"]  # the page sets it
    return run_script("".join(read_commands(PAGE)), folder, environment)


def run_script(script: str, folder: Path, environment: dict[str, str]) -> str:
    """Run commands that must all succeed; return what was said. The shell and its children are gone afterwards."""
    shell = subprocess.Popen(
        ["bash", "-c", PRELUDE + script],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = shell.communicate(timeout=LONGEST_SECONDS)
    finally:
        kill_group(shell.pid)
        shell.wait()
    assert shell.returncode == 0, said
    return said


def kill_group(leader: int) -> None:
    """End what the shell left behind, if it left anything."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        pass


@pytest.mark.long
def test_the_page_leads_from_nothing_to_a_verified_message(trial: Path) -> None:
    said = run_page(trial)
    assert re.search(r"^VN\ttrusted\t|^GB\ttrusted\t", said, re.MULTILINE)
    assert re.search(r"^state\tin-force$", said, re.MULTILINE)
    assert re.search(r"^VN\tverified\t.*VN, signed", said, re.MULTILINE)
    assert "the log is sound" in said


def test_a_command_that_fails_fails_the_page_and_is_named(trial: Path) -> None:
    commands = f"{PRELUDE}HERE=page:1\ntrue\nHERE=page:2\nfalse\n"
    done = subprocess.run(["bash", "-c", commands], cwd=trial, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert done.stderr == "failed at page:2\n"
