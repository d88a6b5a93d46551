"""Judge the coverage data of a test run: the whole against fail_under, the modules that matter against every branch.

The list of those modules is [tool.bilateral] every-branch in pyproject.toml; an entry that matches no file is an error,
so that a renamed module cannot leave the list unseen.
"""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def read_every_branch_patterns(root: Path) -> list[str]:
    """Read the patterns of the files whose every branch must run."""
    table = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    patterns: list[str] = table["tool"]["bilateral"]["every-branch"]
    return patterns


def find_unmatched_patterns(root: Path, patterns: list[str]) -> list[str]:
    """Name the patterns that no file of the checkout matches."""
    return [pattern for pattern in patterns if not any(root.glob(pattern))]


def report(root: Path, *arguments: str) -> bool:
    """Print one coverage report; say whether its threshold was reached."""
    command = [sys.executable, "-m", "coverage", "report", *arguments]
    return subprocess.run(command, cwd=root, check=False).returncode == 0


def main() -> int:
    """Print both reports and return the exit code."""
    patterns = read_every_branch_patterns(ROOT)
    for pattern in find_unmatched_patterns(ROOT, patterns):
        print(f"every-branch in pyproject.toml names {pattern}, which matches no file", flush=True)
    print("\nThe whole:", flush=True)
    whole = report(ROOT)
    print("\nEvery branch, where it matters:", flush=True)
    every_branch = report(ROOT, f"--include={','.join(patterns)}", "--fail-under=100")
    return 0 if whole and every_branch and not find_unmatched_patterns(ROOT, patterns) else 1


if __name__ == "__main__":
    sys.exit(main())
