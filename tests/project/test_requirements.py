"""The requirement files pin everything with hashes, agree with each other and with pyproject.toml, and name no host."""

import ast
import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
REQUIREMENTS = ROOT / "requirements"
FILES = (
    "base.txt",
    "build.txt",
    "dev.txt",
    "fuzz.txt",
    "interchange.txt",
    "interchange-sources.txt",
    "mutants.txt",
    "pdf.txt",
    "pins.txt",
    "postgresql.txt",
    "taxii.txt",
)
PIN = re.compile(r"^(?P<name>[a-z0-9-]+)(?:\[[a-z,-]+\])?==(?P<version>[^ ;]+)(?P<rest>.*)$")
BASE_SET_MEGABYTES = 150
PACKAGES = ("agency_client", "broker", "keys", "schemas")
# Modules that are part of a declared dependency's own interface, from a package of their own.
COMES_WITH = {"pydantic-core": "pydantic", "starlette": "fastapi"}


def read_pins(name: str) -> dict[str, str]:
    """Read the versions that a requirement file pins."""
    lines = (REQUIREMENTS / name).read_text("utf-8").splitlines()
    found = [match for line in lines if (match := PIN.match(line))]
    return {match["name"]: match["version"] for match in found}


@pytest.mark.parametrize("name", FILES)
def test_every_line_is_a_pin_a_hash_or_a_comment(name: str) -> None:
    lines = (REQUIREMENTS / name).read_text("utf-8").splitlines()

    strangers = [
        line for line in lines if not (PIN.match(line) or re.match(r"    --hash=sha256:[0-9a-f]{64}|\s*(#|$)", line))
    ]

    assert strangers == []


@pytest.mark.parametrize("name", FILES)
def test_every_pin_is_followed_by_a_hash(name: str) -> None:
    lines = (REQUIREMENTS / name).read_text("utf-8").splitlines()

    pinned = [number for number, line in enumerate(lines) if PIN.match(line)]

    assert pinned
    assert [lines[number] for number in pinned if not lines[number + 1].startswith("    --hash=sha256:")] == []


def test_developers_and_agencies_run_the_same_versions() -> None:
    assert read_pins("base.txt").items() <= read_pins("dev.txt").items()
    assert read_pins("build.txt").items() <= read_pins("dev.txt").items()
    assert read_pins("base.txt").items() <= read_pins("postgresql.txt").items() <= read_pins("dev.txt").items()


def test_what_the_mutants_need_goes_into_the_same_environment() -> None:
    development, mutants = read_pins("dev.txt"), read_pins("mutants.txt")

    shared = development.keys() & mutants.keys()

    assert "pytest" in shared
    assert {name: mutants[name] for name in shared} == {name: development[name] for name in shared}


def test_the_build_backend_is_the_one_that_is_hashed() -> None:
    (requirement,) = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["build-system"]["requires"]

    name, version = requirement.split("==")

    assert read_pins("build.txt")[name] == version


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

    base = {re.split(r"[<>=\[]", text)[0] for text in project["project"]["dependencies"]}
    groups = project["dependency-groups"]
    development = {re.split(r"[<>=\[]", text)[0] for text in groups["dev"]}
    mutants = {re.split(r"[<>=\[]", text)[0] for text in groups["mutants"]}

    assert base <= read_pins("base.txt").keys()
    assert development <= read_pins("dev.txt").keys()
    extra = project["project"]["optional-dependencies"]["postgresql"]
    assert {re.split(r"[<>=\[]", text)[0] for text in extra} <= read_pins("postgresql.txt").keys()
    assert mutants <= read_pins("mutants.txt").keys()
    for name in ("fuzz", "pdf", "taxii"):
        assert {re.split(r"[<>=\[]", text)[0] for text in groups[name]} <= read_pins(f"{name}.txt").keys()


def find_foreign_imports() -> set[str]:
    """Find the top-level modules from elsewhere that the packages import, at any depth of their files."""
    names: set[str] = set()
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    return names - set(sys.stdlib_module_names) - set(PACKAGES)


def test_every_imported_package_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    texts = [
        *project["dependencies"],
        *(text for extra in project.get("optional-dependencies", {}).values() for text in extra),
    ]
    declared = {re.split(r"[<>=\[]", text)[0] for text in texts}
    providers = packages_distributions()

    imported = {
        module: {name.lower().replace("_", "-") for name in providers.get(module, [module])}
        for module in find_foreign_imports()
    }
    undeclared = {
        module: sorted(names)
        for module, names in imported.items()
        if not {COMES_WITH.get(name, name) for name in names} & declared
    }

    assert imported
    assert undeclared == {}


def test_the_base_set_stays_small() -> None:
    total_bytes = 0
    for name in read_pins("base.txt"):
        try:
            files = distribution(name).files or []
        except PackageNotFoundError:
            continue  # pinned for another platform
        total_bytes += sum(path.stat().st_size for file in files if (path := Path(str(file.locate()))).is_file())

    assert 100_000_000 < total_bytes < BASE_SET_MEGABYTES * 1_000_000
