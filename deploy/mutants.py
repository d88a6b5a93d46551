"""Change the code that decides, one spot at a time (mutmut), and demand that the tests notice nine changes in ten.

deploy/mutants.toml says which files, which tests judge each of them, and which mutants no test can notice. Every file
has a workspace in build/mutants: mutmut's verdicts stay there, so that an interrupted run goes on where it stopped,
until the file or what judges it changes. mutmut changes what stands inside functions, save decorated ones.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
WORKSPACES = ROOT / "build/mutants"
MUTMUT = Path(sys.executable).with_name("mutmut")
PACKAGES = ("agency_client", "broker", "keys", "schemas")
JUDGES_BESIDE = ("tests/conftest.py", "tests/strategies", "tests/support")

_PROGRESS = re.compile(r"(\d+)/(\d+)  \S+ \d+ ")
_VERDICT = re.compile(r"^ +(\S+): ([a-z ?]+)$", re.MULTILINE)
_CHANGED_LINE = re.compile(r"^[+-](?![+-])\s*(.*)$", re.MULTILINE)
_CONFIGURATION = """
[tool.mutmut]
source_paths = {packages}
only_mutate = ["{path}"]
pytest_add_cli_args_test_selection = {tests}
pytest_add_cli_args = ["-p", "no:cacheprovider", "--hypothesis-profile=mutants"]
use_git_change_detection = false
on_dependency_change = "ignore"
track_dependencies = false
process_isolation = "forkserver"
timeout_multiplier = 10.0
timeout_constant = 3.0
"""


@dataclass(frozen=True, slots=True)
class Equivalent:
    """A mutant that does what the original does, by its changed lines, and why."""

    file: str
    mutant: str
    reason: str


@dataclass(frozen=True, slots=True)
class Target:
    """One file, the group its score counts in, the tests that judge it, and its mutants that nothing can kill."""

    path: str
    group: str
    tests: tuple[str, ...]
    equivalents: tuple[Equivalent, ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """What deploy/mutants.toml holds."""

    least_percent_killed: int
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """How many mutants there are, and what became of them; `survived` holds what no test reached, too."""

    mutants: int = 0
    killed: int = 0
    timeouts: int = 0
    survived: int = 0
    equivalent: int = 0

    def __add__(self, other: "Score") -> "Score":
        return Score(
            self.mutants + other.mutants,
            self.killed + other.killed,
            self.timeouts + other.timeouts,
            self.survived + other.survived,
            self.equivalent + other.equivalent,
        )

    @property
    def percent_killed(self) -> float:
        """Return the killed (an endless loop is a death) among the mutants that can be killed."""
        possible = self.mutants - self.equivalent
        return 100 * (self.killed + self.timeouts) / possible if possible else 100.0


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one file's mutants came to: the score, the survivors as diffs, and the equivalents that are none."""

    target: Target
    score: Score
    survivors: tuple[str, ...]
    stale: tuple[Equivalent, ...]


def read_scope(root: Path) -> Scope:
    """Read deploy/mutants.toml."""
    table = tomllib.loads((root / "deploy/mutants.toml").read_text("utf-8"))
    equivalents = [Equivalent(**entry) for entry in table.get("equivalent", [])]
    targets = [
        Target(
            entry["path"],
            entry["group"],
            tuple(entry["tests"]),
            tuple(known for known in equivalents if known.file == entry["path"]),
        )
        for entry in table["file"]
    ]
    return Scope(table["least_percent_killed"], tuple(targets))


def choose_targets(scope: Scope, chosen: Sequence[str]) -> list[Target]:
    """Take the files whose path or group starts with one of `chosen`; all where nothing is chosen."""
    return [
        target
        for target in scope.targets
        if not chosen or any(target.path.startswith(start) or target.group.startswith(start) for start in chosen)
    ]


def compute_fingerprint(root: Path, target: Target) -> str:
    """Return the hash of the file and of the tests that judge it: the same hash, the same verdicts."""
    state = hashlib.sha256(repr((target.path, target.tests, _CONFIGURATION)).encode())
    for start in (target.path, *target.tests, *JUDGES_BESIDE, "requirements/dev.txt", "requirements/mutants.txt"):
        for path in _list_files(root / start):
            state.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    return state.hexdigest()


def _list_files(start: Path) -> list[Path]:
    return [start] if start.is_file() else sorted(start.rglob("*.py"))


def prepare_workspace(root: Path, target: Target, *, keep_killed: bool) -> Path:
    """Return the folder in which mutmut works on a file: links to the checkout, and its own configuration."""
    workspace = WORKSPACES / target.path.removesuffix(".py").replace("/", ".")
    judged = workspace / "judged"
    fingerprint = compute_fingerprint(root, target)
    if workspace.exists() and not keep_killed and (not judged.exists() or judged.read_text("utf-8") != fingerprint):
        shutil.rmtree(workspace)
    if not workspace.exists():
        workspace.mkdir(parents=True)
        judged.write_text(fingerprint, "utf-8")
    for name in (*PACKAGES, "tests", "deploy", "examples"):
        if not (workspace / name).is_symlink():
            (workspace / name).symlink_to(root / name)
    own = _CONFIGURATION.format(packages=_spell(PACKAGES), path=target.path, tests=_spell(target.tests))
    (workspace / "pyproject.toml").write_text((root / "pyproject.toml").read_text("utf-8") + own, "utf-8")
    return workspace


def _spell(values: Iterable[str]) -> str:
    return "[" + ", ".join(f'"{value}"' for value in values) + "]"


