"""A reader is told what a message asks beyond the agreement, and which receipts the agreement demands of an officer."""

from datetime import UTC, date, datetime

import pytest

from agency_client.local_store.applied import AppliedClauseRow, keep_applied, note_excess
from agency_client.local_store.engine import Store, Transaction
from agency_client.local_store.problems import Problem
from agency_client.local_store.receipts import Direction, ReceiptSubject, StoredReceipt, record_receipt
from agency_client.reading.terms import NO_TERMS, AppliedTerms, read_applied_terms
from schemas.receipts import ReceiptType
from tests.agency_client.local_store.conftest import store as store  # noqa: PLC0414 - a fixture of another folder

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LONG = Problem("retention-too-long", "thirty days were agreed")


@pytest.mark.parametrize(
    ("demanded", "owed"),
    [
        (("handed-over", "verified", "opened", "erased"), ()),
        (("acted", "opened"), (ReceiptType.ACTED,)),
        (("acted", "accepted"), (ReceiptType.ACCEPTED, ReceiptType.ACTED)),
    ],
)
def test_an_officer_owes_what_no_node_signs_by_itself(
    store: Store, demanded: tuple[str, ...], owed: tuple[ReceiptType, ...]
) -> None:
    with store.write() as transaction:
        keep_applied(transaction, AppliedClauseRow("-digest", "terms", 0, date(2026, 11, 21), demanded))
        assert read_applied_terms(transaction, "-digest") == AppliedTerms((), owed)
        sign(transaction, "acted")
        assert ReceiptType.ACTED not in read_applied_terms(transaction, "-digest").owed


def sign(transaction: Transaction, receipt_type: str) -> None:
    """Record that this agency has signed a receipt."""
    receipt = StoredReceipt("digest", Direction.OUT, "VN", receipt_type, b"{}", NOON, (ReceiptSubject("-digest"),))
    record_receipt(transaction, receipt)


def test_what_goes_beyond_the_agreement_is_told(store: Store) -> None:
    with store.write() as transaction:
        note_excess(transaction, "-digest", [LONG])
        assert read_applied_terms(transaction, "-digest") == AppliedTerms((LONG,), ())
        assert read_applied_terms(transaction, "other") == NO_TERMS
