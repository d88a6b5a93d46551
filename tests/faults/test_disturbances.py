"""A broker whose disk is full, whose clock jumps, or that stands still for longer than its clients wait: nothing lost.

It goes on by itself, and what clients were told meanwhile was a refusal that says to come again.
"""

from pathlib import Path

import pytest

from tests.faults.disturbances import fill_disk, fill_disk_under_upload, limit_files, pause, turn_clock, use_clock
from tests.faults.full_disk import small_disk
from tests.support.exchange import found, make_live_member, running_exchange

pytestmark = pytest.mark.long

GB, VN = "GB-HO", "VN-IMM"
DISK_BYTES = 32 << 20
UPLOAD_BYTES = 4 << 20
HOUR = 3600


def test_a_full_disk_refuses_and_loses_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", DISK_BYTES) as disk:
        if disk is None:
            pytest.skip("only root may mount a file system; the next test is for everybody")
        with running_exchange(disk.path, GB, VN, BILATERAL_BROKER_ATTACHMENTS__RESERVED_BYTES="0") as exchange:
            uploading = fill_disk_under_upload(exchange, disk, UPLOAD_BYTES)
            refusals = fill_disk(exchange, disk, times=2, seconds=0.5)
    assert uploading["507 storage-full"] > 0
    assert set(refusals) <= {"503 unavailable", "507 storage-full"}
    assert refusals.total() > 0


def test_files_that_cannot_grow_are_refused_and_lose_nothing(tmp_path: Path) -> None:
    with running_exchange(tmp_path, GB, VN) as exchange:
        refusals = limit_files(exchange, times=2, seconds=0.5)
    assert set(refusals) <= {"503 unavailable", "507 storage-full"}
    assert refusals.total() > 0


def test_a_broker_that_stands_still_goes_on_where_it_was(tmp_path: Path) -> None:
    with running_exchange(tmp_path, GB, VN) as exchange:
        refusals = pause(exchange, times=1, seconds=6)
    assert refusals["ReadTimeout"] > 0


def test_a_clock_that_jumps_forward_and_back_loses_nothing_and_its_log_never_goes_back(tmp_path: Path) -> None:
    exchange = found(tmp_path)
    use_clock(exchange, tmp_path / "offset")
    exchange.start()
    try:
        exchange.join(make_live_member(GB), make_live_member(VN))
        refusals = turn_clock(exchange, tmp_path / "offset", (HOUR, -HOUR), seconds=1)
    finally:
        exchange.stop()
    assert set(refusals) <= {
        "401 assertion-refused",
        "401 certificate-unknown",
        "401 token-refused",
        "409 lease-unknown",
    }
    assert refusals.total() > 0
