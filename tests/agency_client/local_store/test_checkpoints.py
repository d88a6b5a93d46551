"""A checkpoint enters only when it was compared with the newest one; a walk only goes forward."""

import pytest

from agency_client.errors import ConflictError
from agency_client.local_store.checkpoints import (
    LogWalk,
    SignedCheckpoint,
    load_checkpoint,
    load_checkpoint_within,
    load_newest_checkpoint,
    load_walk,
    record_checkpoint,
    save_walk,
)
from agency_client.local_store.engine import Store
from tests.agency_client.local_store.conftest import MINUTE, NOON

ORIGIN = "exchange.example/1"


def make_checkpoint(size: int) -> SignedCheckpoint:
    return SignedCheckpoint(ORIGIN, size, f"root-{size}", f"note {size}".encode(), NOON)


def test_the_newest_is_the_largest_and_the_same_again_is_known(store: Store) -> None:
    with store.write() as transaction:
        assert load_newest_checkpoint(transaction, ORIGIN) is None
        assert record_checkpoint(transaction, make_checkpoint(5), checked_against=None)
        assert record_checkpoint(transaction, make_checkpoint(9), checked_against=make_checkpoint(5))
        assert record_checkpoint(transaction, make_checkpoint(7), checked_against=make_checkpoint(9))
        assert not record_checkpoint(transaction, make_checkpoint(5), checked_against=None)
        assert load_newest_checkpoint(transaction, ORIGIN) == make_checkpoint(9)
        assert load_newest_checkpoint(transaction, "exchange.example/2") is None


def test_a_checkpoint_checked_against_one_that_is_no_longer_newest_is_refused(store: Store) -> None:
    with store.write() as transaction:
        record_checkpoint(transaction, make_checkpoint(5), checked_against=None)
        record_checkpoint(transaction, make_checkpoint(9), checked_against=make_checkpoint(5))
        with pytest.raises(ConflictError) as moved:
            record_checkpoint(transaction, make_checkpoint(12), checked_against=make_checkpoint(5))
    assert moved.value.code == "checkpoint-moved"


def test_one_is_found_by_its_size_or_as_the_largest_within_a_size(store: Store) -> None:
    with store.write() as transaction:
        record_checkpoint(transaction, make_checkpoint(5), checked_against=None)
        record_checkpoint(transaction, make_checkpoint(9), checked_against=make_checkpoint(5))
        assert load_checkpoint(transaction, ORIGIN, 5) == make_checkpoint(5)
        assert load_checkpoint(transaction, ORIGIN, 6) is None
        assert load_checkpoint_within(transaction, ORIGIN, 8) == make_checkpoint(5)
        assert load_checkpoint_within(transaction, ORIGIN, 9) == make_checkpoint(9)
        assert load_checkpoint_within(transaction, ORIGIN, 4) is None


def test_a_walk_goes_forward_only(store: Store) -> None:
    with store.write() as transaction:
        assert load_walk(transaction, ORIGIN) is None
        save_walk(transaction, LogWalk(ORIGIN, 10, b"frontier", NOON))
        later = LogWalk(ORIGIN, 20, b"frontier 2", NOON + MINUTE)
        save_walk(transaction, later)
        with pytest.raises(ValueError, match="cannot go back"):
            save_walk(transaction, LogWalk(ORIGIN, 19, b"", NOON))
        assert load_walk(transaction, ORIGIN) == later
