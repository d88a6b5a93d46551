"""Erase what has come to its end, in small transactions: what was erased stays so, and the rest is found again.

A dry run returns the very plan that the real run carries out. Nothing here talks to the exchange: receipts of erasure
follow from the state of the store (`local_store.received_work`) and go out with the next round.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from agency_client.aftercare.covering import find_terms
from agency_client.aftercare.keeping import find_keepers, list_kept
from agency_client.attachments.clearing import clear_attachments
from agency_client.errors import UsageError
from agency_client.local_store.access_log import AccessNote, append_entry, erase_entries, find_ended_entries
from agency_client.local_store.agreements import delete_draft, list_drafts
from agency_client.local_store.applied import list_applied
from agency_client.local_store.content import (
    ContentEnd,
    drop_sealed_bytes,
    erase_content,
    list_content_ends,
    list_sealed_bytes,
)
from agency_client.local_store.engine import Snapshot, Transaction
from agency_client.local_store.evidence_terms import (
    RECEIVED,
    EvidenceEnd,
    EvidenceTerm,
    UndatedEvidence,
    end_evidence,
    list_evidence_ends,
    list_undated,
    record_terms,
)
from agency_client.local_store.settings import Setting, read_setting, write_setting
from agency_client.local_store.signed_times import find_newest_signed_time
from agency_client.node import Node
from agency_client.retention.ledger import Repetition, note_erasures, repeat_if_restored
from agency_client.retention.rules import (
    DEFAULT_LOG_DAYS,
    DRAFT_KEPT,
    MAX_LOG_DAYS,
    MIN_LOG_DAYS,
    SEALED_KEPT,
    Ending,
    ErasureCode,
    Part,
    Plan,
    find_clock_doubt,
    find_day,
    find_evidence_end,
    list_direction,
    plan_erasure,
)
from agency_client.witness.observer import hash_logged_record
from schemas.agreements.terms import Clause
from schemas.api import Evidence, LoggedRecord
from schemas.codec import CodecError
from schemas.log.records import Action
from schemas.model import LATEST_TIME

MAX_ENDINGS = 5_000
"""How much one plan names of each part; what is beyond it is due in the next run."""
_AT_ONCE = 100

_VERB = "retention"
_REASON = "the term of retention ended"


@dataclass(frozen=True, slots=True)
class RetentionReport:
    """What a run carried out, and how much of each part it erased itself: another process may have been quicker.

    `repeated` says what a restored node erased again; None elsewhere.
    """

    plan: Plan
    erased: Mapping[str, int]
    repeated: Repetition | None = None


def list_endings(node: Node, *, until: datetime | None = None) -> Plan:
    """Return what ends by a moment, or at all, what ends first coming first; nothing is changed but the terms dated."""
    date_evidence(node)
    with node.store.read() as snapshot:
        return plan_erasure(_find_endings(snapshot, until or LATEST_TIME), until or LATEST_TIME)


def plan_retention(node: Node) -> Plan:
    """Return what is due now: exactly what `run_retention` erases, unless this node's clock is in doubt."""
    plan = list_endings(node, until=node.clock.now())
    return replace(plan, doubt=find_doubt(node)) if plan.endings else plan


def find_doubt(node: Node) -> str:
    """Return why this node's clock is in doubt, "" where it is not."""
    with node.store.read() as snapshot:
        return find_clock_doubt(node.clock.now(), find_newest_signed_time(snapshot))


def run_retention(node: Node, *, confirmed: str | None = None) -> RetentionReport:
    """Erase what is due now, and empty the write-ahead log of what it held of it; a restored node repeats erasures.

    Where this node's clock is in doubt nothing is erased by it, unless an officer says why it is right (`confirmed`).
    """
    repeated = repeat_if_restored(node)
    plan = plan_retention(node)
    if plan.doubt and confirmed is not None:
        _note_confirmed(node, plan, confirmed)
        plan = replace(plan, doubt="")
    due = replace(plan, endings=()) if plan.doubt else plan
    erased = {part.value: sum(_erase_all(node, part, erase, due)) for part, erase in _ERASERS.items()}
    # Also where nothing was due: a reader may have held the log back when something was.
    node.store.truncate_wal()
    clear_attachments(node)
    note_erasures(node)
    return RetentionReport(plan, erased, repeated)


