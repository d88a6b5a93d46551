"""A message is stored as it came, moves forward only, and a made-up one keeps no true one out."""

from dataclasses import replace
from datetime import timedelta

import pytest

from agency_client.errors import ConflictError, NotFoundError
from agency_client.local_store.access_log import AccessNote
from agency_client.local_store.content import erase_content, keep_content
from agency_client.local_store.engine import Store, Transaction
from agency_client.local_store.inbox import (
    InboxFilter,
    InboxState,
    Opened,
    ReceivedMessage,
    find_origin,
    find_verified,
    list_messages,
    list_unfinished,
    load_by_digest,
    mark_answered,
    mark_opened,
    mark_read,
    mark_refused,
    mark_unverifiable,
    mark_verified,
    mark_withdrawn,
    record_received,
)
from agency_client.local_store.problems import Problem
from schemas.log.records import Action
from tests.agency_client.local_store.conftest import MINUTE, NOON, make_digest, make_id

FORGED = Problem("signature-refused", "the ML-DSA-65 signature does not verify")


def make_message(number: int, *, urgency: str = "routine", sender: str = "VN-IMM") -> ReceivedMessage:
    return ReceivedMessage(
        digest=make_digest(number),
        message_id=make_id(number),
        sender=sender,
        stream="AAAAAAAAAAAAAAAAAAAAAQ",
        n=number,
        agreement=make_digest(500),
        kind="confidential",
        marking="amber",
        urgency=urgency,
        issued_at=NOON,
        expires_at=NOON + timedelta(days=7),
        refers_to=None,
        envelope=b"whole envelope",
        evidence=b"payload and signatures",
        leaf=b"leaf",
        leaf_index=1000 - number,
        received_at=NOON + number * MINUTE,
        origin="exchange.example/1",
    )


def open_message(transaction: Transaction, number: int, *, reply_minutes: int | None = None, **members: str) -> None:
    record_received(transaction, make_message(number, **members))
    mark_verified(transaction, make_digest(number), at=NOON)
    keep_content(transaction, make_digest(number), b"M", key=bytes(32), nonce=bytes(12), at=NOON, retain_until=None)
    due = None if reply_minutes is None else NOON + reply_minutes * MINUTE
    opened = Opened("victim-safeguarding", make_id(900), due, b'{"subject":"specimen"}')
    mark_opened(transaction, make_digest(number), opened, at=NOON)


def test_a_message_is_stored_once_as_it_came(store: Store) -> None:
    with store.write() as transaction:
        assert record_received(transaction, make_message(1))
        assert not record_received(transaction, make_message(1))
        found = load_by_digest(transaction, make_digest(1))
    assert (found.state, found.envelope, found.problem) == (InboxState.NEW, b"whole envelope", None)


def test_opening_reveals_the_true_kind_and_drops_the_sealed_bytes(store: Store) -> None:
    with store.write() as transaction:
        open_message(transaction, 1, reply_minutes=60)
        found = load_by_digest(transaction, make_digest(1))
    assert (found.state, found.kind, found.envelope) == (InboxState.OPENED, "victim-safeguarding", None)
    assert (found.reply_due, found.thread) == (NOON + 60 * MINUTE, make_id(900))
    assert found.evidence == b"payload and signatures"


def test_nothing_is_marked_opened_unless_its_content_is_kept(store: Store) -> None:
    with store.write() as transaction:
        record_received(transaction, make_message(1))
        mark_verified(transaction, make_digest(1), at=NOON)
        with pytest.raises(ValueError, match="keep_content"):
            mark_opened(transaction, make_digest(1), Opened("x", "y", None, b""), at=NOON)
        assert load_by_digest(transaction, make_digest(1)).envelope == b"whole envelope"


def test_nothing_is_opened_that_was_not_verified(store: Store) -> None:
    with store.write() as transaction:
        record_received(transaction, make_message(1))
        keep_content(transaction, make_digest(1), b"M", key=bytes(32), nonce=bytes(12), at=NOON, retain_until=None)
        with pytest.raises(ConflictError, match="cannot become opened"):
            mark_opened(transaction, make_digest(1), Opened("x", "y", None, b""), at=NOON)


def test_what_does_not_prove_itself_is_set_aside_with_its_bytes(store: Store) -> None:
    with store.write() as transaction:
        record_received(transaction, make_message(1))
        mark_unverifiable(transaction, make_digest(1), FORGED)
        found = load_by_digest(transaction, make_digest(1))
        with pytest.raises(ConflictError, match="cannot become verified"):
            mark_verified(transaction, make_digest(1), at=NOON)
    assert (found.state, found.problem, found.envelope) == (InboxState.UNVERIFIABLE, FORGED, b"whole envelope")


def test_a_made_up_message_does_not_keep_the_true_one_with_its_id_out(store: Store) -> None:
    true = replace(make_message(2), message_id=make_id(1))
    with store.write() as transaction:
        record_received(transaction, make_message(1))
        record_received(transaction, true)
        mark_unverifiable(transaction, make_digest(1), FORGED)
        mark_verified(transaction, true.digest, at=NOON)
        assert find_verified(transaction, make_id(1)).digest == true.digest


def test_two_true_messages_never_share_an_id(store: Store) -> None:
    with store.write() as transaction:
        record_received(transaction, make_message(1))
        record_received(transaction, replace(make_message(2), message_id=make_id(1)))
        mark_verified(transaction, make_digest(1), at=NOON)
        with pytest.raises(ConflictError) as reused:
            mark_verified(transaction, make_digest(2), at=NOON)
    assert reused.value.code == "message-id-reused"


