"""A broker killed inside its group commit keeps all it answered, and the next one goes on from there."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.broker.ports import make_store

_CRASHING_PROGRAM = """
import asyncio, os, sys
from broker.storage.engine import open_database
from broker.storage.failpoints import arm_failpoint
from broker.storage.group_commit import GroupCommitWriter
from schemas.log.records import RecordType
from tests.broker.ports import ManualClock, make_log

database = open_database(sys.argv[1])
log = make_log(database, ManualClock())
writer = GroupCommitWriter(database, log)
writer.start()

async def run():
    for number in range(3):
        leaf = await writer.commit(
            lambda tx: tx.append(RecordType.OPERATOR_ACTION, concerns=(), detail=f"note {number}")
        )
        print(leaf.index, log.prove(leaf).checkpoint.splitlines()[1], flush=True)
        if number == 0:
            arm_failpoint(os.environ, allowed=True)

asyncio.run(run())
"""


# Fourteen processes: on the engine that was chosen only.
@pytest.mark.parametrize(
    ("step", "stored"),
    [
        ("commit.before-transaction", 1),
        ("commit.before-head", 1),
        ("commit.before-commit", 1),
        ("commit.after-commit", 2),
        ("log.before-sign", 2),
        ("log.after-sign", 2),
        ("commit.before-answer", 2),
    ],
)
def test_killed_between_any_two_steps_it_keeps_all_it_answered_and_the_log_goes_on(
    tmp_path: Path, step: str, stored: int
) -> None:
    database = make_store(tmp_path)
    database.close()
    program = [sys.executable, "-c", _CRASHING_PROGRAM, database.writing.url.render_as_string(hide_password=False)]
    crashed = subprocess.run(program, env={"BILATERAL_FAILPOINT": step}, capture_output=True, text=True, check=False)
    assert (crashed.returncode, crashed.stdout) == (-9, "0 1\n"), crashed.stderr
    again = subprocess.run(program, env={}, capture_output=True, text=True, check=False)
    expected = "".join(f"{index} {index + 1}\n" for index in range(stored, stored + 3))
    assert (again.returncode, again.stdout) == (0, expected), again.stderr
