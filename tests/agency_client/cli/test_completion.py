"""Each shell gets its script, and a shell that asks is answered."""

import json
import os
import subprocess
import sys

import pytest

from tests.agency_client.cli.conftest import Agency


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(agency: Agency, shell: str) -> None:
    script = agency("completion", shell).stdout
    assert "_AGENCY_COMPLETE" in script
    assert json.loads(agency("completion", shell, "--json").stdout)["script"].strip() == script.strip()


def test_another_shell_is_a_usage_error(agency: Agency) -> None:
    assert agency("completion", "cmd").code == 2


def test_a_shell_that_asks_is_answered() -> None:
    asked = subprocess.run(
        [sys.executable, "-m", "agency_client"],
        env=os.environ | {"_AGENCY_COMPLETE": "complete_bash", "COMP_WORDS": "agency un", "COMP_CWORD": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert asked.stdout.split() == ["unlock"]
