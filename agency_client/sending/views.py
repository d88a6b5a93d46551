"""What was sent and where it stands, as lists and pages show it: from the store, and what the broker says if asked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from agency_client.errors import ClientError
from agency_client.local_store.applied import list_applied
from agency_client.local_store.dispatch import Dispatch, DispatchState, list_dispatches
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.outbox import WAITING, OutboxItem, OutboxState, list_outbox, load_item
from agency_client.local_store.sent import (
    RecordedFact,
    SentMessage,
    compute_delivery_state,
    list_deliveries,
    list_facts,
    list_messages,
    load_message,
)
from agency_client.node import Node
from agency_client.sending.facts import load_shelf
from agency_client.sending.required_receipts import (
    Demands,
    MissingReceipt,
    find_answer_due,
    find_missing_receipts,
)
from agency_client.sending.summary import SentSummary, read_summary
from schemas.agreements.answering import find_due_minutes
from schemas.agreements.terms import Terms
from schemas.alerts import kind_of
from schemas.alerts.header_rules import choose_shown_kind
from schemas.api import MESSAGES_PATH, LoggedRecord, MessageState, MessageStatesAnswer
from schemas.markings import Urgency


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    """One recipient of a message: the agreement, every fact known, and the one that says how it stands (None: none).

    `missing` are the receipts that the agreement demands and that are not here; `answer_due`: by when it has to answer
    as agreed, None where nothing is due.
    """

    recipient: str
    agreement: str
    title: str
    facts: tuple[RecordedFact, ...]
    standing: RecordedFact | None
    missing: tuple[MissingReceipt, ...] = ()
    answer_due: datetime | None = None


@dataclass(frozen=True, slots=True)
class SentLine:
    """One message that was sent: what it is, where it stands in the outbox, and each of its deliveries."""

    message: SentMessage
    summary: SentSummary
    item: OutboxItem
    deliveries: tuple[DeliveryLine, ...]

    @property
    def shown_kind(self) -> str:
        """Return what lists show of its kind: of a confidential one no more than that."""
        return choose_shown_kind(self.message.kind)

    @property
    def acceptance(self) -> LoggedRecord | None:
        """Return the broker's verified leaf of its acceptance."""
        return None if self.item.leaf is None else LoggedRecord.from_canonical(self.item.leaf)


@dataclass(frozen=True, slots=True)
class LateDelivery:
    """What one recipient of a message is late with: receipts that were agreed, and an answer (`answer_due`)."""

    message_id: str
    recipient: str
    receipts: tuple[MissingReceipt, ...]
    answer_due: datetime | None


@dataclass(frozen=True, slots=True)
class BrokerWord:
    """What the broker says of one's own message when it is asked; its word, no proof. `problem`: why there is none."""

    states: tuple[MessageState, ...]
    asked_at: datetime
    problem: str = ""


def list_sent(node: Node, *, thread: str | None = None, limit: int = 50) -> list[SentLine]:
    """Return what was sent, newest first."""
    with node.store.read() as snapshot:
        return _describe_all(node, snapshot, list_messages(snapshot, thread=thread, limit=limit))


def list_waiting(node: Node, states: Iterable[OutboxState] = WAITING) -> list[SentLine]:
    """Return the messages in the outbox, oldest first."""
    with node.store.read() as snapshot:
        items = list_outbox(snapshot, states=states)
        return _describe_all(node, snapshot, [load_message(snapshot, item.message_id) for item in items])


def list_waiting_documents(node: Node) -> list[Dispatch]:
    """Return what else waits to be handed in: receipts, agreement steps, statuses, keys."""
    with node.store.read() as snapshot:
        return list_dispatches(snapshot, DispatchState.WAITING)


def describe_sent(node: Node, message_id: str) -> SentLine:
    """Return one message by its id, or by the first characters of it.

    Raises:
        NotFoundError, ConflictError: none fits, or several.
    """
    with node.store.read() as snapshot:
        return _describe_all(node, snapshot, [load_message(snapshot, message_id)])[0]


def ask_broker(node: Node, line: SentLine) -> BrokerWord:
    """Return what the broker says of a message now; not being able to ask is part of the answer."""
    now = node.clock.now()
    try:
        answer = node.connection.get(f"{MESSAGES_PATH}/{line.message.message_id}", MessageStatesAnswer)
        node.observer.observe(answer.checkpoint)
    except ClientError as error:
        return BrokerWord((), now, error.sentence)
    if answer.message.digest != line.message.digest:
        return BrokerWord((), now, "it says that another message stands under this id")
    return BrokerWord(answer.states, now)


def list_late(node: Node, *, limit: int = 1000) -> list[LateDelivery]:
    """Return what recipients of messages owe by the agreements and are late with, newest message first."""
    now = node.clock.now()
    with node.store.read() as snapshot:
        lines = _describe_all(node, snapshot, list_messages(snapshot, limit=limit))
    found = []
    for line in lines:
        for delivery in line.deliveries:
            late = tuple(item for item in delivery.missing if item.is_late(now))
            is_unanswered = delivery.answer_due is not None and delivery.answer_due < now
            if late or is_unanswered:
                due = delivery.answer_due if is_unanswered else None
                found.append(LateDelivery(line.message.message_id, delivery.recipient, late, due))
    return found


def _describe_all(node: Node, snapshot: Snapshot, messages: Iterable[SentMessage]) -> list[SentLine]:
    shelf, now = load_shelf(node, snapshot), node.clock.now()
    terms = {view.digest: view.terms for view in shelf.views if view.terms is not None}
    return [_describe(snapshot, message, terms, now) for message in messages]


def _describe(snapshot: Snapshot, message: SentMessage, terms: Mapping[str, Terms], now: datetime) -> SentLine:
    demands = _load_demands(snapshot, message, terms)
    deliveries = []
    for delivery in list_deliveries(snapshot, message.message_id):
        facts = tuple(list_facts(snapshot, message.message_id, delivery.recipient))
        line = DeliveryLine(
            recipient=delivery.recipient,
            agreement=delivery.agreement,
            title=terms[delivery.agreement].title if delivery.agreement in terms else "",
            facts=facts,
            standing=compute_delivery_state(facts),
            missing=tuple(find_missing_receipts(demands, facts, now)) if demands else (),
            answer_due=find_answer_due(demands, facts) if demands else None,
        )
        deliveries.append(line)
    item = load_item(snapshot, message.message_id)
    return SentLine(message, read_summary(message.summary), item, tuple(deliveries))


def _load_demands(snapshot: Snapshot, message: SentMessage, terms: Mapping[str, Terms]) -> Demands | None:
    """Return what the clause demands that a message was sent under; None for what came under none."""
    applied = [row for row in list_applied(snapshot, message.digest) if row.agreement in terms]
    if not applied:
        return None
    clause = terms[applied[0].agreement].clauses[applied[0].clause]
    kind = kind_of(message.kind)
    urgency = Urgency.from_code(message.urgency)
    minutes = None if kind.needs_refers_to else find_due_minutes(message.kind, clause, urgency)
    return Demands(applied[0].receipts, minutes, message.issued_at + timedelta(days=clause.retention_days))
