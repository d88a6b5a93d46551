"""The tables of docs/protocol.md are the ones the code keeps."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_tables_of_the_protocol_page_are_current() -> None:
    command = [sys.executable, "deploy/protocol_tables.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
