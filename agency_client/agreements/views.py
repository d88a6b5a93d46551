"""Agreements as a person reads them: how each version stands, who signed what, and what is due from whom."""

from dataclasses import dataclass
from datetime import datetime

from agency_client.agreements.approving import AwaitedTerms, list_awaited_terms, list_step_approvals
from agency_client.agreements.chains import (
    ENDED,
    MAX_STEP_DOCUMENT_BYTES,
    MIN_REFERENCE_CHARACTERS,
    Agreement,
    choose_newest,
    find_place,
    load_agreement,
    load_all,
    read_step,
)
from agency_client.agreements.reminders import Reminder, ReminderFacts, ReminderKind, list_reminders
from agency_client.local_store.agreements import StoredStep, list_agreements
from agency_client.local_store.approvals import Approval
from agency_client.local_store.checkpoints import SignedCheckpoint, load_newest_checkpoint
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.held_steps import HeldStep, list_held_steps
from agency_client.node import Node
from schemas.agreements.lifecycle import AgreementView, State
from schemas.agreements.steps import Step, StepAction
from schemas.agreements.terms import Terms
from schemas.api import LoggedRecord
from schemas.signed import DocumentType, SignedDocument, read_signatures


@dataclass(frozen=True, slots=True)
class SignedStepLine:
    """One step of the history: `is_logged` tells whether the log has it (if not, it waits here), and where.

    `kids` name the keys that signed it.
    """

    step: Step
    digest: str
    is_logged: bool
    leaf_index: int | None = None
    origin: str = ""
    kids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AgreementLine:
    """One version as it stands, with what has to be done about it."""

    agreement: str
    digest: str
    terms: Terms
    partner: str
    state: State
    because: str
    proposer: str | None
    reminders: tuple[Reminder, ...] = ()

    @property
    def due(self) -> str:
        """Return in words what has to be done and by whom, "" for nothing."""
        return "; ".join(reminder.sentence for reminder in self.reminders)


@dataclass(frozen=True, slots=True)
class AgreementPage:
    """One version in full: its line, the history of the agreement, and steps that wait to be believed."""

    line: AgreementLine
    history: tuple[SignedStepLine, ...]
    held: tuple[HeldStep, ...]


def list_lines(node: Node, *, even_ended: bool = False) -> list[AgreementLine]:
    """Return every version as it stands now, by partner; those that ended only where asked for."""
    now = node.clock.now()
    with node.store.read() as snapshot:
        lines = [
            _make_line(node, snapshot, agreement, view, now)
            for agreement in load_all(snapshot)
            for view in agreement.list_views(now)
        ]
        known = {line.digest for line in lines}
        awaited = [item for item in list_awaited_terms(node, snapshot) if item.digest not in known]
    lines += [_make_awaited_line(node, item) for item in awaited]
    shown = [line for line in lines if even_ended or line.state not in ENDED]
    return sorted(shown, key=lambda line: (line.partner, line.terms.title, line.agreement, -line.terms.version))


def view_page(node: Node, reference: str) -> AgreementPage:
    """Return the version a person means: by its digest, or the one of an agreement that matters most.

    Raises:
        NotFoundError, UsageError: there is no such agreement, or several.
    """
    with node.store.read() as snapshot:
        return read_page(node, snapshot, reference)


def read_page(node: Node, snapshot: Snapshot, reference: str) -> AgreementPage:
    """Return the same as `view_page`, inside a transaction that is open already."""
    now = node.clock.now()
    awaited = _find_awaited(node, snapshot, reference)
    if awaited is not None:
        return AgreementPage(_make_awaited_line(node, awaited), (), ())
    version = choose_newest(snapshot, reference, now, _matters)
    agreement = load_agreement(snapshot, version.agreement.id)
    line = _make_line(node, snapshot, agreement, version.view, now)
    return AgreementPage(line, _list_history(agreement), tuple(list_held_steps(snapshot, agreement.id)))


def read_as_of(node: Node) -> SignedCheckpoint | None:
    """Return the newest checkpoint this node holds: nothing here is newer than that. None before the first contact."""
    with node.store.read() as snapshot:
        return load_newest_checkpoint(snapshot, node.sheet.origin)


_ESTABLISHED = frozenset({State.IN_FORCE, State.SUSPENDED})
_TAKES_OVER = frozenset({State.CONFIRMED, State.IN_FORCE, State.SUSPENDED})


