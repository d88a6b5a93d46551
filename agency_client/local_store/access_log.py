"""The agency's own access log in the store: append, list, export. Entries are never changed; the schema refuses it.

An entry whose own term is over is replaced by its link in the chain, once, and by nothing else.

Officers and reasons stand here and nowhere else; only the chain's head, signed, reaches the exchange.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime

from agency_client.errors import UsageError
from agency_client.local_store.access_chain import AccessEntry, ChainPoint, compute_head, make_link
from agency_client.local_store.engine import Columns, Row, Snapshot, Transaction, read_moment
from keys.generation import generate_salt
from schemas.codec import CodecError, b64u_encode
from schemas.log.records import Action
from schemas.model import DocumentError, format_timestamp


@dataclass(frozen=True, slots=True)
class AccessNote:
    """What a caller says of an access; its place in the chain is added on appending."""

    time: datetime
    officer: str
    action: Action
    verb: str
    reason: str
    message: str | None = None
    partner: str | None = None
    case: str | None = None
    outcome: str = "done"
    purpose: str | None = None
    conditions: str | None = None
    query: str | None = None


@dataclass(frozen=True, slots=True)
class AccessFilter:
    """Which entries to list; what is None does not filter."""

    officer: str | None = None
    action: Action | None = None
    message: str | None = None
    partner: str | None = None
    outcome: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A head of the chain this node has signed for the exchange's log."""

    n: int
    digest: str
    document: bytes
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class EndedEntries:
    """The oldest entries that are not erased, from `first` to `last`, and when the oldest of them was written."""

    first: int
    last: int
    oldest: datetime


def append_entry(transaction: Transaction, note: AccessNote) -> AccessEntry:
    """Add an entry at the chain's end. Show or do nothing of what it records before the transaction is committed.

    Raises:
        UsageError: the reason is empty, or officer, reason or case not one line of readable text; the field is named.
    """
    end = find_chain_end(transaction)
    entry = _make_entry(note, end)
    columns: Columns = {
        "n": entry.n,
        "entry": entry.canonical(),
        "head": compute_head(entry),
        "time": entry.time,
        "officer": entry.officer,
    }
    filters: Columns = {
        "action": entry.action,
        "message": entry.message,
        "partner": entry.partner,
        "outcome": entry.outcome,
    }
    transaction.insert("access_entry", columns | filters)
    return entry


def find_chain_end(snapshot: Snapshot) -> ChainPoint | None:
    """Return how many entries there are and the head after the last; None: the log is empty."""
    row = snapshot.fetch_one("SELECT n, head FROM access_entry ORDER BY n DESC LIMIT 1")
    return None if row is None else ChainPoint(row["n"], b64u_encode(row["head"]))


def list_entries(snapshot: Snapshot, wanted: AccessFilter = AccessFilter(), *, limit: int = 500) -> list[AccessEntry]:
    """Return matching entries, newest first."""
    rows = snapshot.fetch_all(
        "SELECT entry FROM access_entry WHERE erased_at IS NULL"
        " AND (?1 IS NULL OR officer = ?1) AND (?2 IS NULL OR action = ?2)"
        " AND (?3 IS NULL OR message = ?3) AND (?4 IS NULL OR partner = ?4) AND (?5 IS NULL OR outcome = ?5)"
        " AND (?6 IS NULL OR time >= ?6) AND (?7 IS NULL OR time <= ?7) ORDER BY n DESC LIMIT ?8",
        wanted.officer,
        wanted.action,
        wanted.message,
        wanted.partner,
        wanted.outcome,
        wanted.since,
        wanted.until,
        limit,
    )
    return [AccessEntry.from_canonical(row["entry"]) for row in rows]