def date_evidence(node: Node) -> int:
    """Work out when the evidence of every settled message ends, where that is not on record yet; return how many."""
    dated = 0
    while True:
        with node.store.read() as snapshot:
            undated = list_undated(snapshot, now=node.clock.now())
            terms = [_date(item, _find_clauses(snapshot, node.agency, item)) for item in undated]
        if not terms:
            return dated
        with node.store.write() as transaction:
            record_terms(transaction, terms)
        dated += len(terms)


def read_log_days(snapshot: Snapshot) -> int:
    """Return how many days an entry of the access log is kept here."""
    return int(read_setting(snapshot, Setting.ACCESS_LOG_DAYS) or DEFAULT_LOG_DAYS)


def set_log_days(node: Node, days: int, *, reason: str) -> None:
    """Set how many days an entry of the access log is kept; who set it, and why, is an entry itself.

    Raises:
        UsageError: it is less than a year or more than a century, or the reason is empty.
    """
    if not MIN_LOG_DAYS <= days <= MAX_LOG_DAYS:
        raise UsageError(f"the access log is kept for {MIN_LOG_DAYS} to {MAX_LOG_DAYS} days, not for {days}")
    if not reason.strip():
        raise UsageError("reason: it is empty, and the access log says why", fix="give it with --reason")
    with node.store.write() as transaction:
        write_setting(transaction, Setting.ACCESS_LOG_DAYS, str(days))
        append_entry(transaction, node.note_access(Action.OPERATOR, "retention-log", f"{reason} ({days} days)"))


def _note_confirmed(node: Node, plan: Plan, reason: str) -> None:
    if not reason.strip():
        raise UsageError("reason: it is empty, and the access log says why", fix="give it with --reason")
    with node.store.write() as transaction:
        note = node.note_access(Action.OPERATOR, "retention-clock", f"{reason} (now: {plan.at:%Y-%m-%d %H:%M} UTC)")
        append_entry(transaction, note)


def _find_endings(snapshot: Snapshot, until: datetime) -> Iterator[Ending]:
    deadline_by = until if until == LATEST_TIME else until - SEALED_KEPT
    kept = list_kept(snapshot)
    for content in list_content_ends(snapshot, until=until, limit=MAX_ENDINGS, kept=kept):
        yield _describe(Part.CONTENT, content, content.ends_at)
    for content in list_content_ends(snapshot, until=until, limit=MAX_ENDINGS, kept=kept, is_kept=True):
        yield replace(_describe(Part.CONTENT, content, content.ends_at), kept_by=kept[content.digest])
    for sealed in list_sealed_bytes(snapshot, deadline_by=deadline_by, limit=MAX_ENDINGS):
        yield _describe(Part.SEALED_BYTES, sealed, sealed.ends_at + SEALED_KEPT)
    yield from _find_ended_log(snapshot, until)
    for draft in list_drafts(snapshot):
        if draft.changed_at + DRAFT_KEPT <= until:
            yield Ending(Part.DRAFT, draft.name, draft.changed_at + DRAFT_KEPT)
    for evidence in list_evidence_ends(snapshot, until=until, limit=MAX_ENDINGS, kept=kept):
        yield _describe(Part.EVIDENCE, evidence, evidence.ends_at)


def _find_ended_log(snapshot: Snapshot, until: datetime) -> Iterator[Ending]:
    term = timedelta(days=read_log_days(snapshot))
    found = find_ended_entries(snapshot, before=find_day(until - term))
    if found is not None:
        last = min(found.last, found.first + MAX_ENDINGS - 1)
        ends_at = find_day(found.oldest) + timedelta(days=1) + term
        yield Ending(Part.ACCESS_LOG, f"{found.first}-{last}", ends_at, count=last - found.first + 1)


def _describe(part: Part, found: ContentEnd | EvidenceEnd, ends_at: datetime) -> Ending:
    return Ending(part, found.digest, ends_at, found.direction, found.message_id, found.partner)


