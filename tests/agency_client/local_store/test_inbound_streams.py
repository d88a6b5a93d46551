"""What a partner skipped is seen, with its age; what it voided is refused, or reported when it is here already."""

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agency_client.local_store.engine import Store
from agency_client.local_store.inbound_streams import (
    Gap,
    NumberVerdict,
    VoidedMessage,
    apply_announcement,
    count_claimants,
    find_gaps,
    find_newest_issue,
    has_voided_number,
    list_voided_messages,
    receive_number,
)
from agency_client.local_store.inbox import record_received
from tests.agency_client.local_store.conftest import MINUTE, NOON, make_digest, make_store
from tests.agency_client.local_store.test_inbox import make_message

STREAM = "AAAAAAAAAAAAAAAAAAAAAQ"


def receive(store: Store, n: int, *, at: datetime = NOON, digest: str = "") -> NumberVerdict:
    with store.write() as transaction:
        return receive_number(transaction, "VN-IMM", STREAM, n, digest=digest or make_digest(n), at=at)


def announce(store: Store, last: int, *voided: int, at: datetime = NOON) -> list[VoidedMessage]:
    with store.write() as transaction:
        return apply_announcement(transaction, "VN-IMM", STREAM, last=last, voided=voided, at=at)


def gaps(store: Store, sender: str | None = None) -> list[Gap]:
    with store.read() as snapshot:
        return find_gaps(snapshot, sender)


def test_a_number_that_was_passed_over_is_a_gap_since_the_later_one_came(store: Store) -> None:
    receive(store, 1)
    receive(store, 4, at=NOON + MINUTE)
    assert gaps(store) == [Gap("VN-IMM", STREAM, 2, 3, NOON + MINUTE)]
    receive(store, 2, at=NOON + 2 * MINUTE)
    assert gaps(store) == [Gap("VN-IMM", STREAM, 3, 3, NOON + MINUTE)]
    receive(store, 3, at=NOON + 3 * MINUTE)
    assert gaps(store) == []


def test_the_last_messages_withheld_are_a_gap_since_the_status_that_first_named_them(store: Store) -> None:
    receive(store, 1)
    announce(store, 3, at=NOON + MINUTE)
    announce(store, 5, at=NOON + 9 * MINUTE)
    announce(store, 2, at=NOON + 10 * MINUTE)
    assert gaps(store) == [Gap("VN-IMM", STREAM, 2, 5, NOON + MINUTE, is_tail=True)]
    for n in (2, 3, 4, 5):
        receive(store, n, at=NOON + 11 * MINUTE)
    announce(store, 6, at=NOON + 12 * MINUTE)
    assert gaps(store) == [Gap("VN-IMM", STREAM, 6, 6, NOON + 12 * MINUTE, is_tail=True)]


def test_a_stream_of_which_nothing_ever_came_is_all_gap(store: Store) -> None:
    announce(store, 2)
    assert gaps(store) == [Gap("VN-IMM", STREAM, 1, 2, NOON, is_tail=True)]
    assert gaps(store, "BE-IMM") == []


def test_a_voided_number_closes_its_gap_and_its_message_is_refused(store: Store) -> None:
    receive(store, 1)
    assert announce(store, 2, 2) == []
    assert gaps(store) == []
    assert receive(store, 2) is NumberVerdict.VOIDED
    assert receive(store, 2) is NumberVerdict.VOIDED, "asking does not change the answer"


def test_a_message_that_is_here_and_is_voided_since_is_reported_and_is_new_once(store: Store) -> None:
    receive(store, 1)
    assert announce(store, 1, 1) == [VoidedMessage(make_digest(1), 1, is_new=True)]
    assert announce(store, 1, 1) == [VoidedMessage(make_digest(1), 1, is_new=False)]
    with store.read() as snapshot:
        assert list_voided_messages(snapshot, "VN-IMM") == [VoidedMessage(make_digest(1), 1, is_new=False)]
        assert has_voided_number(snapshot, make_digest(1))
        assert not has_voided_number(snapshot, make_digest(2))


def test_a_number_used_twice_is_told_from_one_delivered_twice(store: Store) -> None:
    assert receive(store, 1) is NumberVerdict.NEW
    assert receive(store, 1) is NumberVerdict.REPEATED
    assert receive(store, 1, digest=make_digest(99)) is NumberVerdict.REUSED


def put_aside(store: Store, n: int, state: str) -> None:
    """Store a message of the stream that came to an end without being opened."""
    with store.write() as transaction:
        record_received(transaction, replace(make_message(n), stream=STREAM, received_at=NOON))
        transaction.execute("UPDATE inbox_message SET state = ? WHERE digest = ?", state, make_digest(n))


def test_what_was_verified_and_not_opened_is_no_gap(store: Store) -> None:
    put_aside(store, 1, "refused")
    put_aside(store, 2, "withdrawn")
    announce(store, 3, at=NOON + MINUTE)
    assert gaps(store) == [Gap("VN-IMM", STREAM, 3, 3, NOON + MINUTE, is_tail=True)]


@pytest.mark.parametrize("state", ["new", "unverifiable"])
def test_what_only_claims_a_number_does_not_close_its_gap(store: Store, state: str) -> None:
    put_aside(store, 1, state)
    receive(store, 2)
    (gap,) = gaps(store)
    assert (gap.first, gap.last) == (1, 1)
    with store.read() as snapshot:
        assert count_claimants(snapshot, gap) == 1


def test_when_a_partner_last_wrote_is_told_by_what_was_verified(store: Store) -> None:
    with store.read() as snapshot:
        assert find_newest_issue(snapshot, "VN-IMM") is None
    put_aside(store, 1, "unverifiable")
    with store.read() as snapshot:
        assert find_newest_issue(snapshot, "VN-IMM") is None
    put_aside(store, 2, "refused")
    with store.read() as snapshot:
        assert find_newest_issue(snapshot, "VN-IMM") == NOON


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Give one store that many examples empty and use again."""
    return make_store(tmp_path_factory.mktemp("gaps") / "store.db")


@settings(max_examples=60)
@given(
    received=st.sets(st.integers(1, 30)),
    voided=st.sets(st.integers(1, 30)),
    last=st.integers(0, 30),
    split=st.booleans(),
)
def test_gaps_are_exactly_the_numbers_nobody_accounted_for(
    shared_store: Store, received: set[int], voided: set[int], last: int, split: bool
) -> None:
    with shared_store.write() as transaction:
        transaction.execute("DELETE FROM inbound_number")
        transaction.execute("DELETE FROM inbound_stream")
    if split:
        announce(shared_store, last)
    for n in received:
        receive(shared_store, n)
    announce(shared_store, last, *voided)
    found = {n for gap in gaps(shared_store) for n in range(gap.first, gap.last + 1)}
    reach = max({last, *received, *voided}, default=0)
    assert found == set(range(1, reach + 1)) - received - voided
