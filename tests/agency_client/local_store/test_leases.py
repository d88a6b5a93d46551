"""Only what is stored can be acknowledged."""

from dataclasses import replace

import pytest

from agency_client.local_store.engine import Store
from agency_client.local_store.leases import (
    LeaseItem,
    forget_ended_leases,
    forget_leases,
    list_unsettled,
    mark_settled,
    record_lease_item,
)
from tests.agency_client.local_store.conftest import MINUTE, NOON, make_digest, make_id

FIRST = LeaseItem(make_id(1), 4, "message", make_digest(1), NOON + 5 * MINUTE)
SECOND = LeaseItem(make_id(1), 5, "receipt", make_digest(2), NOON + 5 * MINUTE)
SOONER = LeaseItem(make_id(2), 6, "outcome", make_digest(3), NOON + MINUTE)


def test_what_was_not_committed_is_never_offered_for_acknowledgement(store: Store) -> None:
    def record_and_fail() -> None:
        with store.write() as transaction:
            record_lease_item(transaction, FIRST)
            raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        record_and_fail()
    with store.read() as snapshot:
        assert list_unsettled(snapshot) == {}


def test_items_are_settled_by_lease_the_one_that_ends_first_first(store: Store) -> None:
    with store.write() as transaction:
        for item in (FIRST, SECOND, SECOND, SOONER):
            record_lease_item(transaction, item)
        assert list(list_unsettled(transaction).items()) == [(make_id(2), [SOONER]), (make_id(1), [FIRST, SECOND])]
        mark_settled(transaction, make_id(1), [4], at=NOON)
        assert list_unsettled(transaction)[make_id(1)] == [SECOND]


def test_what_is_handed_over_again_under_its_lease_is_acknowledged_again(store: Store) -> None:
    later = replace(FIRST, leased_until=FIRST.leased_until + MINUTE)
    with store.write() as transaction:
        record_lease_item(transaction, FIRST)
        mark_settled(transaction, FIRST.lease, [FIRST.number], at=NOON)
        record_lease_item(transaction, later)
        assert list_unsettled(transaction) == {FIRST.lease: [later]}


def test_a_lease_that_ran_out_is_forgotten(store: Store) -> None:
    with store.write() as transaction:
        record_lease_item(transaction, FIRST)
        record_lease_item(transaction, SOONER)
        assert forget_ended_leases(transaction, now=NOON + 2 * MINUTE) == 1
        assert list(list_unsettled(transaction)) == [make_id(1)]


def test_when_the_exchange_begins_anew_nothing_leased_before_is_settled(store: Store) -> None:
    with store.write() as transaction:
        for item in (FIRST, SECOND, SOONER):
            record_lease_item(transaction, item)
        mark_settled(transaction, make_id(1), [FIRST.number], at=NOON)
        assert forget_leases(transaction) == 2
        assert list_unsettled(transaction) == {}
