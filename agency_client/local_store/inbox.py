"""Messages received: the sealed bytes and the broker's evidence as they came, and what this node has made of them.

    new ──▶ verified ──▶ opened            (content is in `content`, encrypted under a key of its own)
     │         ├──▶ refused                (an agreement does not cover what is inside)
     │         └──▶ withdrawn              (taken back before it was opened)
     ├──▶ sealed                           (confidential: a safeguarding officer's session takes it on like a new one)
     └──▶ unverifiable / withdrawn

A message is stored as `new` in the transaction that records its lease, before anything is checked and before the broker
is told: what is acknowledged is here. After a crash the flows go on with whatever is `new` or `verified`.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum

from agency_client.errors import ConflictError, NotFoundError
from agency_client.local_store.content import has_content
from agency_client.local_store.engine import Row, Snapshot, Transaction, read_moment, read_optional_moment, spell_list
from agency_client.local_store.problems import NO_PROBLEM, Problem, read_problem


class InboxState(StrEnum):
    """What this node has made of a message."""

    NEW = "new"
    SEALED = "sealed"
    VERIFIED = "verified"
    OPENED = "opened"
    UNVERIFIABLE = "unverifiable"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


_MOVES: dict[InboxState, frozenset[InboxState]] = {
    InboxState.NEW: frozenset({InboxState.SEALED, InboxState.VERIFIED, InboxState.UNVERIFIABLE, InboxState.WITHDRAWN}),
    InboxState.SEALED: frozenset({InboxState.VERIFIED, InboxState.UNVERIFIABLE, InboxState.WITHDRAWN}),
    InboxState.VERIFIED: frozenset({InboxState.OPENED, InboxState.REFUSED, InboxState.WITHDRAWN}),
    InboxState.OPENED: frozenset(),
    InboxState.UNVERIFIABLE: frozenset(),
    InboxState.REFUSED: frozenset(),
    InboxState.WITHDRAWN: frozenset(),
}

_MOMENTS = ("issued_at", "expires_at", "received_at")
_OPTIONAL_MOMENTS = (
    "verified_at",
    "opened_at",
    "read_at",
    "answered_at",
    "withdrawn_at",
    "erased_at",
    "reply_due",
)


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """A message as it came; nothing of it is verified yet, so nothing of it is shown or believed.

    `evidence` is the envelope without its ciphertext, `leaf` the canonical evidence of its acceptance, in the log
    `origin`.
    """

    digest: str
    message_id: str
    sender: str
    stream: str
    n: int
    agreement: str
    kind: str
    marking: str
    urgency: str
    issued_at: datetime
    expires_at: datetime
    refers_to: str | None
    envelope: bytes
    evidence: bytes
    leaf: bytes
    leaf_index: int
    received_at: datetime
    origin: str


@dataclass(frozen=True, slots=True)
class InboxMessage:
    """A stored message.

    `envelope` is gone once it was opened; `summary` is canonical JSON, and stands in the compartment for what is
    confidential, as its thread does.
    """

    digest: str
    message_id: str
    sender: str
    stream: str
    n: int
    agreement: str
    kind: str
    marking: str
    urgency: str
    issued_at: datetime
    expires_at: datetime
    refers_to: str | None
    envelope: bytes | None
    evidence: bytes
    leaf: bytes
    leaf_index: int
    origin: str
    state: InboxState
    problem: Problem | None
    received_at: datetime
    verified_at: datetime | None
    opened_at: datetime | None
    read_at: datetime | None
    answered_at: datetime | None
    withdrawn_at: datetime | None
    erased_at: datetime | None
    thread: str | None
    reply_due: datetime | None
    summary: bytes | None


@dataclass(frozen=True, slots=True)
class Opened:
    """What opening a message revealed for the lists: its true kind, its case, when an answer is due, and a summary.

    Of what is confidential case and summary are None: they stand in the compartment.
    """

    kind: str
    thread: str | None
    reply_due: datetime | None
    summary: bytes | None


@dataclass(frozen=True, slots=True)
class InboxFilter:
    """Which messages to list; what is None does not filter."""

    states: tuple[InboxState, ...] = (InboxState.OPENED, InboxState.SEALED)
    unread: bool = False
    unanswered: bool = False
    sender: str | None = None
    kind: str | None = None
    thread: str | None = None
    due_before: datetime | None = None
    since: datetime | None = None
    digests: tuple[str, ...] | None = None


def record_received(transaction: Transaction, message: ReceivedMessage) -> bool:
    """Store a message as it came; return whether it was new. One that is here already, in any state, is left alone.

    Only one that was never judged takes the leaf under which a later log of the exchange delivers it once more: the
    log it came from first may have ended before this node had read up to it.
    """
    row = {**asdict(message), "state": InboxState.NEW, "problem_code": "", "problem": ""}
    if transaction.insert("inbox_message", row, if_absent=True):
        return True
    transaction.execute(
        "UPDATE inbox_message SET leaf = ?1, leaf_index = ?2, origin = ?3"
        " WHERE digest = ?4 AND state = 'new' AND origin <> ?3",
        message.leaf,
        message.leaf_index,
        message.origin,
        message.digest,
    )
    return False


def find_origin(snapshot: Snapshot, digest: str) -> str | None:
    """Return in which log a message was accepted by the evidence kept of it; None: it is not here."""
    origin: str | None = snapshot.fetch_value("SELECT origin FROM inbox_message WHERE digest = ?", digest)
    return origin


def find_sender(snapshot: Snapshot, digest: str) -> str | None:
    """Return who sent a message, as its envelope says; None: it is not here."""
    sender: str | None = snapshot.fetch_value("SELECT sender FROM inbox_message WHERE digest = ?", digest)
    return sender


def mark_sealed(transaction: Transaction, digest: str, *, reply_due: datetime | None) -> None:
    """Record that every check that needs no decryption has passed, and that only safeguarding officers open it.

    Raises:
        ConflictError: another verified message of this sender has the same id.
    """
    _demand_own_id(transaction, digest)
    _move(transaction, digest, InboxState.SEALED)
    transaction.execute("UPDATE inbox_message SET reply_due = ? WHERE digest = ?", reply_due, digest)


def mark_verified(transaction: Transaction, digest: str, *, at: datetime) -> None:
    """Record that every check that needs no decryption has passed.

    Raises:
        ConflictError: another verified message of this sender has the same id.
    """
    _demand_own_id(transaction, digest)
    _move(transaction, digest, InboxState.VERIFIED)
    transaction.execute("UPDATE inbox_message SET verified_at = ? WHERE digest = ?", at, digest)


def mark_unverifiable(transaction: Transaction, digest: str, problem: Problem) -> None:
    """Set a message aside that did not prove what it claims; its bytes stay, for whoever must look."""
    _move(transaction, digest, InboxState.UNVERIFIABLE, problem)


def mark_refused(transaction: Transaction, digest: str, problem: Problem) -> None:
    """Refuse a genuine message whose content no agreement covers, or that contradicts itself; drop its ciphertext."""
    _move(transaction, digest, InboxState.REFUSED, problem)
    _drop_envelope(transaction, digest)


def mark_opened(transaction: Transaction, digest: str, opened: Opened, *, at: datetime) -> None:
    """Record that a message was opened and fully checked; its sealed bytes are dropped.

    Raises:
        ValueError: its content was not kept in this transaction; it would be lost.
    """
    if not has_content(transaction, digest):
        raise ValueError("keep the content (`content.keep_content`) in the transaction that marks a message opened")
    _move(transaction, digest, InboxState.OPENED)
    _drop_envelope(transaction, digest)
    transaction.execute(
        "UPDATE inbox_message SET opened_at = ?, kind = ?, thread = ?, reply_due = ?, summary = ? WHERE digest = ?",
        at,
        opened.kind,
        opened.thread,
        opened.reply_due,
        opened.summary,
        digest,
    )


def mark_withdrawn(transaction: Transaction, digest: str, *, at: datetime) -> None:
    """Record that its sender took a message back. Not opened yet: it never will be. Opened: it stays, marked."""
    if load_by_digest(transaction, digest).state in (InboxState.NEW, InboxState.SEALED, InboxState.VERIFIED):
        _move(transaction, digest, InboxState.WITHDRAWN)
        _drop_envelope(transaction, digest)
    transaction.execute(
        "UPDATE inbox_message SET withdrawn_at = coalesce(withdrawn_at, ?) WHERE digest = ?", at, digest
    )


def mark_read(transaction: Transaction, digest: str, *, at: datetime) -> None:
    """Record the first reading; who read, and why, stands in the access log."""
    transaction.execute("UPDATE inbox_message SET read_at = coalesce(read_at, ?) WHERE digest = ?", at, digest)


def mark_answered(transaction: Transaction, digest: str, *, at: datetime) -> None:
    """Record the first answer."""
    transaction.execute("UPDATE inbox_message SET answered_at = coalesce(answered_at, ?) WHERE digest = ?", at, digest)


def load_by_digest(snapshot: Snapshot, digest: str) -> InboxMessage:
    """Return a message by its envelope's digest.

    Raises:
        NotFoundError: it is not here.
    """
    row = snapshot.fetch_one("SELECT * FROM inbox_message WHERE digest = ?", digest)
    if row is None:
        raise NotFoundError(f"no message with the digest {digest} is here", fix="run: agency sync")
    return _read_message(row)


def find_verified(snapshot: Snapshot, message_id: str) -> InboxMessage:
    """Return the one verified message whose id begins so: what an officer typed.

    Raises:
        NotFoundError: none does.
        ConflictError: several do.
    """
    rows = snapshot.fetch_all(
        "SELECT * FROM inbox_message WHERE substr(message_id, 1, ?) = ? AND state NOT IN ('new', 'unverifiable')"
        " LIMIT 2",
        len(message_id),
        message_id,
    )
    if not rows or not message_id:
        raise NotFoundError(f"no message {message_id} is here", fix="run: agency sync, then agency inbox")
    if len(rows) > 1:
        raise ConflictError(f"several messages begin with {message_id}", fix="give more of the id", code="ambiguous-id")
    return _read_message(rows[0])


def list_messages(snapshot: Snapshot, wanted: InboxFilter = InboxFilter(), *, limit: int = 200) -> list[InboxMessage]:
    """Return matching messages: most urgent first, then by when an answer is due, then newest."""
    rows = snapshot.fetch_all(
        "SELECT * FROM inbox_message WHERE (?1 IS NULL OR sender = ?1) AND (?2 IS NULL OR kind = ?2)"
        " AND (?3 IS NULL OR thread = ?3) AND (?4 IS NULL OR reply_due <= ?4) AND (?5 IS NULL OR received_at >= ?5)"
        " AND (?6 = 0 OR read_at IS NULL) AND (?7 = 0 OR answered_at IS NULL)"
        " AND state IN (SELECT value FROM json_each(?8))"
        " AND (?10 IS NULL OR digest IN (SELECT value FROM json_each(?10)))"
        " ORDER BY CASE urgency WHEN 'threat-to-life' THEN 0 WHEN 'urgent' THEN 1 ELSE 2 END,"
        " reply_due IS NULL, reply_due, received_at DESC, digest LIMIT ?9",
        wanted.sender,
        wanted.kind,
        wanted.thread,
        wanted.due_before,
        wanted.since,
        wanted.unread,
        wanted.unanswered,
        spell_list(wanted.states),
        limit,
        None if wanted.digests is None else spell_list(wanted.digests),
    )
    return [_read_message(row) for row in rows]


def list_unfinished(
    snapshot: Snapshot, states: Iterable[InboxState] = (InboxState.NEW, InboxState.VERIFIED)
) -> list[str]:
    """Return the digests of messages still to be checked or opened, in the order of the log."""
    rows = snapshot.fetch_all(
        "SELECT digest FROM inbox_message WHERE state IN (SELECT value FROM json_each(?))"
        " ORDER BY length(origin), origin, leaf_index",
        spell_list(states),
    )
    return [row["digest"] for row in rows]


def _demand_own_id(transaction: Transaction, digest: str) -> None:
    other = transaction.fetch_value(
        "SELECT other.digest FROM inbox_message AS this JOIN inbox_message AS other USING (sender, message_id)"
        " WHERE this.digest = ? AND other.digest <> this.digest AND other.state NOT IN ('new', 'unverifiable')",
        digest,
    )
    if other is not None:
        raise ConflictError(f"message {digest} has the id of {other}", code="message-id-reused")


def _move(transaction: Transaction, digest: str, target: InboxState, problem: Problem = NO_PROBLEM) -> None:
    present = load_by_digest(transaction, digest).state
    if target not in _MOVES[present]:
        raise ConflictError(f"message {digest} is {present} and cannot become {target}", code="inbox-state")
    transaction.execute(
        "UPDATE inbox_message SET state = ?, problem_code = ?, problem = ? WHERE digest = ?",
        target,
        problem.code,
        problem.sentence,
        digest,
    )


def _drop_envelope(transaction: Transaction, digest: str) -> None:
    transaction.execute("UPDATE inbox_message SET envelope = NULL WHERE digest = ?", digest)


def _read_message(row: Row) -> InboxMessage:
    members = dict(row)
    del members["problem_code"]
    members |= {name: read_moment(row[name]) for name in _MOMENTS}
    members |= {name: read_optional_moment(row[name]) for name in _OPTIONAL_MOMENTS}
    members |= {"state": InboxState(row["state"]), "problem": read_problem(row)}
    return InboxMessage(**members)
