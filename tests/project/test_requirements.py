"""The requirement files pin everything with hashes, agree with each other and with pyproject.toml, and name no host."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
REQUIREMENTS = ROOT / "requirements"
FILES = ("base.txt", "build.txt", "dev.txt", "pins.txt")
PIN = re.compile(r"^(?P<name>[a-z0-9-]+)(?:\[[a-z,]+\])?==(?P<version>[^ ;]+)(?P<rest>.*)$")
BASE_SET_MEGABYTES = 150


def read_pins(name: str) -> dict[str, str]:
    """Read the versions that a requirement file pins."""
    lines = (REQUIREMENTS / name).read_text("utf-8").splitlines()
    found = [match for line in lines if (match := PIN.match(line))]
    return {match["name"]: match["version"] for match in found}


@pytest.mark.parametrize("name", FILES)
def test_every_line_is_a_pin_a_hash_or_a_comment(name: str) -> None:
    lines = (REQUIREMENTS / name).read_text("utf-8").splitlines()

    strangers = [
        line for line in lines if not (PIN.match(line) or re.match(r"    --hash=sha256:[0-9a-f]{64}|\s*#", line))
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


def test_the_build_backend_is_the_one_that_is_hashed() -> None:
    (requirement,) = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["build-system"]["requires"]

    name, version = requirement.split("==")

    assert read_pins("build.txt")[name] == version


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

    base = {re.split(r"[<>=\[]", text)[0] for text in project["project"]["dependencies"]}
    development = {re.split(r"[<>=\[]", text)[0] for text in project["dependency-groups"]["dev"]}

    assert base <= read_pins("base.txt").keys()
    assert development <= read_pins("dev.txt").keys()


def test_the_base_set_stays_small() -> None:
    total_bytes = 0
    for name in read_pins("base.txt"):
        try:
            files = distribution(name).files or []
        except PackageNotFoundError:
            continue  # pinned for another platform
        total_bytes += sum(path.stat().st_size for file in files if (path := Path(str(file.locate()))).is_file())

    assert 100_000_000 < total_bytes < BASE_SET_MEGABYTES * 1_000_000
