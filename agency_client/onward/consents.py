"""The originator's decisions on what this agency holds, as they came here, ready to be shown with a copy."""

from dataclasses import dataclass
from datetime import datetime

from agency_client.aftercare.rules import NOTHING_SAID, Standing
from agency_client.aftercare.standing import load_standing
from agency_client.errors import NotFoundError
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.inbox import load_by_digest
from agency_client.local_store.onward import list_decisions
from agency_client.node import Node
from agency_client.onward.held import HeldMessage, show_whole
from agency_client.reading.messages import NotShownError, ReadMessage, ReadOwnMessage, read_message
from schemas.alerts.kinds.release_decision import ReleaseDecision
from schemas.envelope import DisclosedMessage, compute_envelope_digest


@dataclass(frozen=True, slots=True)
class HeldDecision:
    """One decision: what it says, and the originator's own signed message that says it, as it came here.

    `standing` is what notices make of it.
    """

    decision: ReleaseDecision
    shown: DisclosedMessage
    decided_at: datetime
    held_digest: str
    standing: Standing = NOTHING_SAID

    @property
    def digest(self) -> str:
        """Return the digest of the originator's message."""
        return compute_envelope_digest(self.shown.payload_bytes)


def load_decisions(node: Node, held: HeldMessage, *, reason: str, case: str | None, verb: str) -> list[HeldDecision]:
    """Return every decision of the originator about a held message, the newest first; reading them is on record.

    One whose key the originator has given up since, from an earlier moment, counts for nothing; nor does one that it
    has corrected: who is shown a consent sees no correction of it.
    """
    original = held.original.message.digest
    with node.store.read() as snapshot:
        found = [load_by_digest(snapshot, digest) for digest in list_decisions(snapshot, original)]
    decisions = []
    for stored in found:
        try:
            read = read_message(node, stored.message_id, reason=reason, case=case, verb=verb)
        except (NotFoundError, NotShownError):
            continue  # It was erased when its time was over, or its author restricts it: it allows nothing any more.
        assert not isinstance(read, ReadOwnMessage)  # noqa: S101 - it came from the inbox
        details = read.alert.details
        if isinstance(details, ReleaseDecision) and _counts(read, held):
            decisions.append(
                HeldDecision(details, show_whole(stored, read.message), stored.issued_at, stored.digest, read.standing)
            )
    return decisions


def is_standing(snapshot: Snapshot, held: HeldMessage, decision: HeldDecision) -> bool:
    """Return whether a decision about a message stands as it was loaded: nothing was said of it since."""
    is_listed = decision.held_digest in list_decisions(snapshot, held.original.message.digest)
    return is_listed and load_standing(snapshot, decision.held_digest) == decision.standing


def _counts(read: ReadMessage, held: HeldMessage) -> bool:
    """Return whether a decision is the originator's own, stands as it was said, and by a key that was not given up."""
    if read.standing.is_withdrawn or read.standing.corrections:
        return False
    if read.origin is not None:
        return read.origin.originator == held.original.agency and not read.origin.is_disputed
    return read.stored.sender == held.original.agency and not read.provenance.is_disputed
