"""The demonstration: it plays to its end in time and leaves nothing; what does not hold ends it in order."""

import faulthandler
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest

from examples.demo.cast import Cast
from examples.demo.play import INTERRUPTED, run_play
from examples.demo.stage import Stage, make_stage

ROOT = Path(__file__).resolve().parents[3]
# It takes a quarter of this by itself; beside other tests the two cores are shared.
PLAY_SECONDS = 900


@pytest.fixture
def stage() -> Stage:
    return make_stage(StringIO())


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def read_shown(stage: Stage) -> str:
    assert isinstance(stage.console.file, StringIO)
    return stage.console.file.getvalue()


def play(folder: Path) -> tuple[int, str]:
    """Play the demonstration as a process of its own; one that takes too long is ended in order, as by Ctrl-C."""
    process = subprocess.Popen(
        [sys.executable, "-m", "examples.demo"],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        shown, _ = process.communicate(timeout=PLAY_SECONDS)
    except subprocess.TimeoutExpired:
        process.terminate()
        shown, _ = process.communicate(timeout=PLAY_SECONDS)
    return process.returncode, shown


def list_processes_in(folder: Path) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in command:
            found.append(command)
    return found


@pytest.mark.long
def test_every_step_holds_and_nothing_is_left(tmp_path: Path) -> None:
    faulthandler.cancel_dump_traceback_later()  # The play has a limit of its own, beyond that of other tests.
    exit_code, shown = play(tmp_path)
    assert exit_code == 0, shown[-4000:]
    assert "Every step held" in shown
    assert "✗ " not in shown
    assert "\x1b" not in shown, "colour where nobody sees it"
    assert list(tmp_path.iterdir()) == []
    assert list_processes_in(tmp_path) == []


def test_the_first_expectation_that_does_not_hold_ends_it_and_keeps_the_logs(stage: Stage, folder: Path) -> None:
    def disappoint(cast: Cast) -> None:
        with cast.stage.act("An act"):
            cast.gb.play("--version", keep=("agency",))
            cast.stage.expect("two and two", came=5, wanted=4)
            raise AssertionError("the play went on")

    assert run_play(stage, keep=True, acts=[disappoint]) == 1
    (left,) = folder.iterdir()
    shown = read_shown(stage)
    assert "✗ two and two" in shown
    assert "expected  4" in shown
    assert "came      5" in shown
    assert f"{left}/logs" in shown
    assert [path.read_text().splitlines()[0] for path in (left / "logs").iterdir()] == [
        "$ agency --profile gb --version"
    ]


def test_a_command_that_ends_otherwise_than_it_should_is_such_an_expectation(stage: Stage) -> None:
    def stumble(cast: Cast) -> None:
        with cast.stage.act("An act"):
            cast.gb.play("inbox")

    assert run_play(stage, keep=False, acts=[stumble]) == 1
    assert "agency --profile gb inbox ends with 0" in read_shown(stage)
    assert "exit code 3" in read_shown(stage)


def test_an_interruption_removes_everything(stage: Stage, folder: Path) -> None:
    def interrupt(cast: Cast) -> None:
        raise KeyboardInterrupt

    assert run_play(stage, keep=True, acts=[interrupt]) == INTERRUPTED
    assert list(folder.iterdir()) == []
