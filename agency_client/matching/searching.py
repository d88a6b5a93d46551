"""Search what this agency keeps for a person or a number; on record, with the question, before anything is looked up.

Only the index is read: no content is opened. What is withdrawn or restricted, and whoever is a victim of a misused
identity, is never a hit (`agency_client.aftercare.rules.choose_usable`); what is confidential was never indexed.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from agency_client.aftercare.rules import Standing, choose_usable
from agency_client.aftercare.standing import load_standing
from agency_client.duties.listing import USUAL_REASON
from agency_client.errors import NotFoundError
from agency_client.local_store.access_log import append_entry
from agency_client.local_store.engine import Snapshot, Transaction
from agency_client.local_store.inbox import InboxState, load_by_digest
from agency_client.local_store.name_index import find_names, find_numbers, list_indexed_names, list_indexed_numbers
from agency_client.local_store.restored import demand_not_restored
from agency_client.local_store.sent import find_message_by_digest, list_deliveries
from agency_client.matching.entries import NameEntry
from agency_client.matching.query import SearchQuery
from agency_client.matching.ranking import Level, judge_name
from agency_client.matching.scoring import forget_names
from agency_client.node import Node
from agency_client.reading.lists import read_subject
from agency_client.sending.summary import read_summary
from schemas.alerts.shapes import Identifier
from schemas.alerts.subjects import fold_name
from schemas.log.records import Action

VERB = "search"
MAX_NARROWED = 400
"""To so many messages at most a list is narrowed."""
_YEAR = len("1985")


@dataclass(frozen=True, slots=True)
class FoundMessage:
    """A message, ours or theirs, as a list shows it; `subject` is foreign, `partner` the other agencies."""

    digest: str
    message_id: str
    is_own: bool
    kind: str
    partner: str
    at: datetime
    subject: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that may be about whom was asked for: how far, and why. The names in it are foreign.

    `name` is the one on record that matches best, `found_as` as what that person stands in the message, "" where a
    number alone led here. `marks` are what notices and challenges made of the message.
    """

    message: FoundMessage
    level: Level
    score: float
    name: str
    found_as: str
    reasons: tuple[str, ...]
    marks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Lead:
    """Where something asked for stands, a name or a number, before it is known whether it may be used."""

    message: str
    found: NameEntry | Identifier
    level: Level
    score: float
    reasons: tuple[str, ...]


def search(node: Node, query: SearchQuery, *, reason: str, case: str | None = None, limit: int = 50) -> list[Hit]:
    """Return the messages that may be about whom is asked for, the ones to look at first standing first.

    Raises:
        UsageError: nothing was asked for, or something of another form.
        RestoredNodeError: the store came out of a backup, and what was erased since is not erased again yet.
    """
    query.verify()
    with node.store.write() as transaction:
        note_search(node, transaction, query, VERB, reason=reason, case=case)
    with node.store.read() as snapshot:
        return find_hits(snapshot, query, limit=limit)


def find_digests(node: Node, query: SearchQuery, verb: str) -> tuple[str, ...]:
    """Return the digests of the messages that a list is narrowed to; on record like a search, under the list's verb.

    Raises:
        UsageError, RestoredNodeError: as `search`.
    """
    query.verify()
    with node.store.write() as transaction:
        note_search(node, transaction, query, verb, reason=USUAL_REASON)
    with node.store.read() as snapshot:
        return tuple(hit.message.digest for hit in find_hits(snapshot, query, limit=MAX_NARROWED))


def note_search(
    node: Node, transaction: Transaction, query: SearchQuery, verb: str, *, reason: str, case: str | None = None
) -> None:
    """Put on record who searches for what, and why, before anything is looked up.

    Raises:
        RestoredNodeError: the store came out of a backup, and what was erased since is not erased again yet.
    """
    demand_not_restored(transaction, "erasures")
    note = node.note_access(Action.CONSULTATION, verb, reason, case=case, query=query.spell())
    append_entry(transaction, note)


