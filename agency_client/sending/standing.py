"""Whether a message that waits in the outbox may still leave: its agreement may have changed since it was sealed."""

from dataclasses import dataclass
from datetime import datetime

from agency_client.epochs.handing_in import describe_missing
from agency_client.errors import NotFoundError
from agency_client.local_store.agreements import find_agreement_of_terms
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.inbox import load_by_digest
from agency_client.local_store.outbox import OutboxState, load_item
from agency_client.local_store.sent import Delivery, SentMessage, find_message_by_digest, list_deliveries
from agency_client.node import Node
from agency_client.sending.facts import load_shelf
from agency_client.sending.summary import read_summary
from agency_client.statuses.hidden import list_hidden_agreements
from schemas.agreements.lifecycle import AgreementView, State
from schemas.alerts import kind_of

REFERENCE_REFUSED = "reference-refused"
_UNDELIVERED = (OutboxState.QUEUED, OutboxState.IN_DOUBT)
_FINAL = frozenset({State.REVOKED, State.EXPIRED, State.WITHDRAWN, State.REJECTED})


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a sealed message does not leave now. `is_final`: it never will under this agreement."""

    code: str
    sentence: str
    is_final: bool


def find_obstacle(node: Node, snapshot: Snapshot, message: SentMessage) -> Obstacle | None:
    """Return what keeps a sealed message from leaving, by the agreement steps held here; None: nothing does.

    What follows another message up passes in every state, but never before that one. A superseded version is the
    broker's to judge.
    """
    if not node.read_own_key_set(snapshot).is_logged:
        return Obstacle("keys-not-published", "this agency's newest key set is not in the log yet", is_final=False)
    missing = _find_missing(node, snapshot, message)
    if missing is not None:
        return missing
    if kind_of(message.kind).is_aftercare:
        return _find_waiting_original(snapshot, message)
    if read_summary(message.summary).unchecked:
        return None
    shelf = load_shelf(node, snapshot)
    for delivery in list_deliveries(snapshot, message.message_id):
        view = shelf.find_view(delivery.agreement)
        obstacle = None if view is None else judge_standing(view) or _find_hidden_step(snapshot, delivery, view)
        if obstacle is not None:
            return obstacle
    return None


def _find_missing(node: Node, snapshot: Snapshot, message: SentMessage) -> Obstacle | None:
    """Return what a log that was begun anew does not show yet: until it does, a refusal would say nothing."""
    for delivery in list_deliveries(snapshot, message.message_id):
        agreement = find_agreement_of_terms(snapshot, delivery.agreement)
        sentence = describe_missing(node, snapshot, delivery.recipient, agreement)
        if sentence is not None:
            return Obstacle("log-incomplete", sentence, is_final=False)
    return None


def _find_hidden_step(snapshot: Snapshot, delivery: Delivery, view: AgreementView) -> Obstacle | None:
    if view.terms is None or view.terms.id not in list_hidden_agreements(snapshot, delivery.recipient):
        return None
    sentence = f"{delivery.recipient} has signed a step of the agreement that the exchange has not shown"
    return Obstacle("step-hidden", sentence, is_final=False)


def _find_waiting_original(snapshot: Snapshot, message: SentMessage) -> Obstacle | None:
    original = None if message.refers_to is None else find_message_by_digest(snapshot, message.refers_to)
    if original is None or load_item(snapshot, original.message_id).state not in _UNDELIVERED:
        return None
    sentence = f"the message {original.message_id} that it follows up has not reached the exchange yet"
    return Obstacle("original-waiting", sentence, is_final=False)


def is_original_older(snapshot: Snapshot, message: SentMessage, opened_at: datetime) -> bool:
    """Return whether a message follows one up that passed before the present log was opened, which may lack it.

    Whoever sent that one hands it in again as long as no receipt of it came; until then nothing is wrong with this one.
    """
    if message.refers_to is None:
        return False
    sent = find_message_by_digest(snapshot, message.refers_to)
    if sent is not None:
        return sent.created_at < opened_at
    try:
        return load_by_digest(snapshot, message.refers_to).received_at < opened_at
    except NotFoundError:
        return False


def judge_standing(view: AgreementView) -> Obstacle | None:
    """Decide for one version: suspended holds a message back, ended ends it."""
    if view.state is State.SUSPENDED:
        return Obstacle("agreement-suspended", f"the agreement is suspended: {view.because}", is_final=False)
    if view.state in _FINAL:
        sentence = f"the agreement is {view.state.value}: {view.because}"
        return Obstacle(f"agreement-{view.state.value}", sentence, is_final=True)
    return None
