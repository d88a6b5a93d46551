"""Signed documents wait in order until they have gone, and none is queued twice."""

from agency_client.local_store.dispatch import (
    DispatchKind,
    DispatchState,
    drop_overtaken,
    list_dispatches,
    list_due_dispatches,
    load_dispatch,
    queue_again,
    queue_document,
    record_dispatch_failed,
    record_dispatch_refused,
    record_dispatched,
    replace_dispatch_body,
)
from agency_client.local_store.engine import Store
from agency_client.local_store.problems import Problem
from tests.agency_client.local_store.conftest import MINUTE, NOON, make_digest

OFFLINE = Problem("offline", "the broker was not reached")


def queue_three(store: Store) -> None:
    with store.write() as transaction:
        for number in (3, 1, 2):
            queue_document(
                transaction,
                digest=make_digest(number),
                kind=DispatchKind.AGREEMENT_STEP,
                body=f"step {number}".encode(),
                partner="VN-IMM",
                at=NOON,
            )


def test_documents_leave_in_the_order_they_were_queued(store: Store) -> None:
    queue_three(store)
    queue_three(store)
    with store.read() as snapshot:
        assert [item.body for item in list_due_dispatches(snapshot, now=NOON)] == [b"step 3", b"step 1", b"step 2"]


def test_a_failure_is_noted_and_tried_again_later(store: Store) -> None:
    queue_three(store)
    with store.write() as transaction:
        record_dispatch_failed(transaction, make_digest(3), OFFLINE, at=NOON, next_attempt_at=NOON + MINUTE)
        assert [item.body for item in list_due_dispatches(transaction, now=NOON)] == [b"step 1", b"step 2"]
        failed = list_due_dispatches(transaction, now=NOON + MINUTE)[0]
    assert (failed.problem, failed.attempts, failed.state) == (OFFLINE, 1, DispatchState.WAITING)


def test_what_a_later_document_has_overtaken_leaves_the_queue_and_nothing_else_does(store: Store) -> None:
    queue_three(store)
    with store.write() as transaction:
        record_dispatched(transaction, make_digest(3), at=NOON)
        for number, kind, partner in (
            (4, DispatchKind.STATUS, "VN-IMM"),
            (5, DispatchKind.AGREEMENT_STEP, "BE"),
            (6, DispatchKind.AGREEMENT_STEP, "VN-IMM"),
            (7, DispatchKind.AGREEMENT_STEP, "VN-IMM"),
        ):
            queue_document(
                transaction, digest=make_digest(number), kind=kind, body=b"document", partner=partner, at=NOON
            )
        drop_overtaken(transaction, make_digest(6))
        waiting = [item.digest for item in list_dispatches(transaction)]
        assert waiting == [make_digest(number) for number in (4, 5, 6, 7)]
        assert [item.digest for item in list_dispatches(transaction, DispatchState.DONE)] == [make_digest(3)]


def test_what_has_gone_leaves_no_body_and_never_comes_back(store: Store) -> None:
    queue_three(store)
    with store.write() as transaction:
        record_dispatched(transaction, make_digest(1), at=NOON)
        record_dispatch_failed(transaction, make_digest(1), OFFLINE, at=NOON, next_attempt_at=NOON)
        gone = load_dispatch(transaction, make_digest(1))
    assert gone is not None
    assert (gone.state, gone.body, gone.problem) == (DispatchState.DONE, b"", None)
    queue_three(store)
    with store.read() as snapshot:
        assert len(list_due_dispatches(snapshot, now=NOON)) == 2


def test_fresh_signatures_take_the_place_of_those_that_wait_and_are_due_at_once(store: Store) -> None:
    queue_three(store)
    with store.write() as transaction:
        record_dispatched(transaction, make_digest(1), at=NOON)
        record_dispatch_failed(transaction, make_digest(3), OFFLINE, at=NOON, next_attempt_at=NOON + 9 * MINUTE)
        for number in (1, 3):
            replace_dispatch_body(transaction, make_digest(number), b"signed again", at=NOON)
        assert [item.body for item in list_due_dispatches(transaction, now=NOON)] == [b"signed again", b"step 2"]
        gone = load_dispatch(transaction, make_digest(1))
    assert gone is not None
    assert gone.body == b""


def test_what_was_refused_waits_for_a_person(store: Store) -> None:
    queue_three(store)
    refused = Problem("signature-refused", "the signature does not verify")
    with store.write() as transaction:
        record_dispatch_refused(transaction, make_digest(2), refused, at=NOON)
        assert [item.problem for item in list_dispatches(transaction, DispatchState.REFUSED)] == [refused]
        assert len(list_dispatches(transaction)) == 2


def test_what_an_earlier_log_had_goes_again_in_its_old_place(store: Store) -> None:
    queue_three(store)
    step = DispatchKind.AGREEMENT_STEP
    with store.write() as transaction:
        for number in (3, 2):
            record_dispatched(transaction, make_digest(number), at=NOON)
        assert queue_again(transaction, digest=make_digest(2), kind=step, body=b"step 2", at=NOON)
        assert queue_again(transaction, digest=make_digest(3), kind=step, body=b"step 3", at=NOON)
        assert queue_again(transaction, digest=make_digest(1), kind=step, body=b"another body", at=NOON)
        assert queue_again(transaction, digest=make_digest(4), kind=step, body=b"by hand before", at=NOON)
        found = [item.body for item in list_due_dispatches(transaction, now=NOON)]
    assert found == [b"step 3", b"step 1", b"step 2", b"by hand before"]


def test_what_was_refused_goes_again_only_when_that_is_said(store: Store) -> None:
    queue_three(store)
    receipt = DispatchKind.RECEIPT
    with store.write() as transaction:
        record_dispatch_refused(transaction, make_digest(2), OFFLINE, at=NOON)
        assert not queue_again(transaction, digest=make_digest(2), kind=receipt, body=b"2", at=NOON)
        assert queue_again(transaction, digest=make_digest(2), kind=receipt, body=b"2", at=NOON, even_refused=True)
        assert len(list_dispatches(transaction)) == 3
