"""Handing queued documents in: oldest first, bounded retries, and never a stuck queue behind another kind's."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agency_client.local_store.dispatch import DispatchKind, DispatchState, list_dispatches, queue_document
from agency_client.node import Node
from agency_client.own_keys.encryption import prepare_encryption_keys
from agency_client.own_keys.publishing import KEY_ROUTES
from agency_client.refusals import BusyError, NotSentError, RefusalDetails, RefusedError
from agency_client.syncing.submitting import next_attempt_after, submit_due, submit_queued
from schemas.api import Evidence
from schemas.codec import b64u_encode
from schemas.signed import DocumentType, SignedDocument
from tests.support.log_simulator import FixedClock, LogSimulator
from tests.support.members import START, derive_seed

TYPES = {"/key-sets": DocumentType.KEY_SET, "/encryption-keys": DocumentType.ENCRYPTION_KEYS}


class TakingLog(LogSimulator):
    """A log that takes key documents, unless a test says otherwise."""

    failure: Exception | None = None
    taken: list[str]

    def post(self, path: str, body: bytes, answer: type[Evidence], *, wait_seconds: float = 0) -> Evidence:
        """Log what is handed in."""
        if self.failure is not None:
            raise self.failure
        logged = self.append_document("GB", TYPES[path], SignedDocument.from_canonical(body))
        proof = tuple(b64u_encode(item) for item in self.tree.inclusion_proof(logged.index))
        return Evidence(leaf=logged, proof=proof, checkpoint=self.note())


@pytest.fixture
def log() -> TakingLog:
    return TakingLog()


def test_documents_go_in_the_order_they_were_queued(node: Node, log: TakingLog) -> None:
    digests = [prepare_encryption_keys(node) for _ in range(3)]
    assert submit_due(node, KEY_ROUTES).logged == digests
    assert submit_due(node, KEY_ROUTES).logged == []
    assert [logged.record.digest for _, logged in log.leaves] == digests
    assert submit_queued(node, digests[0], KEY_ROUTES) is None


def test_without_a_broker_the_first_failure_ends_the_round_and_all_wait(
    node: Node, log: TakingLog, clock: FixedClock
) -> None:
    digests = [prepare_encryption_keys(node) for _ in range(2)]
    log.failure = NotSentError("away")
    report = submit_due(node, KEY_ROUTES)
    assert (list(report.waiting), report.logged) == (digests[:1], [])
    with pytest.raises(NotSentError):
        report.raise_problem()
    log.failure = None
    assert submit_due(node, KEY_ROUTES).logged == digests[1:]
    clock.moment = START + timedelta(seconds=6)
    assert submit_due(node, KEY_ROUTES).logged == digests[:1]


def test_what_is_refused_is_kept_for_a_person_and_not_tried_again(node: Node, log: TakingLog) -> None:
    digest = prepare_encryption_keys(node)
    routes = {kind: replace(route, on_refused=None) for kind, route in KEY_ROUTES.items()}
    log.failure = RefusedError("no", RefusalDetails("encryption-keys-refused", 422, (), ""))
    assert list(submit_due(node, routes).refused) == [digest]
    log.failure = None
    assert submit_due(node, routes).logged == []
    with node.store.read() as snapshot:
        (refused,) = list_dispatches(snapshot, DispatchState.REFUSED)
    assert refused.problem is not None
    assert refused.problem.code == "encryption-keys-refused"


def test_many_documents_of_another_kind_do_not_stand_in_the_way(node: Node) -> None:
    with node.store.write() as transaction:
        for number in range(250):
            queue_document(
                transaction,
                digest=b64u_encode(derive_seed("receipt", number)),
                kind=DispatchKind.RECEIPT,
                body=b"{}",
                at=START,
            )
    digest = prepare_encryption_keys(node)
    assert submit_due(node, KEY_ROUTES).logged == [digest]


def test_an_answer_about_something_else_leaves_it_queued(node: Node, log: TakingLog) -> None:
    digest = prepare_encryption_keys(node)
    real: Any = log.post

    def answer_another(path: str, body: bytes, answer: type[Evidence], *, wait_seconds: float = 0) -> Evidence:
        log.append_private(1)
        evidence: Evidence = real(path, body, answer)
        proof = tuple(b64u_encode(item) for item in log.tree.inclusion_proof(0))
        return evidence.model_copy(update={"leaf": log.leaves[0][1], "proof": proof})

    log.post = answer_another  # type: ignore[method-assign]
    report = submit_due(node, KEY_ROUTES)
    assert (list(report.waiting), report.logged) == ([digest], [])


@pytest.mark.parametrize(("attempts", "seconds"), [(0, 5), (1, 10), (3, 40), (7, 600), (50, 600)])
def test_retries_double_up_to_ten_minutes(attempts: int, seconds: int) -> None:
    assert next_attempt_after(attempts, START, NotSentError("x")) == START + timedelta(seconds=seconds)


def test_a_busy_broker_says_when_to_come_back() -> None:
    busy = BusyError("later", code="busy", retry_after_seconds=90)
    assert next_attempt_after(0, START, busy) == START + timedelta(seconds=90)
    assert next_attempt_after(9, START, busy) == START + timedelta(seconds=600)
