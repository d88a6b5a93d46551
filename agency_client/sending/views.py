"""What was sent and where it stands, as lists and pages show it: from the store, and what the broker says if asked."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from agency_client.errors import ClientError
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
from agency_client.sending.summary import SentSummary, read_summary
from schemas.api import MESSAGES_PATH, LoggedRecord, MessageState, MessageStatesAnswer


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    """One recipient of a message: the agreement, every fact known, and the one that says how it stands (None: none)."""

    recipient: str
    agreement: str
    title: str
    facts: tuple[RecordedFact, ...]
    standing: RecordedFact | None


@dataclass(frozen=True, slots=True)
class SentLine:
    """One message that was sent: what it is, where it stands in the outbox, and each of its deliveries."""

    message: SentMessage
    summary: SentSummary
    item: OutboxItem
    deliveries: tuple[DeliveryLine, ...]

    @property
    def acceptance(self) -> LoggedRecord | None:
        """Return the broker's verified leaf of its acceptance."""
        return None if self.item.leaf is None else LoggedRecord.from_canonical(self.item.leaf)


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


def _describe_all(node: Node, snapshot: Snapshot, messages: Iterable[SentMessage]) -> list[SentLine]:
    shelf = load_shelf(node, snapshot)
    titles = {view.digest: view.terms.title for view in shelf.views if view.terms is not None}
    return [_describe(snapshot, message, titles) for message in messages]


def _describe(snapshot: Snapshot, message: SentMessage, titles: dict[str, str]) -> SentLine:
    deliveries = []
    for delivery in list_deliveries(snapshot, message.message_id):
        facts = tuple(list_facts(snapshot, message.message_id, delivery.recipient))
        title = titles.get(delivery.agreement, "")
        standing = compute_delivery_state(facts)
        deliveries.append(DeliveryLine(delivery.recipient, delivery.agreement, title, facts, standing))
    item = load_item(snapshot, message.message_id)
    return SentLine(message, read_summary(message.summary), item, tuple(deliveries))
