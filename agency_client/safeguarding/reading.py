"""What a safeguarding officer's session reads: contents of the compartment, and what waited sealed for it to come."""

from dataclasses import dataclass

from agency_client.local_store.compartment import find_referred, is_in_compartment, load_summary
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.inbox import InboxState, list_unfinished, load_by_digest
from agency_client.local_store.sent import find_message_by_digest, list_deliveries
from agency_client.node import Node
from agency_client.receiving.opening import Finding, process_message
from agency_client.receiving.verification import EVERYTHING
from agency_client.safeguarding.compartment import Compartment, Summary


@dataclass(frozen=True, slots=True)
class AboutPerson:
    """One message in the compartment about a pseudonym; `direction` is `in` or `out`, `partner` the other agency."""

    message_id: str
    direction: str
    partner: str
    summary: Summary


def find_content_key(node: Node, digest: str) -> bytes | None:
    """Return the key for a content that lies in the compartment, if this officer has it unlocked, else None."""
    with node.store.read() as snapshot:
        if not is_in_compartment(snapshot, digest):
            return None
    compartment = node.compartment
    return None if compartment is None else compartment.content_key


def open_waiting(node: Node) -> list[Finding]:
    """Take every message on that waits sealed, if this officer has the compartment unlocked; else do nothing."""
    if node.compartment is None:
        return []
    with node.store.read() as snapshot:
        waiting = list_unfinished(snapshot, (InboxState.SEALED,))
        waiting = [digest for digest in waiting if load_by_digest(snapshot, digest).envelope is not None]
    return [process_message(node, digest, EVERYTHING) for digest in waiting]


def read_summary(snapshot: Snapshot, compartment: Compartment | None, digest: str) -> Summary | None:
    """Return what lists show of a message in the compartment; None: it is not in there, or this is not unlocked."""
    sealed = None if compartment is None else load_summary(snapshot, digest)
    return None if sealed is None or compartment is None else compartment.open_summary(sealed)


def list_about(snapshot: Snapshot, compartment: Compartment, pseudonym: str) -> list[AboutPerson]:
    """Return everything in the compartment about a pseudonym, sent and received; what was erased is not in there."""
    return [
        found
        for digest in find_referred(snapshot, compartment.refer_to(pseudonym))
        if (found := _describe(snapshot, compartment, digest)) is not None
    ]


def _describe(snapshot: Snapshot, compartment: Compartment, digest: str) -> AboutPerson | None:
    summary = read_summary(snapshot, compartment, digest)
    if summary is None:
        return None
    sent = find_message_by_digest(snapshot, digest)
    if sent is not None:
        partners = ", ".join(item.recipient for item in list_deliveries(snapshot, sent.message_id))
        return AboutPerson(sent.message_id, "out", partners, summary)
    received = load_by_digest(snapshot, digest)
    return AboutPerson(received.message_id, "in", received.sender, summary)
