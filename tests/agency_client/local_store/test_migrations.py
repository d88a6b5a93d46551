"""The schema moves forward in whole steps, once each, and never meets a store from the future."""

from pathlib import Path

import pytest

from agency_client.errors import NotFoundError
from agency_client.local_store.engine import APPLICATION_ID, Columns, DatabaseError, Store, StoreNewerError
from agency_client.local_store.migrations import STEPS, create_store, migrate_store, open_store
from agency_client.local_store.trust import list_exchanges
from tests.agency_client.local_store.conftest import KEY, NOON


def read_version(store: Store) -> int:
    with store.read() as snapshot:
        version: int = snapshot.fetch_value("PRAGMA user_version")
    return version


def test_a_new_store_has_every_step(store: Store) -> None:
    assert read_version(store) == len(STEPS)
    with store.read() as snapshot:
        assert snapshot.fetch_value("PRAGMA application_id") == APPLICATION_ID
        assert not snapshot.fetch_all("PRAGMA foreign_key_check")


def test_opening_again_runs_nothing_twice(store: Store) -> None:
    store.close()
    open_store(store.path, KEY).close()
    assert read_version(store) == len(STEPS)


def test_a_later_step_runs_once_and_keeps_what_is_there(store: Store) -> None:
    steps = (*STEPS, ("CREATE TABLE later (x TEXT) STRICT", "INSERT INTO later VALUES ('once')"))
    migrate_store(store, steps)
    migrate_store(store, steps)
    with store.read() as snapshot:
        assert [row["x"] for row in snapshot.fetch_all("SELECT x FROM later")] == ["once"]
    assert read_version(store) == len(STEPS) + 1


def test_a_step_that_fails_leaves_the_store_as_it_was(store: Store) -> None:
    with pytest.raises(DatabaseError, match="syntax error"):
        migrate_store(store, (*STEPS, ("CREATE TABLE later (x TEXT) STRICT", "not sql")))
    assert read_version(store) == len(STEPS)
    with store.read() as snapshot:
        assert snapshot.fetch_one("SELECT 1 FROM sqlite_master WHERE name = 'later'") is None


def test_a_store_from_a_later_version_is_refused_untouched(store: Store) -> None:
    migrate_store(store, (*STEPS, ("CREATE TABLE later (x TEXT) STRICT",)))
    store.close()
    with pytest.raises(StoreNewerError) as refused:
        open_store(store.path, KEY)
    assert "later" in refused.value.fix
    assert read_version(store) == len(STEPS) + 1


def test_a_new_store_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(b"something")
    with pytest.raises(FileExistsError):
        create_store(path, KEY)
    assert path.read_bytes() == b"something"


def test_opening_what_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        open_store(tmp_path / "store.db", KEY)
    assert not (tmp_path / "store.db").exists()


def test_what_a_store_of_one_log_holds_stands_in_that_log(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.touch(0o600)
    store = Store(path, KEY)
    migrate_store(store, STEPS[:4])
    with store.write() as transaction:
        sheet: Columns = {"origin": "exchange.example/1", "name": "exchange.example", "anchor": "a", "sheet": b"s"}
        transaction.insert("exchange_sheet", {**sheet, "accepted_at": NOON, "accepted_by": "a.eriksson"})
        document: Columns = {"agency": "GB", "type": "bilateral-key-set", "document": b"d", "verified_at": NOON}
        for seq, leaf in ((1, b"leaf"), (2, None)):
            transaction.insert("key_document", {**document, "digest": f"d{seq}", "seq": seq, "leaf": leaf})
    migrate_store(store)
    with store.read() as snapshot:
        rows = snapshot.fetch_all("SELECT origin, shown_in FROM key_document ORDER BY seq")
        (log,) = list_exchanges(snapshot)
    assert [tuple(row) for row in rows] == [("exchange.example/1", "exchange.example/1"), (None, None)]
    assert (log.opened_at, log.opening) == (None, None)
    store.close()