def iterate_lines(snapshot: Snapshot, *, after: int = 0) -> Iterator[bytes]:
    """Give the exact bytes of every entry in order, for export and for `access_chain.verify_chain`."""
    page = 1000
    while rows := snapshot.fetch_all("SELECT n, entry FROM access_entry WHERE n > ? ORDER BY n LIMIT ?", after, page):
        yield from (row["entry"] for row in rows)
        after = rows[-1]["n"]


def find_ended_entries(snapshot: Snapshot, *, before: datetime) -> EndedEntries | None:
    """Return the entries written before a moment that are not erased and that a signed head covers, None where none is.

    They are always the oldest: where a clock went back, what was written behind a later entry waits for that one.
    """
    oldest = snapshot.fetch_one("SELECT n, time FROM access_entry WHERE erased_at IS NULL ORDER BY n LIMIT 1")
    head = load_newest_signed_head(snapshot)
    if oldest is None or head is None:
        return None
    kept = snapshot.fetch_value(
        "SELECT n FROM access_entry WHERE n >= ? AND time >= ? ORDER BY n LIMIT 1", oldest["n"], before
    )
    last = min(head.n, head.n if kept is None else kept - 1)
    return None if last < oldest["n"] else EndedEntries(oldest["n"], last, read_moment(oldest["time"]))


def erase_entries(transaction: Transaction, first: int, last: int, *, at: datetime) -> int:
    """Replace entries by their links in the chain; return how many were entries until now.

    Call `Store.truncate_wal` after the commit.
    """
    rows = transaction.fetch_all(
        "SELECT n, entry FROM access_entry WHERE n BETWEEN ? AND ? AND erased_at IS NULL", first, last
    )
    for row in rows:
        link = make_link(AccessEntry.from_canonical(row["entry"]))
        transaction.execute(
            "UPDATE access_entry SET entry = ?, officer = '', action = '', message = NULL, partner = NULL,"
            " outcome = '', erased_at = ? WHERE n = ?",
            link.canonical(),
            at,
            row["n"],
        )
    return len(rows)


def record_signed_head(transaction: Transaction, head: SignedHead) -> None:
    """Keep a head that was signed, in the transaction that queues it for the exchange."""
    transaction.insert("access_head", asdict(head), if_absent=True)


def load_newest_signed_head(snapshot: Snapshot) -> SignedHead | None:
    """Return the last head that was signed."""
    row = snapshot.fetch_one("SELECT * FROM access_head ORDER BY n DESC LIMIT 1")
    return None if row is None else _read_head(row)


def list_signed_heads(snapshot: Snapshot) -> list[SignedHead]:
    """Return every head that was signed, oldest first."""
    return [_read_head(row) for row in snapshot.fetch_all("SELECT * FROM access_head ORDER BY n")]


def _make_entry(note: AccessNote, end: ChainPoint | None) -> AccessEntry:
    if not note.reason.strip():
        raise UsageError("reason: it is empty, and every entry of the access log says why", fix="give it with --reason")
    try:
        return AccessEntry.from_wire(_describe(note, end))
    except DocumentError as error:
        raise UsageError(f"{error.field} cannot be recorded in the access log: {error.problem}") from error
    except CodecError as error:
        raise UsageError(f"the access log cannot record this: {error}") from error


def _describe(note: AccessNote, end: ChainPoint | None) -> dict[str, object]:
    members = {
        "v": 2,
        "n": 1 if end is None else end.count + 1,
        "prev": None if end is None else end.head,
        "time": format_timestamp(note.time),
        "salt": generate_salt(),
        "officer": note.officer,
        "action": note.action.value,
        "verb": note.verb,
        "reason": note.reason,
        "message": note.message,
        "partner": note.partner,
        "case": note.case,
        "outcome": note.outcome,
        "purpose": note.purpose,
        "conditions": note.conditions,
        "query": note.query,
    }
    return {name: value for name, value in members.items() if value is not None}


def _read_head(row: Row) -> SignedHead:
    return SignedHead(row["n"], row["digest"], row["document"], read_moment(row["signed_at"]))
