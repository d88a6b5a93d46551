"""The originator's decisions on what this agency holds, as they came here, ready to be shown with a copy."""

from dataclasses import dataclass
from datetime import datetime

from agency_client.errors import NotFoundError
from agency_client.local_store.inbox import load_by_digest
from agency_client.local_store.onward import list_decisions
from agency_client.node import Node
from agency_client.onward.held import HeldMessage, show_whole
from agency_client.reading.messages import ReadOwnMessage, read_message
from schemas.alerts.release_decision import ReleaseDecision
from schemas.envelope import DisclosedMessage, compute_envelope_digest


@dataclass(frozen=True, slots=True)
class HeldDecision:
    """One decision: what it says, and the originator's own signed message that says it."""

    decision: ReleaseDecision
    shown: DisclosedMessage
    decided_at: datetime

    @property
    def digest(self) -> str:
        """Return the digest of the originator's message."""
        return compute_envelope_digest(self.shown.payload_bytes)


def load_decisions(node: Node, held: HeldMessage, *, reason: str, case: str | None, verb: str) -> list[HeldDecision]:
    """Return every decision that came here about a held message, the newest first; reading them is on record."""
    original = held.original.message.digest
    with node.store.read() as snapshot:
        found = [load_by_digest(snapshot, digest) for digest in list_decisions(snapshot, original)]
    decisions = []
    for stored in found:
        try:
            read = read_message(node, stored.message_id, reason=reason, case=case, verb=verb)
        except NotFoundError:
            continue  # It was erased when its time was over: it allows nothing any more.
        assert not isinstance(read, ReadOwnMessage)  # noqa: S101 - it came from the inbox
        details = read.alert.details
        if isinstance(details, ReleaseDecision):
            decisions.append(HeldDecision(details, show_whole(stored, read.message), stored.issued_at))
    return decisions
