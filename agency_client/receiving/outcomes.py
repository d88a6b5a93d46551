"""What became of this agency's own messages, as leaves of the log say: held, released, returned, withdrawn, expired."""

from collections.abc import Sequence

from agency_client.epochs.places import compute_place
from agency_client.local_store.outbox import settle_delivery
from agency_client.local_store.sent import DeliveryFact, RecordedFact, find_message_by_digest, list_deliveries
from agency_client.local_store.suspicions import Suspicion, record_suspicion
from agency_client.node import Node
from agency_client.receiving.leasing import Leased, note_leased
from agency_client.witness.observer import LogError
from schemas.api import OutcomeItem
from schemas.log.records import RecordType

_FACTS: dict[RecordType, DeliveryFact] = {
    RecordType.MESSAGE_HELD: DeliveryFact.HELD,
    RecordType.MESSAGE_RELEASED: DeliveryFact.RELEASED,
    RecordType.MESSAGE_RETURNED: DeliveryFact.RETURNED,
    RecordType.MESSAGE_WITHDRAWN: DeliveryFact.WITHDRAWN,
    RecordType.MESSAGE_EXPIRED: DeliveryFact.EXPIRED,
}


def take_in_outcomes(node: Node, leased: Leased) -> tuple[int, list[Suspicion]]:
    """Record the outcomes of a lease; return how many, and what was not believed."""
    taken, suspicions = 0, []
    for item in leased.outcomes:
        suspicion = _take_in(node, leased, item)
        if suspicion is None:
            taken += 1
        else:
            suspicions.append(suspicion)
    return taken, suspicions


def _take_in(node: Node, leased: Leased, item: OutcomeItem) -> Suspicion | None:
    try:
        node.observer.verify_record(item.leaf, item.proof, leased.checkpoint)
    except LogError as error:
        return _suspect(node, leased, item, error.code, error.sentence)
    record = item.leaf.record
    fact, message = _FACTS.get(record.type), record.message
    if fact is None or message is None or record.agency != node.agency or record.partner is None:
        return _suspect(node, leased, item, "outcome-of-others", "it says nothing of a message sent from here")
    with node.store.write() as transaction:
        sent = find_message_by_digest(transaction, message.digest)
        recipients: Sequence[str] = ()
        if sent is not None and sent.message_id == message.id:
            recipients = [delivery.recipient for delivery in list_deliveries(transaction, sent.message_id)]
        if sent is not None and record.partner in recipients:
            reason = ", ".join(record.reasons or ())
            evidence = str(compute_place(node.sheet.origin, item.leaf.index))
            settle_delivery(
                transaction, sent.message_id, record.partner, RecordedFact(fact, record.time, reason, evidence)
            )
            note_leased(transaction, leased, item.number, item.type, message.digest)
            return None
    return _suspect(node, leased, item, "outcome-of-unknown", "no such message was sent from here to that agency")


def _suspect(node: Node, leased: Leased, item: OutcomeItem, code: str, sentence: str) -> Suspicion:
    record = item.leaf.record
    suspicion = Suspicion(
        node.sheet.origin,
        item.leaf.index,
        code,
        record.agency or "",
        f"outcome at leaf {item.leaf.index}, a {record.type.value} record: {sentence}",
        item.leaf.canonical(),
        node.clock.now(),
    )
    with node.store.write() as transaction:
        record_suspicion(transaction, suspicion)
        note_leased(transaction, leased, item.number, item.type, "")
    return suspicion
