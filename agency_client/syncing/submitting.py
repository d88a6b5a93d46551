"""Hand in what waits in the dispatch queue and is answered with evidence: key documents and agreement steps.

Each document is queued in the transaction that records it. An attempt that was not answered is simply made again, since
the broker takes the same document twice as once. What follows a refusal is the caller's: a table says whose.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from agency_client.errors import ClientError, NotAuthenticatedError, OfflineError
from agency_client.local_store.dispatch import (
    Dispatch,
    DispatchKind,
    list_due_dispatches,
    load_dispatch,
    record_dispatch_failed,
    record_dispatch_refused,
    record_dispatched,
)
from agency_client.local_store.engine import Transaction
from agency_client.local_store.problems import Problem
from agency_client.node import Node
from agency_client.refusals import RefusedConflictError, RefusedError, find_retry_seconds
from agency_client.witness.evidence import accept_evidence
from schemas.api import Evidence, LoggedRecord
from schemas.log.records import RecordType

FIRST_RETRY_SECONDS = 5
LAST_RETRY_SECONDS = 600

OnLogged = Callable[[Transaction, Dispatch, LoggedRecord], None]
OnRefused = Callable[[Node, Dispatch, ClientError], None]
Describe = Callable[[Node, Dispatch], Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Route:
    """Where a kind of document goes, what its record must say, and what happens when it is logged or refused."""

    path: str
    record_type: RecordType
    describe: Describe
    on_logged: OnLogged
    on_refused: OnRefused | None = None


@dataclass(slots=True)
class SubmitReport:
    """What became of the documents that were due, by digest: those logged now, and why the others are not."""

    logged: list[str] = field(default_factory=list)
    waiting: dict[str, ClientError] = field(default_factory=dict)
    refused: dict[str, ClientError] = field(default_factory=dict)

    def raise_problem(self) -> None:
        """Raise the first error of all, if there was one: for a verb whose whole point was to hand in.

        Raises:
            ClientError: what kept a document back.
        """
        for error in (*self.refused.values(), *self.waiting.values()):
            raise error


def submit_due(node: Node, routes: Mapping[DispatchKind, Route]) -> SubmitReport:
    """Hand in every due document of these kinds, oldest first; stop at the first that shows the broker is away.

    What a refusal brings into the queue (a step signed anew) is handed in as well.
    """
    report, tried = SubmitReport(), set[str]()
    while (item := _find_next(node, routes, tried)) is not None:
        tried.add(item.digest)
        try:
            submit_document(node, item, routes[item.kind])
        except (RefusedError, RefusedConflictError) as error:
            report.refused[item.digest] = error
        except ClientError as error:
            report.waiting[item.digest] = error
            if isinstance(error, OfflineError | NotAuthenticatedError):
                break
        else:
            report.logged.append(item.digest)
    return report


def _find_next(node: Node, routes: Mapping[DispatchKind, Route], tried: set[str]) -> Dispatch | None:
    with node.store.read() as snapshot:
        due = list_due_dispatches(snapshot, now=node.clock.now(), limit=len(tried) + 1, kinds=routes)
    return next((item for item in due if item.digest not in tried), None)


def submit_queued(node: Node, digest: str, routes: Mapping[DispatchKind, Route]) -> LoggedRecord | None:
    """Hand in one document just queued and return its leaf; None when it had gone before.

    Raises:
        OfflineError: it stays queued.
        RefusedError, RefusedConflictError: the broker will not take it.
        LogError: the broker's evidence does not hold; it stays queued.
    """
    with node.store.read() as snapshot:
        item = load_dispatch(snapshot, digest)
    if item is None or not item.body:
        return None
    return submit_document(node, item, routes[item.kind])


def submit_document(node: Node, item: Dispatch, route: Route) -> LoggedRecord:
    """Hand in one document, verify the evidence, and note what became of it.

    Raises:
        as `submit_queued`.
    """
    try:
        evidence = node.connection.post(route.path, item.body, Evidence)
    except (RefusedError, RefusedConflictError) as error:
        _note_refused(node, item, route, error)
        raise
    except ClientError as error:
        _note_failed(node, item, error)
        raise
    try:
        leaf = accept_evidence(node.observer, evidence, route.record_type, route.describe(node, item))
    except ClientError as error:
        _note_failed(node, item, error)  # The document was taken: whatever is refused here is a question about proofs.
        raise
    with node.store.write() as transaction:
        route.on_logged(transaction, item, leaf)
        record_dispatched(transaction, item.digest, at=node.clock.now())
    return leaf


def next_attempt_after(attempts: int, now: datetime, error: ClientError) -> datetime:
    """Return when to try again: doubling from 5 seconds to 10 minutes, or when the broker asked to come back."""
    seconds = min(FIRST_RETRY_SECONDS << min(attempts, 16), LAST_RETRY_SECONDS)
    return now + timedelta(seconds=max(seconds, find_retry_seconds(error)))


def _note_failed(node: Node, item: Dispatch, error: ClientError) -> None:
    now = node.clock.now()
    with node.store.write() as transaction:
        record_dispatch_failed(
            transaction,
            item.digest,
            Problem(error.code, error.sentence),
            at=now,
            next_attempt_at=next_attempt_after(item.attempts, now, error),
        )


def _note_refused(node: Node, item: Dispatch, route: Route, error: ClientError) -> None:
    if route.on_refused is not None:
        route.on_refused(node, item, error)
        return
    with node.store.write() as transaction:
        record_dispatch_refused(transaction, item.digest, Problem(error.code, error.sentence), at=node.clock.now())
