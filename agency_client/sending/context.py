"""What an answer or a notice takes over from the message that it follows, or from the rows that outlive it."""

from dataclasses import dataclass
from typing import Any

from agency_client.aftercare.covering import load_covering_clauses
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.inbox import InboxMessage
from agency_client.local_store.sent import SentMessage
from agency_client.node import Node
from keys.generation import generate_id
from schemas.alerts.base import Alert
from schemas.markings import HandlingCode, Pap, Tlp, Urgency

Wire = dict[str, Any]

_STRICT = (HandlingCode.H1, HandlingCode.H2)


@dataclass(frozen=True, slots=True)
class Context:
    """What an answer takes over from the message that it follows: thread, permissions, handling, marking, urgency."""

    thread: str
    pap: str
    handling: Wire
    marking: Tlp
    urgency: Urgency
    own_reference: str | None = None
    urgency_reason: str | None = None


def describe_erased(node: Node, snapshot: Snapshot, original: InboxMessage | SentMessage) -> Context:
    """Return what an answer or a notice takes over from a message that was erased here: the strictest there is.

    With the message went the handling it had, so all codes are taken that its clause knows and that limit a use.
    """
    clauses = load_covering_clauses(snapshot, node.agency, original.digest)
    known = clauses[0].handling if clauses else _STRICT
    codes = [code.value for code in _STRICT if code in known] or [HandlingCode.H0.value]
    marking = Tlp.from_code(original.marking)
    return Context(original.thread or generate_id(), Pap.AMBER.value, {"codes": codes}, marking, Urgency.ROUTINE)


def describe_context(original: Alert, marking: Tlp, urgency: Urgency) -> Context:
    """Return what an answer takes over from the message that it follows."""
    wire = original.to_wire()
    return Context(
        original.thread,
        wire["pap"],
        wire["handling"],
        marking,
        urgency,
        wire.get("own_reference"),
        wire.get("urgency_reason"),
    )
