"""A folder of the same name next to an agency's script hides our package: the import says so."""

import subprocess
import sys
from pathlib import Path

import pytest


def run_script(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run an agency's own script, with the folder it stands in first on the path."""
    script = folder / "script.py"
    script.write_text("import agency_client\nprint('imported')\n", "utf-8")
    return subprocess.run([sys.executable, str(script)], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ["keys", "schemas"])
def test_a_package_that_hides_ours_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("", "utf-8")

    result = run_script(tmp_path)

    assert result.returncode == 1
    assert f"`import {name}` finds {tmp_path / name / '__init__.py'}" in result.stderr
    assert "rename it" in result.stderr


def test_a_module_that_hides_ours_is_named(tmp_path: Path) -> None:
    (tmp_path / "keys.py").write_text("", "utf-8")

    assert f"`import keys` finds {tmp_path / 'keys.py'}" in run_script(tmp_path).stderr


def test_a_folder_of_files_does_not_hide_ours(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "root.pem").write_text("", "utf-8")

    assert run_script(tmp_path).stdout == "imported\n"
