"""The set-up script on machines that lack something: what it says, what it installs, and when it does nothing."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


class Checkout:
    """A checkout with nothing set up, on a machine whose `python3`, `id` and `apt-get` are scripts of the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "checkout"
        self.programs = folder / "programs"
        self.programs.mkdir()
        for name in ("deploy/bootstrap", "pyproject.toml", "requirements/dev.txt"):
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.folder / name)
        self.add_program("flock", "exit 0")

    def add_program(self, name: str, script: str) -> Path:
        program = self.programs / name
        program.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
        program.chmod(0o755)
        return program

    def bootstrap(self, python: Path) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": f"{self.programs}:/usr/bin:/bin", "PYTHON": str(python)}
        return subprocess.run(
            ["deploy/bootstrap"], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )

    def pretend_ready(self) -> None:
        """Leave what a finished set-up leaves, in the script's own spelling."""
        (self.folder / ".venv/bin").mkdir(parents=True)
        (self.folder / ".venv/bin/python").symlink_to(sys.executable)
        sources = "pyproject.toml requirements/dev.txt deploy/bootstrap"
        script = rf"""printf '%s %s\n' "$(cat {sources} | cksum)" "$PWD" >.venv/ready"""
        subprocess.run(["sh", "-c", script], cwd=self.folder, check=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_an_unsuitable_python_is_refused_by_name(checkout: Checkout) -> None:
    old = checkout.add_program("python3.9", "exit 1")

    result = checkout.bootstrap(old)

    assert result.returncode == 1
    assert f"{old} is not Python 3.11 to 3.14" in result.stderr


def test_without_venv_and_without_root_one_line_names_the_package(checkout: Checkout) -> None:
    checkout.add_program("id", "echo 1000")
    checkout.add_program("apt-get", 'echo "$*" >>"$(dirname "$0")/calls"')
    bare = checkout.add_program("python3", f'case "$*" in *venv*) exit 1;; esac; exec {sys.executable} "$@"')

    result = checkout.bootstrap(bare)

    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert "python3-venv" in result.stderr
    assert not (checkout.folder / ".venv").exists()
    assert not (checkout.programs / "calls").exists()


def test_without_venv_root_installs_the_package_and_goes_on(checkout: Checkout) -> None:
    checkout.add_program("id", "echo 0")
    checkout.add_program("apt-get", 'echo "$*" >>"$(dirname "$0")/calls"')
    bare = checkout.add_program(
        "python3",
        f'case "$*" in *venv*) [ -e {checkout.programs}/calls ] || exit 1;; esac; exec {sys.executable} "$@"',
    )
    (checkout.folder / "requirements/dev.txt").write_text("# nothing pinned, so that nothing is downloaded\n", "utf-8")

    result = checkout.bootstrap(bare)

    assert " python3-venv " in (checkout.programs / "calls").read_text("utf-8")
    assert (checkout.folder / ".venv/bin/pip").exists()
    assert "pip could not install" in result.stderr  # the build backend was not pinned here
    assert not (checkout.folder / ".venv/ready").exists()


def test_nothing_is_done_when_nothing_changed(checkout: Checkout) -> None:
    checkout.pretend_ready()

    result = checkout.bootstrap(checkout.add_program("python3", "exit 1"))

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize("changed", ["pyproject.toml", "requirements/dev.txt", "deploy/bootstrap"])
def test_a_change_sets_up_again(checkout: Checkout, changed: str) -> None:
    checkout.pretend_ready()
    with (checkout.folder / changed).open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    (checkout.folder / ".venv/bin/python").unlink()

    result = checkout.bootstrap(checkout.add_program("python3", "exit 1"))

    assert result.returncode == 1
