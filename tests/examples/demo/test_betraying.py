"""The last act: every switch that it turns is one of the hostile broker's, which starts as a program of its own."""

import re
import subprocess
import sys
from pathlib import Path

from tests.hostile.catalogue import MANIPULATIONS
from tests.hostile.switchboard import make_manipulation

ROOT = Path(__file__).resolve().parents[3]
TURNED = re.findall(r'_turn\(cast, "([^"]+)"\)', (ROOT / "examples/demo/acts/betraying.py").read_text())


def test_every_switch_of_the_act_is_one_of_the_hostile_brokers() -> None:
    assert len(TURNED) == 4
    assert [make_manipulation(switch).name for switch in TURNED] == [switch.partition("=")[0] for switch in TURNED]


def test_the_program_names_every_manipulation_with_a_sentence() -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "tests.hostile", "list"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert [line.split()[0] for line in listed] == sorted(MANIPULATIONS)
    assert all(line.endswith(".") for line in listed)