def _erase_all(node: Node, part: Part, erase: "_Eraser", plan: Plan) -> Iterator[int]:
    due = [ending for ending in plan.endings if ending.part is part]
    for start in range(0, len(due), _AT_ONCE):
        with node.store.write() as transaction:
            yield sum(erase(node, transaction, ending) for ending in due[start : start + _AT_ONCE])


def _erase_content(node: Node, transaction: Transaction, ending: Ending) -> int:
    if find_keepers(transaction, ending.subject):
        return False  # Restricted since the plan was made.
    return erase_content(transaction, ending.subject, _note(node, ending), code=ErasureCode.TERM_ENDED)


def _drop_sealed_bytes(node: Node, transaction: Transaction, ending: Ending) -> int:
    drop_sealed_bytes(transaction, ending.subject)
    return ending.count


def _erase_entries(node: Node, transaction: Transaction, ending: Ending) -> int:
    first, last = map(int, ending.subject.split("-"))
    erased = erase_entries(transaction, first, last, at=node.clock.now())
    if erased:
        append_entry(transaction, _note(node, ending, f"the term of the access log ended: entries {first} to {last}"))
    return erased


def _end_evidence(node: Node, transaction: Transaction, ending: Ending) -> int:
    was_kept = end_evidence(transaction, ending.subject, at=node.clock.now())
    if was_kept:
        append_entry(transaction, _note(node, ending, "the term of its evidence ended"))
    return was_kept


def _delete_draft(node: Node, transaction: Transaction, ending: Ending) -> int:
    draft = next((draft for draft in list_drafts(transaction) if draft.name == ending.subject), None)
    if draft is None or draft.changed_at + DRAFT_KEPT > node.clock.now():
        return False  # Changed, or proposed, since the plan was made.
    delete_draft(transaction, draft.name)
    append_entry(
        transaction, _note(node, ending, f"the draft {draft.name} was neither changed nor proposed in its term")
    )
    return True


def _note(node: Node, ending: Ending, reason: str = _REASON) -> AccessNote:
    return node.note_access(
        Action.ERASURE, _VERB, reason, message=ending.message_id or None, partner=ending.partner or None
    )


_Eraser = Callable[[Node, Transaction, Ending], int]
_ERASERS: dict[Part, _Eraser] = {
    Part.CONTENT: _erase_content,
    Part.SEALED_BYTES: _drop_sealed_bytes,
    Part.EVIDENCE: _end_evidence,
    Part.ACCESS_LOG: _erase_entries,
    Part.DRAFT: _delete_draft,
}


def _find_clauses(snapshot: Snapshot, agency: str, item: UndatedEvidence) -> tuple[Clause, ...]:
    """Return the clauses that a message came under, else all of its direction; none where its terms are not here."""
    applied = [(find_terms(snapshot, row.agreement), row.clause) for row in list_applied(snapshot, item.digest)]
    found = tuple(terms.clauses[place] for terms, place in applied if terms is not None)
    terms = find_terms(snapshot, item.agreement)
    if found or terms is None:
        return found
    sender, recipient = (item.partner, agency) if item.direction == RECEIVED else (agency, item.partner)
    return list_direction(terms, sender, recipient)


def _date(item: UndatedEvidence, clauses: tuple[Clause, ...]) -> EvidenceTerm:
    leaf = _read_leaf(item)
    accepted_at = item.kept_from if leaf is None else leaf.record.time
    ends_at = find_evidence_end(clauses, accepted_at, item.content_until)
    if leaf is None:
        return EvidenceTerm(item.digest, ends_at, None, None)
    return EvidenceTerm(item.digest, ends_at, leaf.index, hash_logged_record(leaf))


def _read_leaf(item: UndatedEvidence) -> LoggedRecord | None:
    """Return the leaf of a message's acceptance; None for a message that none was proven of."""
    try:
        if item.leaf is None:
            return None
        is_received = item.direction == RECEIVED
        return Evidence.from_canonical(item.leaf).leaf if is_received else LoggedRecord.from_canonical(item.leaf)
    except CodecError:
        return None
