"""The banned calls are found wherever they are planted, and only the listed files may make them."""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
MAY_CALL_THE_BANNED = {
    "agency_client/clock.py",
    "bench/results.py",
    "broker/clock.py",
    "examples/**",
    "keys/generation.py",
    "schemas/codec.py",
    "tests/**",
}

# What is banned, and a line that does it.
BANNED = {
    "base64": "import base64",
    "datetime.date.today": "import datetime; datetime.date.today()",
    "datetime.datetime.now": "from datetime import UTC, datetime; datetime.now(UTC)",
    "datetime.datetime.today": "from datetime import datetime; datetime.today()",
    "datetime.datetime.utcnow": "import datetime as d; d.datetime.utcnow()",
    "json.dump": "import json; json.dump({}, open('x'))",
    "json.dumps": "from json import dumps",
    "json.load": "import json; json.load(open('x'))",
    "json.loads": "import json as j; j.loads('{}')",
    "orjson": "from orjson import loads",
    "os.getrandom": "import os; os.getrandom(16)",
    "os.urandom": "from os import urandom",
    "random": "from random import choice",
    "secrets": "import secrets",
    "time.time": "import time; time.time()",
    "time.time_ns": "from time import time_ns",
    "uuid.uuid1": "import uuid; uuid.uuid1()",
    "uuid.uuid4": "from uuid import uuid4",
}


def read_ruff_table() -> dict[str, Any]:
    """Read the lint rules of the project."""
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["ruff"]["lint"]
    return table


def lint(path: str, source: str) -> subprocess.CompletedProcess[str]:
    """Lint a text as if it stood at a path of the checkout."""
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--select=TID251", "--output-format=concise"]
    return subprocess.run(
        [*command, f"--stdin-filename={path}", "-"], cwd=ROOT, input=source, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "path", ["agency_client/planted.py", "broker/routing/rules.py", "keys/planted.py", "schemas/planted.py"]
)
def test_every_banned_call_is_found_in_every_package(path: str) -> None:
    result = lint(path, "\n".join(BANNED.values()) + "\n")

    assert result.returncode == 1, result.stderr
    assert {line for line in range(1, len(BANNED) + 1) if f":{line}:" in result.stdout} == set(
        range(1, len(BANNED) + 1)
    )


def test_the_cases_cover_the_whole_list_of_bans() -> None:
    assert set(BANNED) == set(read_ruff_table()["flake8-tidy-imports"]["banned-api"])


@pytest.mark.parametrize("path", sorted(path.replace("**", "planted.py") for path in MAY_CALL_THE_BANNED))
def test_the_listed_files_may_make_the_call(path: str) -> None:
    assert lint(path, "import secrets\n").returncode == 0


def test_no_other_file_is_let_off() -> None:
    per_file = read_ruff_table()["per-file-ignores"]

    assert {path for path, rules in per_file.items() if "TID251" in rules} == MAY_CALL_THE_BANNED


def test_no_file_lets_itself_off() -> None:
    sources = [
        path for package in ("agency_client", "broker", "keys", "schemas") for path in (ROOT / package).rglob("*.py")
    ]
    offenders = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sources
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if "ruff: noqa" in line or ("noqa" in line and "TID251" in line) or line.rstrip().endswith("# noqa")
    ]

    assert len(sources) > len(MAY_CALL_THE_BANNED)
    assert offenders == []
