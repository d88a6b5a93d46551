"""What an agency installs: the four packages whole, their data files, the licence and the two commands; no tests."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("agency_client", "broker", "keys", "schemas")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    """The wheel that the pinned build backend makes of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return ZipFile(built)


def test_the_wheel_holds_every_file_of_the_four_packages_and_nothing_else(wheel: ZipFile) -> None:
    sources = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }

    shipped = {name for name in wheel.namelist() if ".dist-info/" not in name}

    assert "schemas/codec.py" in sources
    assert shipped == sources


def test_the_wheel_declares_its_commands_and_carries_its_licence(wheel: ZipFile) -> None:
    metadata = {Path(name).name: wheel.read(name).decode() for name in wheel.namelist() if ".dist-info/" in name}

    assert "agency = agency_client.cli:main" in metadata["entry_points.txt"]
    assert "broker = broker.cli:main" in metadata["entry_points.txt"]
    assert "Apache License" in metadata["LICENSE"]
    assert "License-Expression: Apache-2.0" in metadata["METADATA"]
