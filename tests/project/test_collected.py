"""No test vanishes in silence: each test module collects something, and stands where its module can be found."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import COLLECTED_MODULES

ROOT = Path(__file__).parent.parent.parent
TESTS = ROOT / "tests"
# Folders of tests that cut across the modules; every other one mirrors the code.
STAND_BESIDE = {"attacks", "browser", "docs", "examples", "faults", "integration", "project", "properties", "vectors"}
MODULES = sorted(TESTS.rglob("test_*.py"))


@pytest.fixture(scope="module")
def collected(request: pytest.FixtureRequest) -> set[str]:
    """The test modules that pytest collects anything from; this run need not be asked again for what it collected."""
    if request.config.args != request.config.getini("testpaths"):
        return collect([])
    left_out: list[str] = request.config.getoption("ignore") or []
    return request.config.stash[COLLECTED_MODULES] | (collect(left_out) if left_out else set())


def collect(folders: list[str]) -> set[str]:
    """Let a pytest of its own collect `folders`, or everything."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-q", "-p", "no:cacheprovider", "-p", "no:cov"]
    result = subprocess.run([*command, *folders], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return {line.rpartition(": ")[0] for line in result.stdout.splitlines() if ".py: " in line}


def mirrored_source(module: Path) -> tuple[Path, Path, Path]:
    """Say where the module or the package tested by tests/<folder>/test_<name>.py must be.

    What is too long for one test module is split by subject: tests/<folder>/<name>/test_<subject>.py.
    """
    relative = module.relative_to(TESTS)
    name = relative.stem.removeprefix("test_")
    return (
        ROOT / relative.with_name(f"{name}.py"),
        ROOT / relative.parent / name / "__init__.py",
        ROOT / relative.parent.with_suffix(".py"),
    )


def test_each_test_module_collects_at_least_one_test(collected: set[str]) -> None:
    assert MODULES
    assert [str(module.relative_to(ROOT)) for module in MODULES if str(module.relative_to(ROOT)) not in collected] == []


def test_each_test_module_mirrors_a_module_or_stands_in_a_listed_folder() -> None:
    mirrors = [module for module in MODULES if module.relative_to(TESTS).parts[0] not in STAND_BESIDE]

    assert mirrors
    assert [
        str(module.relative_to(ROOT))
        for module in mirrors
        if not any(path.is_file() for path in mirrored_source(module))
    ] == []


def test_each_python_file_with_tests_is_named_so_that_pytest_finds_it() -> None:
    unseen = [
        str(path.relative_to(ROOT))
        for path in TESTS.rglob("*.py")
        if not path.name.startswith("test_") and "\ndef test_" in path.read_text("utf-8")
    ]

    assert unseen == []
