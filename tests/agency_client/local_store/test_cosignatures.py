"""This agency never cosigns two trees of one size; a partner's head counts under the anchor it was verified under."""

from dataclasses import replace

import pytest

from agency_client.errors import ConflictError
from agency_client.local_store.cosignatures import (
    OwnCosignature,
    PartnerHead,
    drop_partner_head,
    list_partner_heads,
    load_own_cosignature,
    note_handed_in,
    record_own_cosignature,
    record_partner_head,
)
from agency_client.local_store.engine import Store
from agency_client.local_store.trust import pin_agency
from tests.agency_client.local_store.conftest import MINUTE, NOON

ORIGIN = "exchange.example/1"
OWN = OwnCosignature(ORIGIN, 20, "root-20", b"note 20", NOON)
HEAD = PartnerHead(ORIGIN, "VN-IMM", "anchor", "kid", 20, "root-20", b"note", NOON, NOON + MINUTE)


@pytest.mark.parametrize("size", [20, 19, 1])
def test_nothing_smaller_and_no_second_tree_of_one_size_is_cosigned(store: Store, size: int) -> None:
    with store.write() as transaction:
        record_own_cosignature(transaction, OWN)
        with pytest.raises(ConflictError) as refused:
            record_own_cosignature(transaction, replace(OWN, size=size, root="another"))
        assert refused.value.code == "cosigned-before"
        assert load_own_cosignature(transaction, ORIGIN) == OWN


def test_a_larger_one_takes_its_place_and_is_handed_in_by_itself(store: Store) -> None:
    later = replace(OWN, size=30, root="root-30")
    with store.write() as transaction:
        assert load_own_cosignature(transaction, ORIGIN) is None
        record_own_cosignature(transaction, OWN)
        record_own_cosignature(transaction, later)
        note_handed_in(transaction, OWN, at=NOON + MINUTE)
        assert load_own_cosignature(transaction, ORIGIN) == later
        note_handed_in(transaction, later, at=NOON + MINUTE)
        assert load_own_cosignature(transaction, ORIGIN) == replace(later, handed_in_at=NOON + MINUTE)


def test_of_a_partner_the_largest_head_is_kept(store: Store) -> None:
    with store.write() as transaction:
        pin_agency(transaction, "VN-IMM", "anchor", by="officer", at=NOON)
        assert record_partner_head(transaction, HEAD)
        assert not record_partner_head(transaction, HEAD)
        assert not record_partner_head(transaction, replace(HEAD, size=19))
        assert record_partner_head(transaction, replace(HEAD, size=21))
        assert [head.size for head in list_partner_heads(transaction, ORIGIN)] == [21]
        assert list_partner_heads(transaction, "exchange.example/2") == []
        drop_partner_head(transaction, ORIGIN, "VN-IMM")
        assert list_partner_heads(transaction, ORIGIN) == []


def test_a_head_counts_only_under_the_anchor_that_is_pinned(store: Store) -> None:
    with store.write() as transaction:
        record_partner_head(transaction, HEAD)
        assert list_partner_heads(transaction, ORIGIN) == []
        pin_agency(transaction, "VN-IMM", "anchor", by="officer", at=NOON)
        assert list_partner_heads(transaction, ORIGIN) == [HEAD]
        pin_agency(transaction, "VN-IMM", "another", by="officer", at=NOON, replacing=True)
        assert list_partner_heads(transaction, ORIGIN) == []
        record_partner_head(transaction, replace(HEAD, anchor="another", size=5))
        assert [head.size for head in list_partner_heads(transaction, ORIGIN)] == [5]