def run_mutmut(workspace: Path, target: Target, workers: int, names: Sequence[str] = ()) -> None:
    """Judge the mutants that have no verdict yet, or those of `names`; show how far it is."""
    command = [str(MUTMUT), "run", "--max-children", str(workers), *names]
    with subprocess.Popen(
        command, cwd=workspace, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8"
    ) as process:
        last_words = _relay_progress(process.stdout or (), target.path)
    if process.returncode:
        sys.exit(f"mutants: mutmut failed on {target.path}:\n{last_words}")


def _relay_progress(output: Iterable[str], label: str) -> str:
    lines: list[str] = []
    shown_tenth = -1
    for line in output:
        found = _PROGRESS.search(line)
        if not found:
            lines.append(line)
            continue
        done, total = int(found[1]), int(found[2])
        if sys.stderr.isatty():
            print(f"\r  {label}: {done} of {total} ", end="", file=sys.stderr, flush=True)
        elif done * 10 // total > shown_tenth:
            shown_tenth = done * 10 // total
            print(f"  {label}: {done} of {total}", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    return "".join(lines[-60:])


def read_verdicts(workspace: Path) -> dict[str, str]:
    """Return mutmut's word for each mutant of a workspace."""
    return dict(_VERDICT.findall(_ask_mutmut(workspace, "results", "--all", "true")))


def _ask_mutmut(workspace: Path, *arguments: str) -> str:
    command = [str(MUTMUT), *arguments]
    return subprocess.run(command, cwd=workspace, check=True, capture_output=True, text=True, encoding="utf-8").stdout


def judge(target: Target, verdicts: dict[str, str], diffs: dict[str, str]) -> Judgement:
    """Count what became of a file's mutants; `diffs` holds the change of each that was not killed."""
    counts = Counter(verdicts.values())
    excused: list[str] = []
    used: set[Equivalent] = set()
    for name, diff in diffs.items():
        found = [known for known in target.equivalents if list_changed_lines(diff) == known.mutant.splitlines()]
        used.update(found)
        excused += [name] * bool(found)
    survivors = tuple(diff for name, diff in diffs.items() if name not in excused)
    score = Score(len(verdicts), counts["killed"], counts["timeout"], len(survivors), len(excused))
    return Judgement(target, score, survivors, tuple(known for known in target.equivalents if known not in used))


def list_changed_lines(diff: str) -> list[str]:
    """Return the lines that a mutant removes and brings, without their marks and indentation."""
    return [match[1] for match in _CHANGED_LINE.finditer(diff)]


def judge_file(target: Target, workers: int, *, survivors_only: bool) -> Judgement:
    """Run mutmut on one file and read what it found."""
    workspace = prepare_workspace(ROOT, target, keep_killed=survivors_only)
    if survivors_only:
        (workspace / "mutants/mutmut-stats.json").unlink(missing_ok=True)
    run_mutmut(workspace, target, workers)
    verdicts = read_verdicts(workspace)
    alive = list(_find_alive(verdicts))
    if survivors_only and alive:
        run_mutmut(workspace, target, workers, alive)
        verdicts = read_verdicts(workspace)
    diffs = {name: f"{verdicts[name]}: {_ask_mutmut(workspace, 'show', name)}" for name in _find_alive(verdicts)}
    return judge(target, verdicts, diffs)


def _find_alive(verdicts: dict[str, str]) -> Iterator[str]:
    return (name for name, verdict in verdicts.items() if verdict not in ("killed", "timeout"))


def print_table(judgements: Sequence[Judgement], least_percent: int) -> bool:
    """Print each file and group; say whether every group reached its score and every equivalent is one."""
    print(f"\n{'':42}{'mutants':>9}{'killed':>8}{'timeouts':>10}{'survived':>10}{'equivalent':>12}{'score':>9}")
    reached = True
    for group in dict.fromkeys(judgement.target.group for judgement in judgements):
        members = [judgement for judgement in judgements if judgement.target.group == group]
        total = sum((member.score for member in members), Score())
        for member in members:
            _print_score(f"  {member.target.path}", member.score)
        _print_score(group, total)
        if total.percent_killed < least_percent:
            print(f"mutants: {group} is below {least_percent} %")
            reached = False
    return reached


def _print_score(label: str, score: Score) -> None:
    numbers = f"{score.mutants:>9}{score.killed:>8}{score.timeouts:>10}{score.survived:>10}{score.equivalent:>12}"
    print(f"{label:42}{numbers}{score.percent_killed:>8.1f}%")


def main() -> int:
    """Judge the chosen files and return the exit code."""
    parser = argparse.ArgumentParser(prog="make mutants ARGS=…", description=__doc__.splitlines()[0])
    parser.add_argument("chosen", nargs="*", help="starts of paths or groups, as in deploy/mutants.toml; all if none")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="mutants at once")
    parser.add_argument("--survivors", action="store_true", help="judge again only what survived the last run")
    arguments = parser.parse_args()
    scope = read_scope(ROOT)
    targets = choose_targets(scope, arguments.chosen)
    if not targets:
        parser.error("nothing in deploy/mutants.toml starts so")
    os.nice(10)
    judgements = [judge_file(target, arguments.workers, survivors_only=arguments.survivors) for target in targets]
    for judgement in judgements:
        for survivor in judgement.survivors:
            print(f"\n{judgement.target.path}, {survivor.strip()}")
    reached = print_table(judgements, scope.least_percent_killed)
    stale = [known for judgement in judgements for known in judgement.stale]
    for known in stale:
        print(f"mutants: deploy/mutants.toml calls equivalent what is none in {known.file}: {known.mutant}")
    return 0 if reached and not stale else 1


if __name__ == "__main__":
    sys.exit(main())
