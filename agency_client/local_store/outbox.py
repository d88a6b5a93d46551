"""The durable outbox: sealed envelopes until their recipients signed that they have them.

    queued ──begin_attempt──▶ in-doubt ──record_taken──▶ taken ──settle_delivery──▶ settled
      ▲                          │  └──record_refused──▶ refused
      └──record_not_arrived──────┘          (queued ──cancel_message──▶ cancelled)

An attempt is recorded before its bytes leave. After a crash, or an answer that never came, the message is in doubt, and
the sender asks the broker for its status before it submits the same bytes again. Sealed bytes are kept, unchanged,
until the recipients' own signed word and not merely the broker's; then they are dropped, the evidence stays in `sent`.

Nothing is sent here. Two processes may work on one outbox: each change is a transition that only one of them can make.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from agency_client.errors import ConflictError, NotFoundError
from agency_client.local_store.dispatch import LONGEST_PAUSE
from agency_client.local_store.engine import Columns, Row, Snapshot, Transaction, read_moment, spell_list
from agency_client.local_store.problems import Problem, read_problem
from agency_client.local_store.sent import (
    ENDS,
    Delivery,
    DeliveryFact,
    RecordedFact,
    SentMessage,
    insert_message,
    is_settled,
    list_deliveries,
    list_facts,
    record_fact,
)
from agency_client.local_store.streams import list_numbers, void_number


class OutboxState(StrEnum):
    """Where a sealed message stands on its way to the broker and to its recipients."""

    QUEUED = "queued"
    IN_DOUBT = "in-doubt"
    TAKEN = "taken"
    SETTLED = "settled"
    REFUSED = "refused"
    CANCELLED = "cancelled"


WAITING = (OutboxState.QUEUED, OutboxState.IN_DOUBT, OutboxState.TAKEN)
"""States in which the sealed bytes are kept."""

# By `_move` alone; `settle_delivery` and `requeue_taken` have rules of their own.
_MOVES: dict[OutboxState, frozenset[OutboxState]] = {
    OutboxState.QUEUED: frozenset({OutboxState.IN_DOUBT, OutboxState.TAKEN, OutboxState.CANCELLED}),
    OutboxState.IN_DOUBT: frozenset({OutboxState.QUEUED, OutboxState.TAKEN, OutboxState.REFUSED}),
    OutboxState.TAKEN: frozenset({OutboxState.TAKEN}),
    OutboxState.SETTLED: frozenset(),
    OutboxState.REFUSED: frozenset(),
    OutboxState.CANCELLED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """One message on its way.

    `envelope` is the sealed bytes, `leaf` the broker's verified evidence, each where present.
    """

    message_id: str
    envelope: bytes | None
    state: OutboxState
    attempts: int
    next_attempt_at: datetime
    problem: Problem | None
    leaf: bytes | None
    changed_at: datetime


def enqueue_message(
    transaction: Transaction, message: SentMessage, deliveries: Sequence[Delivery], envelope: bytes
) -> None:
    """Record a sealed message and queue it, in the transaction that allocated its numbers.

    Raises:
        ValueError: the deliveries are not exactly the numbers that were given out for this message.
    """
    if set(list_numbers(transaction, message.message_id)) != {delivery.number for delivery in deliveries}:
        raise ValueError("a sealed message carries exactly the stream numbers that were allocated for it")
    insert_message(transaction, message, deliveries)
    row: Columns = {"message_id": message.message_id, "envelope": envelope, "state": OutboxState.QUEUED, "attempts": 0}
    times: Columns = {"next_attempt_at": message.created_at, "changed_at": message.created_at}
    transaction.insert("outbox", {**row, **times, "problem_code": "", "problem": ""})


def list_due(snapshot: Snapshot, *, now: datetime, limit: int = 50) -> list[OutboxItem]:
    """Return what must be tried now, most urgent and oldest first: queued messages, and those too long in doubt.

    One whose next attempt lies further ahead than any pause was put off by a clock that has been set back since.
    """
    rows = snapshot.fetch_all(
        "SELECT outbox.* FROM outbox JOIN sent_message USING (message_id)"
        " WHERE state IN ('queued', 'in-doubt') AND (next_attempt_at <= ? OR next_attempt_at > ?)"
        " ORDER BY CASE urgency WHEN 'threat-to-life' THEN 0 WHEN 'urgent' THEN 1 ELSE 2 END, created_at, message_id"
        " LIMIT ?",
        now,
        now + LONGEST_PAUSE,
        limit,
    )
    return [_read_item(row) for row in rows]


def list_outbox(snapshot: Snapshot, *, states: Iterable[OutboxState] = WAITING) -> list[OutboxItem]:
    """Return the messages in these states, oldest first."""
    rows = snapshot.fetch_all(
        "SELECT outbox.* FROM outbox JOIN sent_message USING (message_id)"
        " WHERE state IN (SELECT value FROM json_each(?)) ORDER BY created_at, message_id",
        spell_list(states),
    )
    return [_read_item(row) for row in rows]


def load_item(snapshot: Snapshot, message_id: str) -> OutboxItem:
    """Return one message's place in the outbox.

    Raises:
        NotFoundError: it was never queued here.
    """
    row = snapshot.fetch_one("SELECT * FROM outbox WHERE message_id = ?", message_id)
    if row is None:
        raise NotFoundError(f"message {message_id} is not in the outbox", fix="run: agency outbox")
    return _read_item(row)


def begin_attempt(transaction: Transaction, message_id: str, *, at: datetime, in_doubt_until: datetime) -> bool:
    """Claim a queued message before its bytes leave; False: another process has claimed it.

    Until `in_doubt_until` nobody else touches it; afterwards its outcome counts as unknown and the broker is asked.
    """
    claimed = transaction.execute(
        "UPDATE outbox SET state = 'in-doubt', attempts = attempts + 1, next_attempt_at = ?, changed_at = ?"
        " WHERE message_id = ? AND state = 'queued'",
        in_doubt_until,
        at,
        message_id,
    )
    return claimed == 1


def record_not_arrived(
    transaction: Transaction, message_id: str, problem: Problem, *, at: datetime, next_attempt_at: datetime
) -> None:
    """Queue a message again: it certainly did not arrive, or the broker says it has none such."""
    _move(transaction, message_id, OutboxState.QUEUED, at=at)
    _note(transaction, message_id, problem, next_attempt_at)


def record_unanswered(
    transaction: Transaction, message_id: str, problem: Problem, *, next_attempt_at: datetime
) -> None:
    """Leave a message in doubt: neither its attempt nor the question about it was answered."""
    item = load_item(transaction, message_id)
    if item.state is OutboxState.IN_DOUBT:
        _note(transaction, message_id, problem, next_attempt_at)


def record_taken(transaction: Transaction, message_id: str, leaf: bytes, *, at: datetime) -> None:
    """Record the broker's verified 202. The sealed bytes stay until the recipients have signed. Twice is once.

    Raises:
        ConflictError: this node holds a refusal, or cancelled it: an alarm, since its number is voided.
    """
    if load_item(transaction, message_id).state is OutboxState.SETTLED:
        return
    _move(transaction, message_id, OutboxState.TAKEN, at=at)
    transaction.execute(
        "UPDATE outbox SET leaf = coalesce(leaf, ?), problem_code = '', problem = '' WHERE message_id = ?",
        leaf,
        message_id,
    )
    for delivery in list_deliveries(transaction, message_id):
        record_fact(transaction, message_id, delivery.recipient, RecordedFact(DeliveryFact.TAKEN_BY_BROKER, at))


def record_refused(transaction: Transaction, message_id: str, problem: Problem, *, at: datetime) -> None:
    """Record a definite refusal: the message will never be taken, its numbers are voided."""
    _move(transaction, message_id, OutboxState.REFUSED, at=at)
    _note(transaction, message_id, problem, at)
    _end_everywhere(transaction, message_id, RecordedFact(DeliveryFact.REFUSED_BY_BROKER, at, problem.code))


def cancel_message(transaction: Transaction, message_id: str, *, reason: str, at: datetime) -> None:
    """Take back a message that certainly has not arrived at the broker; its numbers are voided.

    Raises:
        ConflictError: it may have arrived; withdraw it instead.
    """
    _move(transaction, message_id, OutboxState.CANCELLED, at=at)
    _end_everywhere(transaction, message_id, RecordedFact(DeliveryFact.CANCELLED, at, reason))


def settle_delivery(transaction: Transaction, message_id: str, recipient: str, fact: RecordedFact) -> None:
    """Record what became of one delivery; when all are settled the sealed bytes are dropped.

    An end (returned, withdrawn, expired) voids the number, unless the recipient has signed that it has the message.
    """
    numbers = {number.partner: number for number in list_numbers(transaction, message_id)}
    if recipient not in numbers:
        raise NotFoundError(f"message {message_id} was not sent to {recipient}", code="not-a-recipient")
    reached = is_settled(list_facts(transaction, message_id, recipient))
    record_fact(transaction, message_id, recipient, fact)
    if fact.fact in ENDS and not reached:
        void_number(transaction, numbers[recipient], reason=fact.fact, at=fact.at)
    if all(is_settled(list_facts(transaction, message_id, partner)) for partner in numbers):
        _settle(transaction, message_id, at=fact.at)


def requeue_taken(transaction: Transaction, *, at: datetime) -> int:
    """Queue again what no recipient has signed for: the broker was restored and may have lost it. Return how many.

    The leaf of the acceptance that may be lost is kept aside, as the evidence that it was given.
    """
    return transaction.execute(
        "UPDATE outbox SET state = 'queued', next_attempt_at = ?1, changed_at = ?1,"
        " earlier_leaf = coalesce(earlier_leaf, leaf), leaf = NULL WHERE state = 'taken'",
        at,
    )


def retry_now(transaction: Transaction, *, at: datetime) -> int:
    """Make every message that waits after a problem due at once, as when the connection is back; return how many.

    One in doubt whose attempt goes on at this moment has no problem yet: it stays with whoever claimed it.
    """
    return transaction.execute(
        "UPDATE outbox SET next_attempt_at = ?1 WHERE next_attempt_at > ?1"
        " AND (state = 'queued' OR (state = 'in-doubt' AND problem_code <> ''))",
        at,
    )


def _settle(transaction: Transaction, message_id: str, *, at: datetime) -> None:
    # A receipt can come before the answer to the very submission, or after a refusal that a hostile broker made up.
    transaction.execute(
        "UPDATE outbox SET state = 'settled', envelope = NULL, changed_at = ?"
        " WHERE message_id = ? AND state NOT IN ('settled', 'cancelled', 'refused')",
        at,
        message_id,
    )


def _move(transaction: Transaction, message_id: str, target: OutboxState, *, at: datetime) -> None:
    present = load_item(transaction, message_id).state
    if target not in _MOVES[present]:
        raise ConflictError(
            f"message {message_id} is {present} and cannot become {target}", code=f"outbox-{present}-to-{target}"
        )
    keeps_bytes = target in WAITING
    transaction.execute(
        "UPDATE outbox SET state = ?, envelope = CASE WHEN ? THEN envelope END, changed_at = ? WHERE message_id = ?",
        target,
        keeps_bytes,
        at,
        message_id,
    )


def _note(transaction: Transaction, message_id: str, problem: Problem, next_attempt_at: datetime) -> None:
    transaction.execute(
        "UPDATE outbox SET problem_code = ?, problem = ?, next_attempt_at = ? WHERE message_id = ?",
        problem.code,
        problem.sentence,
        next_attempt_at,
        message_id,
    )


def _end_everywhere(transaction: Transaction, message_id: str, fact: RecordedFact) -> None:
    for number in list_numbers(transaction, message_id):
        record_fact(transaction, message_id, number.partner, fact)
        void_number(transaction, number, reason=fact.fact, at=fact.at)


def _read_item(row: Row) -> OutboxItem:
    return OutboxItem(
        message_id=row["message_id"],
        envelope=row["envelope"],
        state=OutboxState(row["state"]),
        attempts=row["attempts"],
        next_attempt_at=read_moment(row["next_attempt_at"]),
        problem=read_problem(row),
        leaf=row["leaf"],
        changed_at=read_moment(row["changed_at"]),
    )
