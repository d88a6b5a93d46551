"""Numbers have no gaps, belong to a message, and are never given out twice."""

import pytest

from agency_client.local_store.engine import DatabaseError, Store
from agency_client.local_store.outbox import cancel_message, record_taken
from agency_client.local_store.statuses import list_due_statuses
from agency_client.local_store.streams import (
    StreamState,
    allocate_number,
    close_streams,
    list_numbers,
    list_partners,
    list_stream_states,
    void_number,
)
from schemas.codec import b64u_encode
from tests.agency_client.local_store.conftest import MINUTE, NOON, enqueue, make_id, name_streams

FIRST_STREAM = b64u_encode((1).to_bytes(16))


def test_each_partner_has_a_stream_of_its_own_without_gaps(store: Store) -> None:
    make_stream = name_streams()
    with store.write() as transaction:
        for number in (1, 2, 3):
            enqueue(transaction, number, make_stream=make_stream)
        shared = enqueue(transaction, 4, partners=("BE-IMM", "VN-IMM"), make_stream=make_stream)
        assert list_partners(transaction) == ["BE-IMM", "VN-IMM"]
        assert [(item.recipient, item.n) for item in shared] == [("BE-IMM", 1), ("VN-IMM", 4)]


def test_a_status_goes_as_far_as_the_exchange_took_and_no_further(store: Store) -> None:
    make_stream = name_streams()
    with store.write() as transaction:
        for number in (1, 2, 3):
            enqueue(transaction, number, make_stream=make_stream)
        assert list_stream_states(transaction, "VN-IMM") == [StreamState(FIRST_STREAM, 0, ())]
        record_taken(transaction, make_id(2), b"leaf", at=NOON)
        assert list_stream_states(transaction, "VN-IMM") == [StreamState(FIRST_STREAM, 2, ())]
        cancel_message(transaction, make_id(3), reason="wrong desk", at=NOON)
        assert list_stream_states(transaction, "VN-IMM") == [StreamState(FIRST_STREAM, 3, (3,))]


def test_a_rollback_takes_the_number_back(store: Store) -> None:
    make_stream = name_streams()
    with store.write() as transaction:
        enqueue(transaction, 1, make_stream=make_stream)

    def allocate_and_fail() -> None:
        with store.write() as transaction:
            allocate_number(transaction, "VN-IMM", make_id(2), make_stream=make_stream, at=NOON)
            raise RuntimeError("sealing failed")

    with pytest.raises(RuntimeError, match="sealing failed"):
        allocate_and_fail()
    with store.write() as transaction:
        assert [item.n for item in enqueue(transaction, 3, make_stream=make_stream)] == [2]


def test_no_commit_passes_with_a_number_that_has_no_message(store: Store) -> None:
    with pytest.raises(DatabaseError, match="FOREIGN KEY"), store.write() as transaction:
        allocate_number(transaction, "VN-IMM", make_id(1), make_stream=name_streams(), at=NOON)
    with store.read() as snapshot:
        assert list_numbers(snapshot, make_id(1)) == []
        assert list_partners(snapshot) == []


def test_one_message_never_gets_two_numbers_in_one_stream(store: Store) -> None:
    make_stream = name_streams()
    with store.write() as transaction:
        enqueue(transaction, 1, make_stream=make_stream)
        with pytest.raises(DatabaseError, match="UNIQUE"):
            allocate_number(transaction, "VN-IMM", make_id(1), make_stream=make_stream, at=NOON)


def test_a_voided_number_is_announced_once_and_makes_a_status_due(store: Store) -> None:
    make_stream = name_streams()
    with store.write() as transaction:
        for number in (1, 2):
            enqueue(transaction, number, make_stream=make_stream)
        void_number(transaction, list_numbers(transaction, make_id(1))[0], reason="refused", at=NOON)
        void_number(transaction, list_numbers(transaction, make_id(1))[0], reason="expired", at=NOON + MINUTE)
        assert list_stream_states(transaction, "VN-IMM") == [StreamState(FIRST_STREAM, 1, (1,))]
        assert [(due.partner, due.reason) for due in list_due_statuses(transaction)] == [("VN-IMM", "voided: refused")]


def test_a_restored_node_opens_new_streams_and_still_accounts_for_the_old(store: Store) -> None:
    make_stream = name_streams()
    with store.write() as transaction:
        enqueue(transaction, 1, make_stream=make_stream)
        assert close_streams(transaction, at=NOON) == 1
        after = enqueue(transaction, 2, make_stream=make_stream, at=NOON + MINUTE)
        assert after[0].n == 1
        assert after[0].stream != FIRST_STREAM
        record_taken(transaction, make_id(2), b"leaf", at=NOON + MINUTE)
        assert [state.last for state in list_stream_states(transaction, "VN-IMM")] == [0, 1]