def _find_awaited(node: Node, snapshot: Snapshot, reference: str) -> AwaitedTerms | None:
    """Return terms that wait for a second officer, where their digest or the id of a new agreement is meant."""
    if len(reference) < MIN_REFERENCE_CHARACTERS:
        return None
    known = set(list_agreements(snapshot))
    for item in list_awaited_terms(node, snapshot):
        is_named = item.terms.id not in known and item.terms.id.startswith(reference)
        if is_named or item.digest.startswith(reference):
            return item
    return None


def _make_awaited_line(node: Node, awaited: AwaitedTerms) -> AgreementLine:
    terms, (first, *_) = awaited.terms, awaited.approvals
    because = f"{first.officer} has approved it, and nobody has signed it"
    reminder = Reminder(ReminderKind.APPROVAL, _spell_approval(first), is_ours=True, due_at=first.expires_at)
    partner = terms.counterpart_of(node.agency)
    return AgreementLine(terms.id, awaited.digest, terms, partner, State.DRAFT, because, None, (reminder,))


def _matters(view: AgreementView) -> bool:
    return view.state in _ESTABLISHED


def _make_line(
    node: Node, snapshot: Snapshot, agreement: Agreement, view: AgreementView, now: datetime
) -> AgreementLine:
    terms = agreement.list_terms()[view.digest]
    partner = terms.counterpart_of(node.agency)
    because = view.because
    if view.state is State.DRAFT:
        because = "signed here and not in the log yet: agency sync hands it in"
    reminders = list_reminders(_read_facts(node, snapshot, agreement, view, now), now)
    return AgreementLine(agreement.id, view.digest, terms, partner, view.state, because, view.proposer, reminders)


def _read_facts(
    node: Node, snapshot: Snapshot, agreement: Agreement, view: AgreementView, now: datetime
) -> ReminderFacts:
    versions = agreement.list_terms()
    terms = versions[view.digest]
    waiting = list_step_approvals(node, snapshot, agreement.id)
    return ReminderFacts(
        us=node.agency,
        partner=terms.counterpart_of(node.agency),
        view=view,
        terms=terms,
        confirm_by=_find_confirm_by(agreement, view.digest),
        ends_from=_find_end(agreement),
        successor_from=_find_successor(agreement, view, now),
        approved=tuple(_spell_approval(item) for item in waiting if view.digest in item.what),
    )


def _spell_approval(approval: Approval) -> str:
    action = approval.what.partition(" ")[0]
    until = f"{approval.expires_at:%Y-%m-%d %H:%M}"
    return f"another officer of yours gives {action}, too, by {until}: {approval.officer} has approved it"


def _find_confirm_by(agreement: Agreement, digest: str) -> datetime | None:
    return next(
        (step.confirm_by for step in _list_counting(agreement, StepAction.ACCEPT) if step.digest == digest), None
    )


def _find_end(agreement: Agreement) -> datetime | None:
    """Return the first moment without an agreement that a party has revoked with notice."""
    ends = [step.effective_from for step in _list_counting(agreement, StepAction.REVOKE) if step.effective_from]
    return min(ends, default=None)


def _find_successor(agreement: Agreement, view: AgreementView, now: datetime) -> datetime | None:
    """Return the first day of a confirmed version with a higher number, where there is one."""
    number = agreement.list_terms()[view.digest].version
    others = (other for other in agreement.list_views(now) if other.binding and other.state in _TAKES_OVER)
    days = [other.terms.in_force_from for other in others if other.terms and other.terms.version > number]
    return min(days, default=None)


def _list_counting(agreement: Agreement, action: StepAction) -> list[Step]:
    return [item.step for chain in agreement.counting.values() for item in chain if item.step.action is action]


def _list_history(agreement: Agreement) -> tuple[SignedStepLine, ...]:
    # The log's order is the one both parties share; what it has not got yet follows, by its own time.
    stored = sorted((step for chain in agreement.stored.values() for step in chain), key=_place_in_history)
    return tuple(_make_step_line(step) for step in stored)


def _make_step_line(stored: StoredStep) -> SignedStepLine:
    document = SignedDocument.from_canonical(stored.document, max_bytes=MAX_STEP_DOCUMENT_BYTES)
    slots = read_signatures(document.payload, document.signatures, DocumentType.AGREEMENT_STEP)
    kids = tuple(slot.header.kid for slot in slots)
    index = None if stored.leaf is None else LoggedRecord.from_canonical(stored.leaf).index
    return SignedStepLine(read_step(stored).step, stored.digest, index is not None, index, stored.origin or "", kids)


def _place_in_history(stored: StoredStep) -> tuple[bool, int, datetime, int]:
    place = find_place(stored)
    return place is None, place or 0, stored.recorded_at, stored.party_seq
