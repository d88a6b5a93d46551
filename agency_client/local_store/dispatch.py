"""The durable queue of signed documents other than envelopes: receipts, agreement steps, statuses, heads, keys.

A document is queued in the transaction that records it, so that nothing is signed and forgotten. Its digest names it:
the broker takes the same document twice as once, therefore an unanswered attempt is simply made again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from agency_client.local_store.engine import Columns, Row, Snapshot, Transaction, read_moment, spell_list
from agency_client.local_store.problems import Problem, read_problem


class DispatchKind(StrEnum):
    """What the document is, hence where it goes."""

    RECEIPT = "receipt"
    AGREEMENT_STEP = "agreement-step"
    STATUS = "status"
    ACCESS_LOG_HEAD = "access-log-head"
    KEY_SET = "key-set"
    ENCRYPTION_KEYS = "encryption-keys"
    REVOCATION = "revocation"


class DispatchState(StrEnum):
    """Whether it has gone."""

    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"


LONGEST_PAUSE = timedelta(hours=1)
"""No attempt is put off for longer, whatever a busy exchange asks for."""


@dataclass(frozen=True, slots=True)
class Dispatch:
    """One document on its way. `body` is what is posted, `partner` "" where it is for no single partner."""

    digest: str
    kind: DispatchKind
    partner: str
    body: bytes
    state: DispatchState
    attempts: int
    next_attempt_at: datetime
    problem: Problem | None
    created_at: datetime


def queue_document(
    transaction: Transaction, *, digest: str, kind: DispatchKind, body: bytes, partner: str = "", at: datetime
) -> None:
    """Queue a document; the same one again changes nothing."""
    row: Columns = {"digest": digest, "kind": kind, "partner": partner, "body": body, "state": DispatchState.WAITING}
    times: Columns = {"next_attempt_at": at, "created_at": at, "changed_at": at}
    transaction.insert("dispatch", {**row, **times, "attempts": 0, "problem_code": "", "problem": ""}, if_absent=True)


def queue_again(
    transaction: Transaction,
    *,
    digest: str,
    kind: DispatchKind,
    body: bytes,
    partner: str = "",
    at: datetime,
    even_refused: bool = False,
) -> bool:
    """Queue a document that an earlier log had, at its old place in the queue; return whether it waits now.

    One that waits already stays as it is, and so does one that was refused, unless `even_refused`: a person must look.
    """
    transaction.execute(
        "UPDATE dispatch SET state = 'waiting', body = ?1, next_attempt_at = ?2, changed_at = ?2"
        " WHERE digest = ?3 AND (state = 'done' OR (?4 AND state = 'refused'))",
        body,
        at,
        digest,
        even_refused,
    )
    queue_document(transaction, digest=digest, kind=kind, body=body, partner=partner, at=at)
    found = load_dispatch(transaction, digest)
    return found is not None and found.state is DispatchState.WAITING


def list_due_dispatches(
    snapshot: Snapshot, *, now: datetime, limit: int = 100, kinds: Iterable[DispatchKind] = tuple(DispatchKind)
) -> list[Dispatch]:
    """Return the documents to post now, in the order they were queued: a chain's steps must not overtake each other.

    One whose next attempt lies further ahead than any pause was put off by a clock that has been set back since.
    """
    rows = snapshot.fetch_all(
        "SELECT * FROM dispatch WHERE state = 'waiting' AND (next_attempt_at <= ? OR next_attempt_at > ?)"
        " AND kind IN (SELECT value FROM json_each(?)) ORDER BY id LIMIT ?",
        now,
        now + LONGEST_PAUSE,
        spell_list(kinds),
        limit,
    )
    return [_read_dispatch(row) for row in rows]


def list_dispatches(snapshot: Snapshot, state: DispatchState = DispatchState.WAITING) -> list[Dispatch]:
    """Return the documents in a state, oldest first."""
    return [
        _read_dispatch(row) for row in snapshot.fetch_all("SELECT * FROM dispatch WHERE state = ? ORDER BY id", state)
    ]


def load_dispatch(snapshot: Snapshot, digest: str) -> Dispatch | None:
    """Return one document's place in the queue."""
    row = snapshot.fetch_one("SELECT * FROM dispatch WHERE digest = ?", digest)
    return None if row is None else _read_dispatch(row)


def record_dispatched(transaction: Transaction, digest: str, *, at: datetime) -> None:
    """The broker has it; the body is dropped, the document itself stays where it was recorded."""
    transaction.execute(
        "UPDATE dispatch SET state = 'done', body = x'', attempts = attempts + 1, problem_code = '', problem = '',"
        " changed_at = ? WHERE digest = ? AND state = 'waiting'",
        at,
        digest,
    )


def record_dispatch_failed(
    transaction: Transaction, digest: str, problem: Problem, *, at: datetime, next_attempt_at: datetime
) -> None:
    """It did not go, or nobody knows; it will be tried again."""
    transaction.execute(
        "UPDATE dispatch SET attempts = attempts + 1, problem_code = ?, problem = ?, next_attempt_at = ?,"
        " changed_at = ? WHERE digest = ? AND state = 'waiting'",
        problem.code,
        problem.sentence,
        next_attempt_at,
        at,
        digest,
    )


def retry_documents_now(transaction: Transaction, *, at: datetime) -> int:
    """Make every document that waits after a problem due at once, as when the connection is back; return how many."""
    return transaction.execute(
        "UPDATE dispatch SET next_attempt_at = ?1 WHERE state = 'waiting' AND next_attempt_at > ?1", at
    )


def replace_dispatch_body(transaction: Transaction, digest: str, body: bytes, *, at: datetime) -> None:
    """Let the same document, under fresh signatures, take the place of the one that waits; it is due at once."""
    transaction.execute(
        "UPDATE dispatch SET body = ?1, next_attempt_at = ?2, changed_at = ?2 WHERE digest = ?3 AND state = 'waiting'",
        body,
        at,
        digest,
    )


def record_dispatch_refused(transaction: Transaction, digest: str, problem: Problem, *, at: datetime) -> None:
    """The broker will never take it; a person must look."""
    transaction.execute(
        "UPDATE dispatch SET state = 'refused', attempts = attempts + 1, problem_code = ?, problem = ?, changed_at = ?"
        " WHERE digest = ? AND state = 'waiting'",
        problem.code,
        problem.sentence,
        at,
        digest,
    )


def drop_overtaken(transaction: Transaction, digest: str) -> None:
    """Take out of the queue what waits there from before a document of the same kind, for the same partner.

    Where the later one says everything, the broker takes it first and none of the earlier ones any more. They stay
    where they were recorded.
    """
    transaction.execute(
        "DELETE FROM dispatch WHERE state = 'waiting' AND (kind, partner) = (SELECT kind, partner FROM dispatch"
        " WHERE digest = ?1) AND id < (SELECT id FROM dispatch WHERE digest = ?1)",
        digest,
    )


def _read_dispatch(row: Row) -> Dispatch:
    return Dispatch(
        digest=row["digest"],
        kind=DispatchKind(row["kind"]),
        partner=row["partner"],
        body=row["body"],
        state=DispatchState(row["state"]),
        attempts=row["attempts"],
        next_attempt_at=read_moment(row["next_attempt_at"]),
        problem=read_problem(row),
        created_at=read_moment(row["created_at"]),
    )
