"""`python -m tests.sabotage [WORD]`: remove each control in a copy of the tree, and see the attack on it succeed.

Ends with 1 if a test stays green without its control, does not run, or an old text is not there any more.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.sabotage.removals import ROOT, EditError, Removal, load_removals

TEST_SECONDS, ALL_TESTS_SECONDS = 300, 1800


def main() -> int:
    """Try every removal whose control or test names the word given; return the exit code."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    if wanted == "--table":
        print("\n".join(removal.row for removal in load_removals()))
        return 0
    removals = load_removals(wanted)
    with tempfile.TemporaryDirectory(prefix="sabotage-") as folder:
        copy = copy_tree(Path(folder))
        tests = sorted({test for removal in removals for test in removal.tests})
        red = run_tests(copy, tests, seconds=ALL_TESTS_SECONDS)
        if red:
            print(f"red before anything is removed: {', '.join(sorted(red))}")
            return 1
        problems = [problem for removal in removals if (problem := try_removal(copy, removal))]
    print(f"{len(removals)} controls removed, {len(tests)} attacks; {len(problems)} went unnoticed")
    return 1 if problems or not removals else 0


def copy_tree(folder: Path) -> Path:
    """Copy every file under version control, as it stands in the checkout now."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        source, target = ROOT / name, folder / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    return folder


def try_removal(copy: Path, removal: Removal) -> str:
    """Remove one control, run its tests, put it back; return what is wrong, "" where every test turned red."""
    before: dict[str, str] = {}
    try:
        for edit in removal.edits:
            text = edit.apply(copy)
            before.setdefault(edit.file, text)
        red = run_tests(copy, removal.tests)
    except EditError as error:
        return _tell(removal, str(error))
    finally:
        for file, text in before.items():
            (copy / file).write_text(text, "utf-8")
    green = [test for test in removal.tests if test not in red]
    return _tell(removal, f"stayed green: {', '.join(green)}" if green else "")


def run_tests(copy: Path, tests: Iterable[str], *, seconds: int = TEST_SECONDS) -> set[str]:
    """Run tests in a copy of the tree and return those that failed, without their parameters.

    What cannot be set up is no attack that succeeded, and counts as nothing.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:cov", "--tb=no", "-rfE"]
    done = subprocess.run(
        [*command, *tests],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )
    if done.returncode not in (0, 1):
        print(done.stdout[-2000:], done.stderr[-2000:])
    return set(_read_failed(done.stdout.splitlines()))


def _read_failed(lines: Sequence[str]) -> Iterable[str]:
    for line in lines:
        if line.startswith("FAILED "):
            yield line.removeprefix("FAILED ").partition(" - ")[0].partition("[")[0].strip()


def _tell(removal: Removal, problem: str) -> str:
    print(f"{'?' if problem else 'red'}  {removal.control}{f': {problem}' if problem else ''}", flush=True)
    return problem


if __name__ == "__main__":
    sys.exit(main())
