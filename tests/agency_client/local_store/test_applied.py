"""Which clause a message came under stays on record, and so do the receipts it demands and what went beyond it."""

from datetime import date

from agency_client.local_store.applied import (
    AppliedClauseRow,
    count_received,
    is_receipt_required,
    keep_applied,
    list_applied,
    list_excesses,
    note_excess,
)
from agency_client.local_store.engine import Store
from agency_client.local_store.inbox import record_received
from agency_client.local_store.problems import Problem
from tests.agency_client.local_store.test_inbox import make_message

DAY = date(2026, 11, 21)
LEFT = AppliedClauseRow("-digest", "terms-a", 1, DAY, ("verified",))
RIGHT = AppliedClauseRow("-digest", "terms-b", 0, DAY, ("opened", "acted"))


def test_a_message_may_come_under_a_clause_of_each_version_and_what_was_written_first_stays(store: Store) -> None:
    with store.write() as transaction:
        for row in (RIGHT, LEFT, AppliedClauseRow("-digest", "terms-a", 7, DAY, ())):
            keep_applied(transaction, row)
    with store.read() as snapshot:
        assert list_applied(snapshot, "-digest") == [LEFT, RIGHT]
        assert list_applied(snapshot, "other") == []


def test_a_receipt_is_required_where_one_version_demands_it_and_where_no_clause_was_applied(store: Store) -> None:
    with store.write() as transaction:
        keep_applied(transaction, LEFT)
        assert not is_receipt_required(transaction, "-digest", "opened")
        keep_applied(transaction, RIGHT)
        assert is_receipt_required(transaction, "-digest", "opened")
        assert not is_receipt_required(transaction, "-digest", "erased")
        assert is_receipt_required(transaction, "other", "opened")


def test_a_quota_counts_what_came_from_one_sender_under_one_version_on_one_day(store: Store) -> None:
    with store.write() as transaction:
        received = [make_message(number) for number in range(1, 4)]
        for message in received:
            record_received(transaction, message)
        for message, agreement, day in zip(received, ("terms-a", "terms-a", "terms-b"), (20, 21, 21), strict=True):
            keep_applied(transaction, AppliedClauseRow(message.digest, agreement, 0, date(2026, 11, day), ()))
        keep_applied(transaction, AppliedClauseRow("sent from here", "terms-a", 0, DAY, ()))
        sender = received[0].sender
        assert count_received(transaction, sender, "terms-a", DAY) == 1
        assert count_received(transaction, "BE", "terms-a", DAY) == 0


def test_what_went_beyond_a_term_is_noted_once_for_each_code(store: Store) -> None:
    long, soon = Problem("retention-too-long", "thirty days"), Problem("reply-due-too-soon", "an hour")
    with store.write() as transaction:
        note_excess(transaction, "-digest", [soon, long])
        note_excess(transaction, "-digest", [Problem("reply-due-too-soon", "said otherwise")])
        assert list_excesses(transaction, "-digest") == [soon, long]
        assert list_excesses(transaction, "other") == []
