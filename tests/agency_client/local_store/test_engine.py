"""The store is unreadable without its key, commits wholly or not at all, and lets one process write at a time."""

import multiprocessing
import os
import stat
import threading
from pathlib import Path

import pytest

from agency_client.errors import NotFoundError
from agency_client.local_store.engine import Store, StoreBusyError, StoreKeyError, demand_store_file, spell_list
from agency_client.local_store.migrations import create_store, open_store
from agency_client.local_store.settings import Setting, read_setting, write_setting
from tests.agency_client.local_store.conftest import KEY


def test_nothing_in_the_files_is_readable_without_the_key(store: Store, tmp_path: Path) -> None:
    with store.write() as transaction:
        write_setting(transaction, Setting.AGENCY, "ERIKSSON-ANNA-MARIA")
    files = [path.read_bytes() for path in tmp_path.iterdir() if path.name.startswith("store.db")]
    assert len(files) >= 2, "the write-ahead log is there to be looked at"
    assert not any(b"ERIKSSON" in data or b"SQLite format" in data or b"CREATE TABLE" in data for data in files)


def test_another_key_opens_nothing(store: Store) -> None:
    store.close()
    with pytest.raises(StoreKeyError):
        open_store(store.path, bytes(32))


def test_a_key_of_another_length_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        create_store(tmp_path / "short.db", b"short")


def test_every_safety_setting_is_on(store: Store) -> None:
    with store.read() as snapshot:
        names = ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        found = {name: snapshot.fetch_value(f"PRAGMA {name}") for name in names}
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}


def test_the_files_belong_to_their_owner_alone(store: Store, tmp_path: Path) -> None:
    with store.write() as transaction:
        write_setting(transaction, Setting.AGENCY, "GB-IE")
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"store.db": 0o600, "store.db-wal": 0o600, "store.db-shm": 0o600}


def test_a_block_that_raises_leaves_nothing(store: Store) -> None:
    def write_and_be_interrupted() -> None:
        with store.write() as transaction:
            write_setting(transaction, Setting.AGENCY, "GB-IE")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_and_be_interrupted()
    with store.read() as snapshot:
        assert read_setting(snapshot, Setting.AGENCY) is None


def test_a_second_transaction_in_one_thread_is_a_mistake_and_is_told(store: Store) -> None:
    with store.write(), pytest.raises(RuntimeError, match="already open"), store.read():
        pass


def test_a_reader_keeps_its_view_while_another_thread_writes(store: Store) -> None:
    def write() -> None:
        with store.write() as transaction:
            write_setting(transaction, Setting.NODE, "n1")

    with store.read() as snapshot:
        assert read_setting(snapshot, Setting.NODE) is None
        writer = threading.Thread(target=write)
        writer.start()
        writer.join()
        assert read_setting(snapshot, Setting.NODE) is None
    with store.read() as snapshot:
        assert read_setting(snapshot, Setting.NODE) == "n1"


def test_a_writer_that_waits_too_long_gets_a_clear_error(store: Store) -> None:
    impatient = Store(store.path, KEY, busy_seconds=0.05)
    with store.write(), pytest.raises(StoreBusyError) as busy, impatient.write():
        pass
    impatient.close()
    assert busy.value.code == "store-busy"
    assert busy.value.fix


def count_up(path: str, key: bytes, times: int) -> None:
    """Add one to a number so many times, in a process of its own."""
    store = Store(Path(path), key)
    for _ in range(times):
        with store.write() as transaction:
            value = int(read_setting(transaction, Setting.NODE) or "0")
            write_setting(transaction, Setting.NODE, str(value + 1))
    store.close()


def test_processes_that_write_at_once_lose_no_change(store: Store) -> None:
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=count_up, args=(str(store.path), KEY, 50)) for _ in range(2)]
    for worker in workers:
        worker.start()
    count_up(str(store.path), KEY, 50)
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    with store.read() as snapshot:
        assert read_setting(snapshot, Setting.NODE) == "150"


def commit_and_die(path: str, key: bytes) -> None:
    """Commit one change, begin another, and end without closing anything, as a killed process does."""
    store = Store(Path(path), key)
    with store.write() as transaction:
        write_setting(transaction, Setting.AGENCY, "committed")
    with store.write() as transaction:
        write_setting(transaction, Setting.NODE, "never")
        os._exit(9)


def test_a_killed_process_loses_only_what_it_had_not_committed(store: Store) -> None:
    store.close()
    worker = multiprocessing.get_context("spawn").Process(target=commit_and_die, args=(str(store.path), KEY))
    worker.start()
    worker.join(60)
    assert worker.exitcode == 9
    with store.read() as snapshot:
        assert read_setting(snapshot, Setting.AGENCY) == "committed"
        assert read_setting(snapshot, Setting.NODE) is None


def test_a_copy_is_consistent_encrypted_and_private(store: Store, tmp_path: Path) -> None:
    with store.write() as transaction:
        write_setting(transaction, Setting.AGENCY, "GB-IE")
    copy = tmp_path / "copy.db"
    store.copy_to(copy)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert b"GB-IE" not in copy.read_bytes()
    copied = open_store(copy, KEY)
    with copied.read() as snapshot:
        assert read_setting(snapshot, Setting.AGENCY) == "GB-IE"
    copied.close()


def test_a_copy_never_overwrites(store: Store, tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"something")
    with pytest.raises(FileExistsError):
        store.copy_to(tmp_path / "there")


def test_the_write_ahead_log_can_be_emptied(store: Store) -> None:
    with store.write() as transaction:
        write_setting(transaction, Setting.AGENCY, "GB-IE")
    store.truncate_wal()
    assert store.path.with_name("store.db-wal").stat().st_size == 0


def test_a_missing_store_is_not_silently_made(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no store"):
        demand_store_file(tmp_path / "nowhere.db")


def test_a_moment_without_zone_is_refused(store: Store) -> None:
    from datetime import datetime

    with store.read() as snapshot, pytest.raises(ValueError, match="time zone"):
        snapshot.fetch_value("SELECT ?", datetime(2026, 11, 21))  # noqa: DTZ001 - the very mistake


def test_a_list_becomes_one_parameter(store: Store) -> None:
    with store.read() as snapshot:
        found = snapshot.fetch_all("SELECT value FROM json_each(?)", spell_list(["a'b", "ü"]))
    assert [row["value"] for row in found] == ["a'b", "ü"]
