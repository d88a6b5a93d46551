"""Hand in own steps, and decide what follows when the broker does not take one.

Refused although it narrows: kept in its very words and tried again, for the broker may refuse but not undo; where the
key changed, that signs the same words. Refused because it waited too long or the key changed: signed anew. Refused
otherwise: taken back, with what the broker said as the reason.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from agency_client.agreements.chains import parse_step, read_step
from agency_client.agreements.renewing import sign_same_words
from agency_client.agreements.signing import sign_anew, take_back
from agency_client.errors import ClientError
from agency_client.local_store.agreements import add_step_leaf, load_chains
from agency_client.local_store.dispatch import Dispatch, DispatchKind, record_dispatch_failed
from agency_client.local_store.engine import Snapshot, Transaction
from agency_client.local_store.problems import Problem
from agency_client.local_store.statuses import request_status
from agency_client.local_store.trust import load_origin
from agency_client.node import Node
from agency_client.syncing.submitting import Route, SubmitReport, next_attempt_after, submit_due, submit_queued
from schemas.agreements.steps import NARROWING_ACTIONS, ChainedStep, Step
from schemas.api import STEPS_PATH, LoggedRecord
from schemas.log.records import RecordType
from schemas.signed import SignedDocument

STALE_AFTER = timedelta(minutes=4)
"""The broker takes a step that widens up to 5 minutes from its own time."""

_KEY_PROBLEMS = frozenset({"key-revoked", "key-set-not-current", "key-set-refused", "signature-refused"})
_OUTDATED = _KEY_PROBLEMS | {"wrong-time"}
_OUT_OF_STEP = frozenset({"chain-conflict"})


def submit_step(node: Node, digest: str) -> LoggedRecord | None:
    """Hand in a step just signed and return its leaf.

    Raises:
        OfflineError: it stays queued; `agency sync` hands it in.
        RefusedError, RefusedConflictError: the broker did not take it; see above for what follows.
        LogError, EquivocationError: the broker's evidence does not hold.
    """
    return submit_queued(node, digest, STEP_ROUTES)


def submit_due_steps(node: Node) -> SubmitReport:
    """Hand in every step that is due, in the order they were signed."""
    return submit_due(node, STEP_ROUTES)


def _describe(node: Node, item: Dispatch) -> Mapping[str, object]:
    step = _read(item).step
    return {
        "agency": node.agency,
        "partner": item.partner,
        "agreement": step.agreement,
        "digest": item.digest,
        "step": step.action.value,
    }


def _note_logged(transaction: Transaction, item: Dispatch, leaf: LoggedRecord) -> None:
    add_step_leaf(transaction, item.digest, leaf.canonical(), load_origin(transaction))
    step = _read(item).step
    if step.action in NARROWING_ACTIONS:
        reason = f"{step.action.value} of agreement {step.agreement}"
        request_status(transaction, item.partner, reason=reason, at=leaf.record.time)


def _note_refused(node: Node, item: Dispatch, error: ClientError) -> None:
    step, now = _read(item).step, node.clock.now()
    problem = Problem(error.code, error.sentence)
    with node.store.write() as transaction:
        if _was_logged(transaction, item.digest):
            # A log that has ended had it: nothing takes it back, and signed anew it would be a second step.
            again = next_attempt_after(item.attempts, now, error)
            record_dispatch_failed(transaction, item.digest, problem, at=now, next_attempt_at=again)
        elif step.action in NARROWING_ACTIONS:
            if error.code in _KEY_PROBLEMS and sign_same_words(node, transaction, item, now):
                return
            again = next_attempt_after(item.attempts, now, error)
            record_dispatch_failed(transaction, item.digest, problem, at=now, next_attempt_at=again)
        elif error.code in _OUTDATED and abs(_find_next_time(node, transaction, step, now) - step.time) > STALE_AFTER:
            sign_anew(node, transaction, item.digest, problem)
        elif error.code in _OUT_OF_STEP or error.code in _OUTDATED:
            again = next_attempt_after(item.attempts, now, error)
            record_dispatch_failed(transaction, item.digest, problem, at=now, next_attempt_at=again)
        else:
            take_back(node, transaction, item.digest, problem)


def _find_next_time(node: Node, snapshot: Snapshot, step: Step, now: datetime) -> datetime:
    """Return what time a step would bear if it were signed now: not before the one that it follows."""
    chain = load_chains(snapshot, step.agreement).get(node.agency, [])
    before = [read_step(item).step.time for item in chain if item.party_seq < step.party_seq]
    return max([now, *before])


def _was_logged(snapshot: Snapshot, digest: str) -> bool:
    found = snapshot.fetch_one("SELECT 1 FROM agreement_step WHERE digest = ? AND leaf IS NOT NULL", digest)
    return found is not None


def _read(item: Dispatch) -> ChainedStep:
    return parse_step(SignedDocument.from_canonical(item.body))


STEP_ROUTES: dict[DispatchKind, Route] = {
    DispatchKind.AGREEMENT_STEP: Route(STEPS_PATH, RecordType.AGREEMENT_STEP, _describe, _note_logged, _note_refused)
}
"""Where steps are handed in (`agency_client.syncing.submitting`)."""
