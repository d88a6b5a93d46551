"""What partners say they saw waits to be compared; of what fits the newest is kept, and all that differs."""

from dataclasses import replace

from agency_client.local_store.checkpoints import load_newest_checkpoint
from agency_client.local_store.engine import Store
from agency_client.local_store.sightings import (
    Sighting,
    SightingState,
    list_longest_ahead,
    list_newest_pending,
    list_sightings,
    record_sighting,
    settle_sighting,
)
from tests.agency_client.local_store.conftest import MINUTE, NOON

ORIGIN = "exchange.example/1"
SEEN = Sighting(ORIGIN, 20, "root-x", "VN-IMM", NOON, NOON + MINUTE)


def test_what_partners_saw_is_kept_apart_from_what_the_log_signed(store: Store) -> None:
    with store.write() as transaction:
        assert record_sighting(transaction, SEEN)
        assert not record_sighting(transaction, replace(SEEN, heard_at=NOON + 2 * MINUTE))
        assert record_sighting(transaction, replace(SEEN, seen_by="BE-IMM", size=30))
        found = list_sightings(transaction, ORIGIN)
        assert [(item.seen_by, item.size) for item in found] == [("BE-IMM", 30), ("VN-IMM", 20)]
        assert found[1] == SEEN
        assert load_newest_checkpoint(transaction, ORIGIN) is None


def test_of_each_partner_the_largest_claim_waits_with_every_root_it_claims(store: Store) -> None:
    with store.write() as transaction:
        for sighting in (SEEN, replace(SEEN, size=30), replace(SEEN, size=30, root="root-y")):
            record_sighting(transaction, sighting)
        record_sighting(transaction, replace(SEEN, seen_by="BE-IMM"))
        found = [(item.seen_by, item.size, item.root) for item in list_newest_pending(transaction, ORIGIN, 30)]
        assert found == [("BE-IMM", 20, "root-x"), ("VN-IMM", 30, "root-x"), ("VN-IMM", 30, "root-y")]


def test_claims_that_lie_ahead_hide_none_that_can_be_compared_and_wait_from_the_first_on(store: Store) -> None:
    claims = [replace(SEEN, size=size, heard_at=NOON + size * MINUTE) for size in (20, 31, 32)]
    with store.write() as transaction:
        for sighting in (*claims, replace(SEEN, seen_by="BE-IMM", origin="exchange.example/2", size=90)):
            record_sighting(transaction, sighting)
        due = [(item.seen_by, item.size) for item in list_newest_pending(transaction, ORIGIN, 30)]
        assert due == [("BE-IMM", 90), ("VN-IMM", 20)]
        assert list_longest_ahead(transaction, ORIGIN, 30) == [claims[1]]
        assert list_longest_ahead(transaction, ORIGIN, 32) == []


def test_smaller_claims_of_the_same_partner_go_but_what_differs_stays(store: Store) -> None:
    differing, largest = replace(SEEN, size=25), replace(SEEN, size=30)
    with store.write() as transaction:
        for sighting in (SEEN, differing, largest, replace(SEEN, seen_by="BE-IMM")):
            record_sighting(transaction, sighting)
        settle_sighting(transaction, differing, SightingState.DIFFERS)
        settle_sighting(transaction, largest, SightingState.FITS)
        left = [(item.seen_by, item.size, item.state.value) for item in list_sightings(transaction, ORIGIN)]
        assert left == [("VN-IMM", 30, "fits"), ("VN-IMM", 25, "differs"), ("BE-IMM", 20, "pending")]
        assert [item.seen_by for item in list_newest_pending(transaction, ORIGIN, 30)] == ["BE-IMM"]
