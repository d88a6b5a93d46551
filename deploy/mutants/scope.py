"""What is changed and who judges it: deploy/mutants/scope.toml, and the workspaces in build/mutants."""

import hashlib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
WORKSPACES = ROOT / "build/mutants"
PACKAGES = ("agency_client", "broker", "keys", "schemas")
PYTEST_OPTIONS = ("-p", "no:cacheprovider", "--hypothesis-profile=mutants")

_SCOPE = "deploy/mutants/scope.toml"
_JUDGES_BESIDE = ("tests/conftest.py", "tests/strategies", "tests/support", "requirements/dev.txt")


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

    @property
    def workspace(self) -> Path:
        """Return the folder in which its mutants are made and their verdicts kept."""
        return WORKSPACES / self.path.removesuffix(".py").replace("/", ".")


@dataclass(frozen=True, slots=True)
class Scope:
    """What deploy/mutants/scope.toml holds."""

    least_percent_killed: int
    targets: tuple[Target, ...]


def read_scope(root: Path) -> Scope:
    """Read deploy/mutants/scope.toml."""
    table = tomllib.loads((root / _SCOPE).read_text("utf-8"))
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


def compute_fingerprint(root: Path, target: Target, configuration: str) -> str:
    """Return the hash of a file and of all that judges it: the same hash, the same verdicts."""
    state = hashlib.sha256(repr((target.path, target.tests, PYTEST_OPTIONS, configuration)).encode())
    for start in (target.path, *target.tests, *_JUDGES_BESIDE):
        for path in _list_files(root / start):
            state.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    return state.hexdigest()


def _list_files(start: Path) -> list[Path]:
    return [start] if start.is_file() else sorted(start.rglob("*.py"))
