"""Each import contract bites: a violation planted in a copy of the tree is found and named."""

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("agency_client", "broker", "keys", "schemas")

# Contract, the files planted, and the import that lint-imports must name.
VIOLATIONS: list[tuple[str, dict[str, str], str]] = [
    ("arrows", {"schemas/planted.py": "import keys"}, "schemas.planted -> keys"),
    ("arrows", {"keys/planted.py": "import broker"}, "keys.planted -> broker"),
    ("arrows", {"keys/planted.py": "import agency_client"}, "keys.planted -> agency_client"),
    ("arrows", {"broker/planted.py": "import agency_client"}, "broker.planted -> agency_client"),
    ("arrows", {"agency_client/planted.py": "import broker"}, "agency_client.planted -> broker"),
    ("schemas-pure", {"schemas/planted.py": "from sqlalchemy.orm import Session"}, "schemas.planted -> sqlalchemy"),
    ("schemas-pure", {"schemas/planted.py": "import socket"}, "schemas.planted -> socket"),
    ("keys-pure", {"keys/planted.py": "import httpx"}, "keys.planted -> httpx"),
    (
        "cryptography-in-keys",
        {"broker/planted.py": "from cryptography import x509"},
        "broker.planted -> cryptography",
    ),
    ("cryptography-in-keys", {"agency_client/planted.py": "import jwt"}, "agency_client.planted -> jwt"),
    (
        "rules-pure",
        {"broker/planted/rules.py": "from broker.planted import shell", "broker/planted/shell.py": "import sqlalchemy"},
        "broker.planted.shell -> sqlalchemy",
    ),
    (
        "rules-pure",
        {"broker/planted/deeper/rules.py": "import fastapi"},
        "broker.planted.deeper.rules -> fastapi",
    ),
    (
        "routes-tables",
        {"broker/planted/routes.py": "from broker.planted import tables", "broker/planted/tables.py": ""},
        "broker.planted.routes -> broker.planted.tables",
    ),
    (
        "cli-quick",
        {"agency_client/cli/planted.py": "import agency_client.planted", "agency_client/planted.py": "import fastapi"},
        "agency_client.planted -> fastapi",
    ),
    (
        "cli-quick",
        {
            "agency_client/cli/planted.py": "import agency_client.gateway.planted",
            "agency_client/gateway/planted.py": "",
        },
        "agency_client.cli.planted -> agency_client.gateway.planted",
    ),
]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages and of their rules."""
    copy = tmp_path_factory.mktemp("tree")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


@pytest.fixture
def plant(tree: Path) -> Iterator["Plant"]:
    """Plant files, and pull them out again."""
    planted = Plant(tree)
    yield planted
    planted.pull_out()


class Plant:
    """Files added to the tree, with the `__init__.py` of each folder that they need."""

    def __init__(self, tree: Path) -> None:
        self._tree = tree
        self._added: list[Path] = []

    def add(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            folder = (self._tree / name).parent
            folder.mkdir(parents=True, exist_ok=True)
            for package in (folder, *folder.parents):
                if package == self._tree:
                    break
                self._write_new(package / "__init__.py", "")
            self._write_new(self._tree / name, text + "\n")

    def pull_out(self) -> None:
        for path in self._added:
            path.unlink()

    def _write_new(self, path: Path, text: str) -> None:
        if not path.exists():
            path.write_text(text, "utf-8")
            self._added.append(path)


def check_contract(tree: Path, contract: str) -> subprocess.CompletedProcess[str]:
    """Run lint-imports for one contract over the copy, not over the checkout."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo", "--contract", contract]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False, env={"COLUMNS": "200"})


@pytest.mark.parametrize(("contract", "files", "named"), VIOLATIONS, ids=[named for _, _, named in VIOLATIONS])
def test_a_planted_violation_breaks_its_contract_and_is_named(
    tree: Path, plant: Plant, contract: str, files: dict[str, str], named: str
) -> None:
    plant.add(files)

    result = check_contract(tree, contract)

    assert result.returncode == 1, result.stdout + result.stderr
    assert "1 broken" in result.stdout
    assert named in result.stdout


def test_each_contract_has_a_planted_violation() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]

    assert {contract["id"] for contract in contracts} == {contract for contract, _, _ in VIOLATIONS}
