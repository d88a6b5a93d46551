"""The tests of a file, run once for each change of its declarations, each time in a process of its own.

The workspace holds copies of the code, one for each worker, and the verdicts so far; an interrupted run goes on there.
"""

import hashlib
import multiprocessing
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

from deploy.mutants.declarations import Change, list_changes
from deploy.mutants.progress import Progress
from deploy.mutants.scope import PACKAGES, PYTEST_OPTIONS, ROOT, Target, compute_fingerprint
from deploy.mutants.score import Trial

TIMEOUT_SECONDS = 180
KILLED, SURVIVED, TIMEOUT = "killed", "survived", "timeout"

_OUTPUT = "output"
_CHILDREN = multiprocessing.get_context("forkserver")
_CHILDREN.set_forkserver_preload(["cryptography.x509", "pydantic", "pytest"])

# 1: a test failed. 2, 3 and 4: the changed code cannot be loaded, by a test, by pytest, or by a conftest.
_OF_EXIT_CODE = {0: SURVIVED, 1: KILLED, 2: KILLED, 3: KILLED, 4: KILLED}


def try_declarations(target: Target, workers: int, *, survivors_only: bool) -> Trial:
    """Change the declarations of one file and return what the tests noticed."""
    changes = list_changes(target.path, (ROOT / target.path).read_text("utf-8"))
    book = _VerdictBook(target, keep_killed=survivors_only)
    open_changes = [change for change in changes if book.find(change) in (None, *([SURVIVED] * survivors_only))]
    if open_changes:
        with _make_copies(target, workers) as copies, Progress(f"{target.path}, declarations") as progress:
            for done, (change, verdict) in enumerate(_try_all(target, open_changes, copies), start=1):
                book.note(change, verdict)
                progress.show(len(changes) - len(open_changes) + done, len(changes))
    verdicts = {change.name: book.find(change) or SURVIVED for change in changes}
    return Trial(verdicts, {change.name: change.diff for change in changes if verdicts[change.name] == SURVIVED})


class _VerdictBook:
    """The verdicts of one file's changes, kept by the hash of the changed file."""

    def __init__(self, target: Target, *, keep_killed: bool) -> None:
        folder = target.workspace / "declarations"
        judged, fingerprint = folder / "judged", compute_fingerprint(ROOT, target, "")
        if not keep_killed and (not judged.exists() or judged.read_text("utf-8") != fingerprint):
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        judged.write_text(fingerprint if not keep_killed else "survivors only", "utf-8")
        self._path = folder / "verdicts"
        self._path.touch()
        self._verdicts = dict(line.split() for line in self._path.read_text("utf-8").splitlines())

    def find(self, change: Change) -> str | None:
        """Return the verdict on a change, if there is one."""
        return self._verdicts.get(_hash(change))

    def note(self, change: Change, verdict: str) -> None:
        """Keep a verdict."""
        self._verdicts[_hash(change)] = verdict
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{_hash(change)} {verdict}\n")


def _hash(change: Change) -> str:
    return hashlib.sha256(change.source.encode()).hexdigest()


@contextmanager
def _make_copies(target: Target, workers: int) -> Iterator[list[Path]]:
    """Give each worker a copy of the code and the tests; the unchanged code must pass in it."""
    copies = [target.workspace / "declarations" / f"copy-{number}" for number in range(workers)]
    try:
        for copy in copies:
            shutil.rmtree(copy, ignore_errors=True)
            for name in (*PACKAGES, "tests", "deploy", "examples"):
                shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
            shutil.copy(ROOT / "pyproject.toml", copy)
        if _run_tests(target, copies[0]) != SURVIVED:
            words = (copies[0] / _OUTPUT).read_text("utf-8")[-4000:]
            sys.exit(f"mutants: the tests of {target.path} fail without any change:\n{words}")
        yield copies
    finally:
        for copy in copies:
            shutil.rmtree(copy, ignore_errors=True)


def _try_all(target: Target, changes: Sequence[Change], copies: Sequence[Path]) -> Iterator[tuple[Change, str]]:
    free: SimpleQueue[Path] = SimpleQueue()
    for copy in copies:
        free.put(copy)

    def try_one(change: Change) -> str:
        copy = free.get()
        try:
            return _try_change(target, change, copy)
        finally:
            free.put(copy)

    with ThreadPoolExecutor(len(copies)) as pool:
        running = {pool.submit(try_one, change): change for change in changes}
        for future in as_completed(running):
            yield running[future], future.result()


def _try_change(target: Target, change: Change, copy: Path) -> str:
    path = copy / target.path
    original = path.read_text("utf-8")
    path.write_text(change.source, "utf-8")
    try:
        return _run_tests(target, copy)
    finally:
        path.write_text(original, "utf-8")


def _run_tests(target: Target, copy: Path) -> str:
    """Run the tests of a file in a child of a process that has loaded what others wrote, and nothing of ours."""
    process = _CHILDREN.Process(target=_become_pytest, args=(copy, ["-x", "-q", *PYTEST_OPTIONS, *target.tests]))
    process.start()
    process.join(TIMEOUT_SECONDS)
    if process.exitcode is None:
        process.kill()
        process.join()
        return TIMEOUT
    return _OF_EXIT_CODE[process.exitcode]


def _become_pytest(copy: Path, options: list[str]) -> None:
    os.chdir(copy)
    sys.path.insert(0, str(copy))
    sys.dont_write_bytecode = True  # a changed file of the same size and second would be taken for the one before it
    with Path(_OUTPUT).open("w", encoding="utf-8") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
        import pytest  # noqa: PLC0415 - loaded already in the process this one was forked from

        sys.exit(int(pytest.main(options)))
