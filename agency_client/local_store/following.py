"""What follows a message up, by the digest of that message: between whom it passed, how often more was said of it."""

from dataclasses import dataclass

from agency_client.local_store.engine import Snapshot


@dataclass(frozen=True, slots=True)
class Passage:
    """A message as its row names it: between whom, under which version (its digest), and which one it refers to."""

    sender: str
    recipient: str
    agreement: str
    refers_to: str | None


def find_passage(snapshot: Snapshot, agency: str, digest: str) -> Passage | None:
    """Return between whom a message passed that this agency sent or received; None: it is not here."""
    sent = snapshot.fetch_one(
        "SELECT recipient, agreement, refers_to FROM sent_message JOIN sent_delivery USING (message_id)"
        " WHERE digest = ?",
        digest,
    )
    if sent is not None:
        return Passage(agency, *sent)
    received = snapshot.fetch_one("SELECT sender, agreement, refers_to FROM inbox_message WHERE digest = ?", digest)
    return None if received is None else Passage(received[0], agency, received[1], received[2])


def count_sent_about(snapshot: Snapshot, digest: str, kind: str, recipient: str) -> int:
    """Return how many messages of a kind about a message were sealed here for an agency and not refused."""
    count: int = snapshot.fetch_value(
        "SELECT count(*) FROM sent_message JOIN sent_delivery USING (message_id) JOIN outbox USING (message_id)"
        " WHERE refers_to = ? AND kind = ? AND recipient = ? AND state NOT IN ('refused', 'cancelled')",
        digest,
        kind,
        recipient,
    )
    return count


def count_received_about(snapshot: Snapshot, digest: str, kind: str, sender: str) -> int:
    """Return how many messages of a kind about a message came from an agency and were opened here."""
    count: int = snapshot.fetch_value(
        "SELECT count(*) FROM inbox_message WHERE refers_to = ? AND kind = ? AND sender = ? AND state = 'opened'",
        digest,
        kind,
        sender,
    )
    return count
