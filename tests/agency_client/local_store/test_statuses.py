"""Own statuses form one chain a partner; a partner's second status with one number is a proof."""

from dataclasses import replace

import pytest

from agency_client.errors import ConflictError
from agency_client.local_store.contradictions import ContradictionKind, EquivocationError
from agency_client.local_store.engine import Store
from agency_client.local_store.statuses import (
    StoredStatus,
    find_last_leaf_time,
    list_due_statuses,
    list_status_partners,
    load_announced_revocations,
    load_newest_own_status,
    load_newest_partner_status,
    load_partner_status,
    next_status_place,
    note_own_status_logged,
    record_announced_revocations,
    record_own_status,
    record_partner_status,
    request_status,
)
from tests.agency_client.local_store.conftest import MINUTE, NOON, make_digest

FIRST = StoredStatus("VN-IMM", 1, make_digest(1), b"status 1", NOON, NOON)
SECOND = StoredStatus("VN-IMM", 2, make_digest(2), b"status 2", NOON + MINUTE, NOON + MINUTE)


def test_own_statuses_follow_each_other_and_settle_what_was_due(store: Store) -> None:
    with store.write() as transaction:
        assert next_status_place(transaction, "VN-IMM") == (1, None)
        request_status(transaction, "VN-IMM", reason="voided: refused", at=NOON)
        request_status(transaction, "VN-IMM", reason="suspended", at=NOON + MINUTE)
        assert [(due.partner, due.since, due.reason) for due in list_due_statuses(transaction)] == [
            ("VN-IMM", NOON, "voided: refused")
        ]
        record_own_status(transaction, FIRST)
        assert list_due_statuses(transaction) == []
        assert next_status_place(transaction, "VN-IMM") == (2, FIRST.digest)
        record_own_status(transaction, SECOND)
        assert load_newest_own_status(transaction, "VN-IMM") == SECOND
        assert load_newest_partner_status(transaction, "VN-IMM") is None


@pytest.mark.parametrize("status", [replace(FIRST, digest=make_digest(7)), replace(SECOND, seq=3)])
def test_an_own_status_never_repeats_or_skips_a_number(store: Store, status: StoredStatus) -> None:
    with store.write() as transaction:
        record_own_status(transaction, FIRST)
        with pytest.raises(ConflictError, match="not the next one"):
            record_own_status(transaction, status)


def test_a_partner_may_skip_numbers_this_node_never_fetched(store: Store) -> None:
    with store.write() as transaction:
        assert record_partner_status(transaction, SECOND)
        assert not record_partner_status(transaction, SECOND)
        assert load_newest_partner_status(transaction, "VN-IMM") == SECOND


def test_two_statuses_with_one_number_prove_that_a_node_was_copied(store: Store) -> None:
    with store.write() as transaction:
        record_partner_status(transaction, FIRST)
        with pytest.raises(EquivocationError) as proof:
            record_partner_status(transaction, replace(FIRST, digest=make_digest(9), document=b"another status 1"))
    assert proof.value.kind is ContradictionKind.STATUS
    assert proof.value.documents == (b"status 1", b"another status 1")


def test_a_status_that_came_as_a_file_gets_its_leaf_when_the_log_shows_it_and_the_earliest_stays(store: Store) -> None:
    with store.write() as transaction:
        record_partner_status(transaction, FIRST)
        assert find_last_leaf_time(transaction) is None
        for minutes in (5, 3, 9):
            record_partner_status(transaction, replace(FIRST, logged_at=NOON + minutes * MINUTE))
        assert load_partner_status(transaction, "VN-IMM", 1) == replace(FIRST, logged_at=NOON + 3 * MINUTE)
        assert find_last_leaf_time(transaction) == NOON + 3 * MINUTE
        assert list_status_partners(transaction) == ["VN-IMM"]


def test_an_own_status_is_marked_when_the_log_has_it(store: Store) -> None:
    with store.write() as transaction:
        record_own_status(transaction, FIRST)
        note_own_status_logged(transaction, FIRST.digest, at=NOON + MINUTE)
        assert load_newest_own_status(transaction, "VN-IMM") == replace(FIRST, logged_at=NOON + MINUTE)
        assert find_last_leaf_time(transaction) is None, "only what partners signed tells how late it is"


def test_what_was_called_revoked_once_stays_so(store: Store) -> None:
    with store.write() as transaction:
        record_announced_revocations(transaction, "VN-IMM", ["a", "b"], at=NOON)
        record_announced_revocations(transaction, "VN-IMM", ["b"], at=NOON + MINUTE)
        assert load_announced_revocations(transaction, "VN-IMM") == {"a", "b"}
        assert load_announced_revocations(transaction, "BE-IMM") == frozenset()
