"""What this agency sent: one row a message, one a recipient, and the facts that became known of each delivery.

Facts are only added. How a delivery stands is computed from them by `compute_delivery_state`, a pure function.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum

from agency_client.errors import ConflictError, NotFoundError
from agency_client.local_store.engine import Row, Snapshot, Transaction, read_moment
from agency_client.local_store.streams import StreamNumber


class DeliveryFact(StrEnum):
    """What became known of a delivery.

    The first group are the broker's leaves, the second the recipient's signed receipts.
    """

    TAKEN_BY_BROKER = "taken-by-broker"
    REFUSED_BY_BROKER = "refused-by-broker"
    CANCELLED = "cancelled"
    HELD = "held"
    RELEASED = "released"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"

    HANDED_OVER = "handed-over"
    VERIFIED = "verified"
    UNVERIFIABLE = "unverifiable"
    OPENED = "opened"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    ACTED = "acted"
    ANSWERED = "answered"
    ERASED = "erased"


ENDS = frozenset(
    {
        DeliveryFact.REFUSED_BY_BROKER,
        DeliveryFact.CANCELLED,
        DeliveryFact.RETURNED,
        DeliveryFact.WITHDRAWN,
        DeliveryFact.EXPIRED,
    }
)
"""Facts after which a message never arrives: its number is voided."""

_PROGRESS = (
    DeliveryFact.HANDED_OVER,
    DeliveryFact.UNVERIFIABLE,
    DeliveryFact.VERIFIED,
    DeliveryFact.OPENED,
    DeliveryFact.REFUSED,
    DeliveryFact.ACCEPTED,
    DeliveryFact.ACTED,
    DeliveryFact.ANSWERED,
    DeliveryFact.ERASED,
)
_HOLDING = frozenset({DeliveryFact.HELD, DeliveryFact.RELEASED})


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message this agency sealed. `evidence` is the envelope without its ciphertext; M itself is in `content`.

    `summary` is canonical JSON for lists (subject and the like), erased with M. `officer` wrote it; nobody outside
    learns who.
    """

    message_id: str
    digest: str
    thread: str
    kind: str
    marking: str
    urgency: str
    issued_at: datetime
    expires_at: datetime
    refers_to: str | None
    replaces: str | None
    evidence: bytes
    summary: bytes | None
    officer: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """One recipient of a sent message: under which agreement (its digest) and which number."""

    recipient: str
    agreement: str
    stream: str
    n: int

    @property
    def number(self) -> StreamNumber:
        """Return the place in the stream to this recipient."""
        return StreamNumber(self.recipient, self.stream, self.n)


@dataclass(frozen=True, slots=True)
class RecordedFact:
    """One fact of one delivery.

    `evidence` is the digest of the receipt, reply or record that says so ("" where none).
    """

    fact: DeliveryFact
    at: datetime
    reason: str = ""
    evidence: str = ""
    late: bool = False


def insert_message(transaction: Transaction, message: SentMessage, deliveries: Iterable[Delivery]) -> None:
    """Record a sealed message and its recipients. Only `outbox.enqueue_message` calls this."""
    transaction.insert("sent_message", asdict(message))
    for delivery in deliveries:
        transaction.insert("sent_delivery", {"message_id": message.message_id, **asdict(delivery)})


def load_message(snapshot: Snapshot, message_id: str) -> SentMessage:
    """Return a sent message by its id, or by the first characters of it when they fit one only.

    Raises:
        NotFoundError: none fits.
        ConflictError: several fit.
    """
    rows = snapshot.fetch_all(
        "SELECT * FROM sent_message WHERE substr(message_id, 1, ?) = ? LIMIT 2", len(message_id), message_id
    )
    if not rows or not message_id:
        raise NotFoundError(f"no message {message_id} was sent from here", fix="run: agency sent")
    if len(rows) > 1:
        raise ConflictError(f"several messages begin with {message_id}", fix="give more of the id", code="ambiguous-id")
    return _read_message(rows[0])


def find_message_by_digest(snapshot: Snapshot, digest: str) -> SentMessage | None:
    """Return the sent message whose envelope has this digest."""
    row = snapshot.fetch_one("SELECT * FROM sent_message WHERE digest = ?", digest)
    return None if row is None else _read_message(row)


def list_messages(snapshot: Snapshot, *, thread: str | None = None, limit: int = 200) -> list[SentMessage]:
    """Return what was sent, newest first."""
    rows = snapshot.fetch_all(
        "SELECT * FROM sent_message WHERE ?1 IS NULL OR thread = ?1 ORDER BY created_at DESC, message_id LIMIT ?2",
        thread,
        limit,
    )
    return [_read_message(row) for row in rows]


def list_deliveries(snapshot: Snapshot, message_id: str) -> list[Delivery]:
    """Return the recipients of a message."""
    rows = snapshot.fetch_all(
        "SELECT recipient, agreement, stream, n FROM sent_delivery WHERE message_id = ? ORDER BY recipient", message_id
    )
    return [Delivery(*row) for row in rows]


def record_fact(transaction: Transaction, message_id: str, recipient: str, fact: RecordedFact) -> bool:
    """Add what became known of a delivery; return whether it was new. A later positive after an end is marked late."""
    known = list_facts(transaction, message_id, recipient)
    late = fact.late or (fact.fact in _PROGRESS and any(item.fact in ENDS for item in known))
    row = {"message_id": message_id, "recipient": recipient, **asdict(fact), "late": late}
    return transaction.insert("delivery_fact", row, if_absent=True)


def list_facts(snapshot: Snapshot, message_id: str, recipient: str) -> list[RecordedFact]:
    """Return what is known of a delivery, in the order it became known."""
    rows = snapshot.fetch_all(
        "SELECT fact, at, reason, evidence, late FROM delivery_fact WHERE message_id = ? AND recipient = ? ORDER BY id",
        message_id,
        recipient,
    )
    return [
        RecordedFact(DeliveryFact(fact), read_moment(at), reason, evidence, bool(late))
        for fact, at, reason, evidence, late in rows
    ]


def compute_delivery_state(facts: Iterable[RecordedFact]) -> RecordedFact | None:
    """Return the fact that says how a delivery stands, given all in the order they became known; None: it waits here.

    What the recipient signed outweighs what the broker said; the furthest step counts. Without any, an end counts, then
    the newest of held and released, then that the broker took it.
    """
    known = list(facts)
    return (
        max((item for item in known if item.fact in _PROGRESS), key=_rank_progress, default=None)
        or next((item for item in known if item.fact in ENDS), None)
        or next((item for item in reversed(known) if item.fact in _HOLDING), None)
        or next(iter(known), None)
    )


def is_settled(facts: Iterable[RecordedFact]) -> bool:
    """Tell whether nothing more need be delivered: handed over by the recipient's own word, or ended."""
    return any(item.fact in ENDS or item.fact in _PROGRESS for item in facts)


def _rank_progress(item: RecordedFact) -> int:
    return _PROGRESS.index(item.fact)


def _read_message(row: Row) -> SentMessage:
    times = {name: read_moment(row[name]) for name in ("issued_at", "expires_at", "created_at")}
    return SentMessage(**{**dict(row), **times})
