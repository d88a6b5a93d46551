"""The power goes at any moment: what the store had answered is there afterwards, and no signed head covers less.

A few of the cuts that `make faults` makes by the thousand; and the proof that such a loss would be seen.
"""

from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest

from tests.faults.power.disk import Disk, Opened, Removed, Synced, Truncated, Written
from tests.faults.power.worlds import World, make_messages, play_cuts
from tests.support.memory import find_memory

CUTS = 16


def test_nothing_answered_is_lost_by_a_power_cut() -> None:
    report = play_cuts(CUTS, seed=1)
    assert (report.cuts, report.lost) == (CUTS, 0)
    assert report.answered > CUTS
    assert report.signed > CUTS


def test_a_store_that_does_not_sync_each_commit_is_seen_to_lose_what_it_answered() -> None:
    report = play_cuts(CUTS, seed=1, pragmas={"synchronous": "NORMAL"}, is_losing=True)
    assert report.lost > 0


def test_what_is_recorded_is_what_stands_in_the_files() -> None:
    with TemporaryDirectory(dir=find_memory()) as place:
        world = World(Path(place, "world"), Random(1), make_messages(8), {"wal_autocheckpoint": "30"})
        with world.running():
            disk = Disk({})
            for event in world.live(2):
                if isinstance(event, Opened | Written | Truncated | Synced | Removed):
                    disk.take(event)
            stored = {path.name: path.read_bytes() for path in world.folder.iterdir() if path.suffix != ".db-shm"}
    assert {name: data for name, data in disk.read().items() if name in stored} == stored
    assert len(stored) == 2


@pytest.mark.parametrize("seed", range(20))
def test_a_cut_keeps_what_was_synced_and_tears_what_was_not(seed: int) -> None:
    disk = Disk({"kept": b"old" * 1000})
    disk.take(Written("kept", 600, b"new" * 400))
    disk.take(Synced("kept", with_folder=False))
    disk.take(Written("kept", 2400, b"NEW" * 400))
    left = disk.cut_power(Random(seed))["kept"]
    assert left[:2400] == (b"old" * 200 + b"new" * 400 + b"old" * 200)
    assert set(left[2400:]) <= set(b"oldNEW\0")
    assert disk.read()["kept"][2400:] == b"NEW" * 400


def test_a_name_is_there_for_good_only_once_its_folder_was_synced() -> None:
    disk = Disk({"removed": b"x"})
    for change in (Opened("fresh"), Written("fresh", 0, b"data"), Synced("fresh", with_folder=False)):
        disk.take(change)
    disk.take(Removed("removed", with_folder=False))
    left = [disk.cut_power(Random(seed)) for seed in range(40)]
    assert {"fresh" in files for files in left} == {"removed" in files for files in left} == {True, False}
    disk.take(Synced("fresh", with_folder=True))
    assert [disk.cut_power(Random(seed)) for seed in range(40)] == [{"fresh": b"data"}] * 40
