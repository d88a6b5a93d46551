"""mutmut on one file: a workspace of links with a configuration of its own, its verdicts read through its own words.

mutmut keeps its verdicts in the workspace, so that an interrupted run goes on where it stopped.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from deploy.mutants.progress import Progress
from deploy.mutants.scope import PACKAGES, PYTEST_OPTIONS, ROOT, Target, compute_fingerprint
from deploy.mutants.score import Trial

MUTMUT = Path(sys.executable).with_name("mutmut")

_PROGRESS = re.compile(r"(\d+)/(\d+)  \S+ \d+ ")
_NOT_RUN = re.compile(r": 255,?$", re.MULTILINE)
_VERDICT = re.compile(r"^ +(\S+): ([a-z ?]+)$", re.MULTILINE)
_CONFIGURATION = """
[tool.mutmut]
source_paths = {packages}
also_copy = ["deploy", "examples"]
only_mutate = ["{path}"]
pytest_add_cli_args_test_selection = {tests}
pytest_add_cli_args = {options}
use_git_change_detection = false
on_dependency_change = "ignore"
track_dependencies = false
process_isolation = "forkserver"
timeout_multiplier = 10.0
timeout_constant = 6.0
"""


def try_functions(target: Target, workers: int, *, survivors_only: bool) -> Trial:
    """Change the functions of one file and return what the tests noticed."""
    workspace = prepare_workspace(target, keep_killed=survivors_only)
    if survivors_only:
        (workspace / "mutants/mutmut-stats.json").unlink(missing_ok=True)
    _run_mutmut(workspace, target, workers)
    verdicts = _read_verdicts(workspace)
    alive = list(_find_alive(verdicts))
    if survivors_only and alive:
        _run_mutmut(workspace, target, workers, alive)
        verdicts = _read_verdicts(workspace)
    _verify_tests_ran(workspace, target)
    return Trial(verdicts, {name: _ask_mutmut(workspace, "show", name) for name in _find_alive(verdicts)})


def prepare_workspace(target: Target, *, keep_killed: bool) -> Path:
    """Return the folder in which mutmut works on a file: links to the checkout, and its own configuration."""
    workspace = target.workspace / "functions"
    judged = workspace / "judged"
    fingerprint = compute_fingerprint(ROOT, target, _CONFIGURATION)
    if workspace.exists() and not keep_killed and (not judged.exists() or judged.read_text("utf-8") != fingerprint):
        shutil.rmtree(workspace)
    if not workspace.exists():
        workspace.mkdir(parents=True)
        judged.write_text(fingerprint, "utf-8")
    for name in (*PACKAGES, "tests", "deploy", "examples"):
        if not (workspace / name).is_symlink():
            (workspace / name).symlink_to(ROOT / name)
    own = _CONFIGURATION.format(
        packages=_spell(PACKAGES), path=target.path, tests=_spell(target.tests), options=_spell(PYTEST_OPTIONS)
    )
    (workspace / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text("utf-8") + own, "utf-8")
    return workspace


def _spell(values: Iterable[str]) -> str:
    return "[" + ", ".join(f'"{value}"' for value in values) + "]"


def _run_mutmut(workspace: Path, target: Target, workers: int, names: Sequence[str] = ()) -> None:
    """Judge the mutants that have no verdict yet, or those of `names`."""
    command = [str(MUTMUT), "run", "--max-children", str(workers), *names]
    with subprocess.Popen(
        command, cwd=workspace, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8"
    ) as process:
        last_words = _relay_progress(process.stdout or (), target.path)
    if process.returncode:
        sys.exit(f"mutants: mutmut failed on {target.path}:\n{last_words}")


def _relay_progress(output: Iterable[str], path: str) -> str:
    lines: list[str] = []
    with Progress(f"{path}, functions") as progress:
        for line in output:
            if found := _PROGRESS.search(line):
                progress.show(int(found[1]), int(found[2]))
            else:
                lines.append(line)
    return "".join(lines[-60:])


def _read_verdicts(workspace: Path) -> dict[str, str]:
    return dict(_VERDICT.findall(_ask_mutmut(workspace, "results", "--all", "true")))


def _verify_tests_ran(workspace: Path, target: Target) -> None:
    # mutmut names tests by their ids; where pytest does not find one, mutmut calls the mutant timed out. An id with a
    # backslash is found once only: whoever collects again in the same process escapes it again.
    meta = (workspace / "mutants" / f"{target.path}.meta").read_text("utf-8")
    if _NOT_RUN.search(meta):
        sys.exit(f"mutants: pytest did not find a test of {target.path} by its id: is there a backslash in one?")


def _ask_mutmut(workspace: Path, *arguments: str) -> str:
    command = [str(MUTMUT), *arguments]
    return subprocess.run(command, cwd=workspace, check=True, capture_output=True, text=True, encoding="utf-8").stdout


def _find_alive(verdicts: dict[str, str]) -> Iterator[str]:
    return (name for name, verdict in verdicts.items() if verdict not in ("killed", "timeout"))
