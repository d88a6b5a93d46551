"""An operator's command killed (-9) between any two steps of a rebase or a restore: the old state or the new, whole.

Whoever opens the exchange next finishes what was decided; what was not decided never was.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from broker.audit.standing import Stop, StopReason
from broker.audit.verification import verify_stored_log
from broker.composition import open_broker
from broker.epochs.backup import back_up, restore
from broker.epochs.reading import read_database
from broker.exchange import ExchangeFolder, read_sheet, read_stop, write_stop
from tests.broker.epochs.places import CLOCK, copy_place, grow, make_place, open_place, settings_of


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> ExchangeFolder:
    """An exchange whose operator is about to act."""
    folder = make_place(tmp_path_factory.mktemp("rebase") / "exchange")
    write_stop(folder, Stop(v=1, reason=StopReason.RESTORED, since=CLOCK.now().replace(microsecond=0)))
    return folder


def run_and_die(place: str, *arguments: object) -> None:
    environment = os.environ | {"BILATERAL_BROKER_ENVIRONMENT": "testing", "BILATERAL_FAILPOINT": place}
    done = subprocess.run(
        [sys.executable, "-m", "broker", *map(str, arguments)], env=environment, capture_output=True, check=False
    )
    assert done.returncode == -9, done.stderr.decode()


def verify_serving(place: ExchangeFolder, origin: str) -> None:
    with open_broker(open_place(place), settings_of(place), CLOCK) as broker:
        assert broker.log.view.checkpoint.origin == origin
        if broker.standing.stop is None:
            grow(broker)
    with read_database(place) as connection:
        assert verify_stored_log(connection, read_sheet(place), lambda _done, _of: None).is_sound


@pytest.mark.parametrize(
    ("where", "is_decided"),
    [
        ("rebase.page", False),
        ("rebase.before-decision", False),
        ("rebase.decided", True),
        ("rebase.archived", True),
        ("rebase.moved:2", True),
    ],
)
def test_a_rebase_that_dies_leaves_the_old_epoch_or_the_new(
    original: ExchangeFolder, tmp_path: Path, where: str, is_decided: bool
) -> None:
    place = copy_place(original, tmp_path / "exchange")
    run_and_die(where, "rebase", "--data", place.path, "--yes")
    origin = "exchange.example/2" if is_decided else "exchange.example/1"
    assert read_sheet(place).origin == origin
    assert (read_stop(place) is None) == is_decided
    verify_serving(place, origin)
    if is_decided:
        archive = ExchangeFolder(place.path / "epoch-1")
        assert (read_sheet(archive).origin, read_stop(archive)) == ("exchange.example/1", read_stop(original))


def test_a_restore_that_dies_has_stopped_the_log_before_anything_else(original: ExchangeFolder, tmp_path: Path) -> None:
    place = copy_place(original, tmp_path / "exchange")
    place.stop.unlink()
    back_up(place, tmp_path / "backup.tar", lambda _done, _of: None, with_open_keys=False)
    run_and_die("restore.moved-away", "restore", "--data", place.path, tmp_path / "backup.tar")
    stop = read_stop(place)
    assert stop is not None
    assert stop.reason is StopReason.RESTORED
    assert not place.database.exists()
    shutil.move(place.path / "broker.db.replaced", tmp_path)
    restore(tmp_path / "backup.tar", place.path, CLOCK.now())
    verify_serving(place, "exchange.example/1")