def test_a_refused_message_keeps_its_evidence_but_not_its_ciphertext(store: Store) -> None:
    with store.write() as transaction:
        record_received(transaction, make_message(1))
        mark_verified(transaction, make_digest(1), at=NOON)
        mark_refused(transaction, make_digest(1), Problem("purpose-not-covered", "the agreement names no such purpose"))
        found = load_by_digest(transaction, make_digest(1))
    assert (found.state, found.envelope, found.evidence) == (InboxState.REFUSED, None, b"payload and signatures")


def test_a_withdrawal_before_opening_ends_it_and_after_opening_marks_it(store: Store) -> None:
    with store.write() as transaction:
        record_received(transaction, make_message(1))
        open_message(transaction, 2)
        for number in (1, 2):
            mark_withdrawn(transaction, make_digest(number), at=NOON)
            mark_withdrawn(transaction, make_digest(number), at=NOON + MINUTE)
        early, late = (load_by_digest(transaction, make_digest(number)) for number in (1, 2))
    assert (early.state, early.envelope, early.withdrawn_at) == (InboxState.WITHDRAWN, None, NOON)
    assert (late.state, late.withdrawn_at) == (InboxState.OPENED, NOON)


def test_after_a_crash_the_unfinished_are_found_in_the_order_of_the_log(store: Store) -> None:
    with store.write() as transaction:
        for number in (1, 2, 3):
            record_received(transaction, make_message(number))
        mark_verified(transaction, make_digest(2), at=NOON)
        mark_unverifiable(transaction, make_digest(1), FORGED)
        assert list_unfinished(transaction) == [make_digest(3), make_digest(2)]
        assert list_unfinished(transaction, [InboxState.NEW]) == [make_digest(3)]


def test_the_inbox_lists_urgent_then_due_then_new(store: Store) -> None:
    with store.write() as transaction:
        open_message(transaction, 1)
        open_message(transaction, 2, reply_minutes=500)
        open_message(transaction, 3, reply_minutes=20)
        open_message(transaction, 4, urgency="threat-to-life")
        open_message(transaction, 5)
        record_received(transaction, make_message(6, urgency="threat-to-life"))
        found = [item.message_id for item in list_messages(transaction)]
        assert found == [make_id(number) for number in (4, 3, 2, 5, 1)]
        assert len(list_messages(transaction, limit=2)) == 2


def test_the_inbox_is_filtered(store: Store) -> None:
    with store.write() as transaction:
        open_message(transaction, 1, reply_minutes=10)
        open_message(transaction, 2, sender="BE-IMM")
        mark_read(transaction, make_digest(1), at=NOON)
        mark_read(transaction, make_digest(1), at=NOON + MINUTE)
        mark_answered(transaction, make_digest(2), at=NOON)
        cases = [
            (InboxFilter(unread=True), [2]),
            (InboxFilter(unanswered=True), [1]),
            (InboxFilter(sender="BE-IMM"), [2]),
            (InboxFilter(kind="document-fraud"), []),
            (InboxFilter(thread=make_id(900), due_before=NOON + 11 * MINUTE), [1]),
            (InboxFilter(since=NOON + 2 * MINUTE), [2]),
            (InboxFilter(states=(InboxState.REFUSED, InboxState.NEW)), []),
        ]
        for wanted, expected in cases:
            assert [item.n for item in list_messages(transaction, wanted)] == expected, wanted
        assert load_by_digest(transaction, make_digest(1)).read_at == NOON


def test_erasure_empties_what_lists_show(store: Store) -> None:
    note = AccessNote(NOON, "(retention)", Action.ERASURE, "erase", "retention ended")
    with store.write() as transaction:
        open_message(transaction, 1)
        erase_content(transaction, make_digest(1), note)
        found = load_by_digest(transaction, make_digest(1))
    assert (found.summary, found.erased_at, found.state) == (None, NOON, InboxState.OPENED)


def test_what_an_officer_types_must_fit_exactly_one(store: Store) -> None:
    with store.write() as transaction:
        open_message(transaction, 1)
        open_message(transaction, 12)
        assert find_verified(transaction, make_id(12)).n == 12
        with pytest.raises(ConflictError, match="several"):
            find_verified(transaction, "0000")
        for unknown in ("", "ffff", "_"):
            with pytest.raises(NotFoundError):
                find_verified(transaction, unknown)
        with pytest.raises(NotFoundError):
            load_by_digest(transaction, make_digest(99))


def test_only_what_was_never_judged_takes_the_leaf_of_a_later_log(store: Store) -> None:
    with store.write() as transaction:
        for number in (1, 2):
            record_received(transaction, make_message(number))
        mark_unverifiable(transaction, make_digest(2), FORGED)
        for number in (1, 2):
            later = replace(make_message(number), leaf=b"later leaf", leaf_index=2, origin="exchange.example/2")
            assert not record_received(transaction, later)
        fresh, judged = (load_by_digest(transaction, make_digest(number)) for number in (1, 2))
        assert find_origin(transaction, make_digest(3)) is None
    assert (fresh.leaf, fresh.leaf_index, fresh.origin) == (b"later leaf", 2, "exchange.example/2")
    assert (judged.leaf, judged.origin) == (b"leaf", "exchange.example/1")


def test_what_the_logs_say_one_after_the_other_is_taken_up_in_that_order(store: Store) -> None:
    with store.write() as transaction:
        record_received(transaction, replace(make_message(1), leaf_index=1, origin="exchange.example/10"))
        record_received(transaction, replace(make_message(2), leaf_index=2, origin="exchange.example/9"))
        record_received(transaction, replace(make_message(3), leaf_index=900, origin="exchange.example/9"))
        assert list_unfinished(transaction) == [make_digest(2), make_digest(3), make_digest(1)]
