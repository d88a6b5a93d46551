"""Copies that went on and copies that came here are known by their digests, whatever became of their content."""

from dataclasses import replace

import pytest

from agency_client.local_store.engine import DatabaseError, Store
from agency_client.local_store.onward import (
    CopyOrigin,
    OnwardCopy,
    find_asked_request,
    find_onward_copy,
    find_original_of_copy,
    link_requests,
    list_copies_of_original,
    list_linked_requests,
    list_onward_copies,
    record_onward_copy,
    record_origin,
    rename_copy,
)
from agency_client.onward.rules import RightKind
from schemas.envelope import Reference
from tests.agency_client.local_store.conftest import MINUTE, NOON, make_digest, make_id

FIRST = OnwardCopy(
    copy_digest=make_digest(11),
    copy_id=make_id(11),
    held_digest=make_digest(1),
    original_digest=make_digest(1),
    recipient="AL-BP",
    right_kind=RightKind.CONSENT,
    consent_digest=make_digest(5),
    passed_on_at=NOON,
)
SECOND = replace(
    FIRST,
    copy_digest=make_digest(12),
    copy_id=make_id(12),
    recipient="RS-BP",
    right_kind=RightKind.NAMED,
    consent_digest=None,
    passed_on_at=NOON + MINUTE,
)
ORIGIN = CopyOrigin(
    copy_digest=make_digest(21),
    original=Reference(id=make_id(2), digest=make_digest(2)),
    originator="VN-IMM",
    path=("VN-IMM", "BE-FP"),
    right_kind=RightKind.CONSENT,
    consent_digest=make_digest(6),
    recorded_at=NOON,
)


def test_every_copy_of_a_message_is_found_by_what_it_was_copied_from(store: Store) -> None:
    with store.write() as transaction:
        record_onward_copy(transaction, SECOND)
        record_onward_copy(transaction, FIRST)
        record_onward_copy(transaction, replace(FIRST, copy_digest=make_digest(13), held_digest=make_digest(3)))
    with store.read() as snapshot:
        assert list_onward_copies(snapshot, make_digest(1)) == [FIRST, SECOND]
        assert list_onward_copies(snapshot, make_digest(11)) == []
        assert find_onward_copy(snapshot, FIRST.copy_digest) == FIRST
        assert find_onward_copy(snapshot, make_digest(1)) is None
    assert FIRST.reference == Reference(id=make_id(11), digest=make_digest(11))


def test_a_copy_goes_on_once(store: Store) -> None:
    with store.write() as transaction:
        record_onward_copy(transaction, FIRST)
    with pytest.raises(DatabaseError), store.write() as transaction:
        record_onward_copy(transaction, FIRST)


def test_what_is_sealed_again_takes_the_place_of_what_was_refused(store: Store) -> None:
    before, after = FIRST.reference, Reference(id=make_id(14), digest=make_digest(14))
    with store.write() as transaction:
        record_onward_copy(transaction, FIRST)
        record_onward_copy(transaction, SECOND)
        link_requests(transaction, before.digest, make_digest(30))
        rename_copy(transaction, before, after)
    with store.read() as snapshot:
        renamed = replace(FIRST, copy_id=after.id, copy_digest=after.digest)
        assert list_onward_copies(snapshot, make_digest(1)) == [renamed, SECOND]
        assert list_linked_requests(snapshot) == [(after.digest, make_digest(30))]


def test_a_received_copy_leads_to_its_original_and_back(store: Store) -> None:
    other = replace(ORIGIN, copy_digest=make_digest(22), path=("VN-IMM", "AL-BP"), recorded_at=NOON + MINUTE)
    with store.write() as transaction:
        record_origin(transaction, other)
        record_origin(transaction, ORIGIN)
        record_origin(transaction, replace(ORIGIN, path=("VN-IMM", "RS-BP")))
    with store.read() as snapshot:
        assert find_original_of_copy(snapshot, ORIGIN.copy_digest) == ORIGIN
        assert find_original_of_copy(snapshot, ORIGIN.original.digest) is None
        assert list_copies_of_original(snapshot, ORIGIN.original.digest) == [ORIGIN, other]


def test_a_question_asked_for_a_partner_leads_back_to_the_partners_question(store: Store) -> None:
    with store.write() as transaction:
        link_requests(transaction, make_digest(31), make_digest(30))
    with store.read() as snapshot:
        assert find_asked_request(snapshot, make_digest(31)) == make_digest(30)
        assert find_asked_request(snapshot, make_digest(30)) is None
        assert list_linked_requests(snapshot) == [(make_digest(31), make_digest(30))]