def find_hits(snapshot: Snapshot, query: SearchQuery, *, limit: int) -> list[Hit]:
    """Return the messages that a verified query leads to, the ones to look at first standing first."""
    leads = sorted([*_follow_numbers(snapshot, query), *_follow_names(snapshot, query)], key=_rank)
    forget_names()
    grouped: dict[str, list[_Lead]] = {}
    for lead in leads:
        grouped.setdefault(lead.message, []).append(lead)
    hits: list[Hit] = []
    for digest, found in grouped.items():
        if len(hits) == limit:
            break
        hits += _judge_message(snapshot, digest, found)
    return sorted(hits, key=lambda hit: (hit.level.rank, -hit.score, -hit.message.at.timestamp(), hit.message.digest))


def _follow_names(snapshot: Snapshot, query: SearchQuery) -> Iterator[_Lead]:
    asked, year = query.asked(), (query.birth_date or "")[:_YEAR]
    found = [name for text in asked.names for name in find_names(snapshot, text, birth_year=year)]
    for name in dict.fromkeys(found):
        candidate = judge_name(asked, name.entry.text, name.entry.births)
        if candidate is not None:
            yield _Lead(name.message, name.entry, candidate.level, candidate.match.score, candidate.reasons)


def _follow_numbers(snapshot: Snapshot, query: SearchQuery) -> Iterator[_Lead]:
    for number in find_numbers(snapshot, query.list_numbers()):
        identifier = number.entry.identifier
        reason = f"{identifier.type.label} {identifier.value}: the same"
        yield _Lead(number.message, identifier, Level.SAME_NUMBER, 1.0, (reason,))


def _rank(lead: _Lead) -> tuple[int, float]:
    return lead.level.rank, -lead.score


def _judge_message(snapshot: Snapshot, digest: str, leads: Iterable[_Lead]) -> Iterator[Hit]:
    """Give the hit that the leads to one message, the best first, come to, if any of them may be used."""
    standing = load_standing(snapshot, digest)
    usable = [lead for lead in leads if _is_usable(snapshot, lead, standing)]
    message = _find_message(snapshot, digest) if usable else None
    if message is not None:
        yield _make_hit(message, usable, standing)


def _make_hit(message: FoundMessage, leads: Sequence[_Lead], standing: Standing) -> Hit:
    best, named = leads[0], next((lead for lead in leads if isinstance(lead.found, NameEntry)), None)
    entry = named.found if named is not None and isinstance(named.found, NameEntry) else None
    # Of the names of one message the best one is explained, of the numbers each.
    explained = [lead for lead in leads if lead is named or isinstance(lead.found, Identifier)]
    return Hit(
        message=message,
        level=best.level,
        score=round(best.score, 3),
        name="" if entry is None else entry.text,
        found_as="" if entry is None else entry.role,
        reasons=tuple(dict.fromkeys(reason for lead in explained for reason in lead.reasons)),
        marks=standing.words,
    )


def _is_usable(snapshot: Snapshot, lead: _Lead, standing: Standing) -> bool:
    if isinstance(lead.found, Identifier):
        numbers = ((entry.path, entry.identifier) for entry in list_indexed_numbers(snapshot, lead.message))
        return lead.found in choose_usable(numbers, standing)
    # A victim's name is nobody's lead wherever it stands in the message, on the false document too.
    names = ((entry.path, fold_name(entry.text)) for entry in list_indexed_names(snapshot, lead.message))
    return fold_name(lead.found.text) in choose_usable(names, standing)


def _find_message(snapshot: Snapshot, digest: str) -> FoundMessage | None:
    own = find_message_by_digest(snapshot, digest)
    if own is not None:
        partner = ", ".join(delivery.recipient for delivery in list_deliveries(snapshot, own.message_id))
        subject = read_summary(own.summary).subject
        return FoundMessage(digest, own.message_id, True, own.kind, partner, own.issued_at, subject)
    try:
        received = load_by_digest(snapshot, digest)
    except NotFoundError:
        return None
    if received.state is not InboxState.OPENED:
        return None
    subject = read_subject(received)
    return FoundMessage(digest, received.message_id, False, received.kind, received.sender, received.issued_at, subject)
