"""A receipt is recorded once, with every message it covers, in either direction."""

from agency_client.local_store.engine import Store
from agency_client.local_store.receipts import (
    Direction,
    ReceiptSubject,
    StoredReceipt,
    has_own_receipt,
    list_receipts,
    load_receipt,
    record_receipt,
)
from tests.agency_client.local_store.conftest import NOON, make_digest

BOTH = (ReceiptSubject(make_digest(1)), ReceiptSubject(make_digest(2), "not-covered"))
GIVEN = StoredReceipt(
    make_digest(50), Direction.OUT, "VN-IMM", "handed-over", b"signed", NOON, tuple(sorted(BOTH, key=str))
)


def test_one_receipt_covers_many_messages_and_counts_once(store: Store) -> None:
    with store.write() as transaction:
        assert record_receipt(transaction, GIVEN)
        assert not record_receipt(transaction, GIVEN)
        found = load_receipt(transaction, GIVEN.digest)
        assert found is not None
        assert set(found.subjects) == set(BOTH)
        assert [item.digest for item in list_receipts(transaction, make_digest(2))] == [GIVEN.digest]
        assert list_receipts(transaction, make_digest(3)) == []


def test_a_message_is_receipted_in_each_way_once(store: Store) -> None:
    received = StoredReceipt(make_digest(51), Direction.IN, "VN-IMM", "opened", b"signed", NOON, BOTH)
    with store.write() as transaction:
        record_receipt(transaction, GIVEN)
        record_receipt(transaction, received)
        assert has_own_receipt(transaction, make_digest(1), "handed-over")
        assert not has_own_receipt(transaction, make_digest(1), "opened"), "that one is the partner's"


def test_an_unknown_receipt_is_none(store: Store) -> None:
    with store.read() as snapshot:
        assert load_receipt(snapshot, make_digest(1)) is None
