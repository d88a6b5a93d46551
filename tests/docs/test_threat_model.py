"""docs/threat-model.md names files and tests that exist, and leaves out no module of attacks."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "threat-model.md").read_text("utf-8")
NAMED_TESTS = re.findall(r"`(tests/[^`]+?)::([^`]+)`", PAGE)
ROWS = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", PAGE.partition("## Threat, control, test")[2], re.MULTILINE)
THREATS = [row for row in ROWS if row[0] not in ("Threat", "Control taken out") and not row[0].startswith("---")]


@cache
def list_tests(module: str) -> frozenset[str]:
    """Return the names of the tests in a module."""
    tree = ast.parse((ROOT / module).read_text("utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(function.name for function in functions if function.name.startswith("test_"))


def test_every_test_that_is_named_exists() -> None:
    assert NAMED_TESTS
    assert [f"{module}::{name}" for module, name in NAMED_TESTS if name not in list_tests(module)] == []


def test_every_threat_has_a_control_that_exists_and_a_test() -> None:
    assert len(THREATS) > 50
    for threat, control, tests in THREATS:
        files = re.findall(r"`([^`]+)`", control)
        assert files, threat
        assert [file for file in files if not (ROOT / file).is_file()] == [], threat
        assert "`tests/" in tests, threat


def test_no_module_of_attacks_is_left_out() -> None:
    attacks = {str(path.relative_to(ROOT)) for path in (ROOT / "tests" / "attacks").glob("test_*.py")}
    assert attacks - {module for module, _ in NAMED_TESTS} == set()
