"""A gap that was told of is remembered until it closes; one that shrinks keeps the moment it was told."""

from agency_client.local_store.engine import Store
from agency_client.local_store.inbound_streams import Gap
from agency_client.local_store.told_gaps import ToldGap, list_told_gaps, replace_told_gaps
from tests.agency_client.local_store.conftest import MINUTE, NOON

STREAM = "AAAAAAAAAAAAAAAAAAAAAQ"
WIDE = Gap("VN-IMM", STREAM, 2, 5, NOON)
NARROW = Gap("VN-IMM", STREAM, 4, 5, NOON)
OTHER = Gap("BE-IMM", STREAM, 4, 5, NOON)


def test_what_shrank_keeps_its_moment_and_what_is_gone_is_forgotten(store: Store) -> None:
    with store.write() as transaction:
        replace_told_gaps(transaction, [WIDE], at=NOON)
        replace_told_gaps(transaction, [NARROW, OTHER], at=NOON + MINUTE)
        assert list_told_gaps(transaction) == [
            ToldGap("VN-IMM", STREAM, 4, 5, NOON),
            ToldGap("BE-IMM", STREAM, 4, 5, NOON + MINUTE),
        ]
        replace_told_gaps(transaction, [], at=NOON + 2 * MINUTE)
        assert list_told_gaps(transaction) == []


def test_only_the_same_stream_of_the_same_sender_overlaps() -> None:
    told = ToldGap("VN-IMM", STREAM, 2, 3, NOON)
    assert told.overlaps(WIDE)
    assert not told.overlaps(NARROW), "other numbers"
    assert not told.overlaps(Gap("BE-IMM", STREAM, 2, 3, NOON)), "another sender"
