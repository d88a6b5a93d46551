"""Agreements as a person reads them: how each version stands, who signed what, and what is due from whom."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from agency_client.agreements.chains import Agreement, choose_version, find_place, load_agreement, load_all, read_step
from agency_client.local_store.agreements import StoredStep
from agency_client.local_store.checkpoints import SignedCheckpoint, load_newest_checkpoint
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.held_steps import HeldStep, list_held_steps
from agency_client.node import Node
from schemas.agreements.lifecycle import AgreementView, State
from schemas.agreements.steps import Step, StepAction
from schemas.agreements.terms import Terms

REVIEW_NOTICE = timedelta(days=60)
_NEGOTIABLE = frozenset({State.PROPOSED, State.COUNTERED})


@dataclass(frozen=True, slots=True)
class SignedStepLine:
    """One step of the history: `is_logged` tells whether the log has it (if not, it waits here)."""

    step: Step
    digest: str
    is_logged: bool


@dataclass(frozen=True, slots=True)
class AgreementLine:
    """One version as it stands: `due` says what has to be done and by whom, "" for nothing."""

    agreement: str
    digest: str
    terms: Terms
    partner: str
    state: State
    because: str
    proposer: str | None
    due: str


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
            _make_line(node, agreement, view, now)
            for agreement in load_all(snapshot)
            for view in agreement.list_views(now)
        ]
    shown = [line for line in lines if even_ended or line.state not in _ENDED]
    return sorted(shown, key=lambda line: (line.partner, line.terms.title, line.agreement, -line.terms.version))


def view_page(node: Node, reference: str) -> AgreementPage:
    """Return the version a person means: by its digest, or the one of an agreement that matters most.

    Raises:
        NotFoundError, UsageError: there is none, or several fit.
    """
    with node.store.read() as snapshot:
        return read_page(node, snapshot, reference)


def read_page(node: Node, snapshot: Snapshot, reference: str) -> AgreementPage:
    """Return the same as `view_page`, inside a transaction that is open already."""
    now = node.clock.now()
    version = choose_version(snapshot, reference, now, _matters)
    agreement = load_agreement(snapshot, version.agreement.id)
    line = _make_line(node, agreement, version.view, now)
    return AgreementPage(line, _list_history(agreement), tuple(list_held_steps(snapshot, agreement.id)))


def read_as_of(node: Node) -> SignedCheckpoint | None:
    """Return the newest checkpoint this node holds: nothing here is newer than that. None before the first contact."""
    with node.store.read() as snapshot:
        return load_newest_checkpoint(snapshot, node.sheet.origin)


_ENDED = frozenset({State.REVOKED, State.EXPIRED, State.SUPERSEDED, State.WITHDRAWN, State.REJECTED, State.LAPSED})
_ESTABLISHED = frozenset({State.IN_FORCE, State.SUSPENDED})


def _matters(view: AgreementView) -> bool:
    return view.state in _ESTABLISHED


def _make_line(node: Node, agreement: Agreement, view: AgreementView, now: datetime) -> AgreementLine:
    terms = agreement.list_terms()[view.digest]
    partner = terms.counterpart_of(node.agency)
    because = view.because
    if view.state is State.DRAFT:
        because = "signed here and not in the log yet: agency sync hands it in"
    due = _find_due(node, agreement, view, terms, now)
    return AgreementLine(agreement.id, view.digest, terms, partner, view.state, because, view.proposer, due)


def _find_due(node: Node, agreement: Agreement, view: AgreementView, terms: Terms, now: datetime) -> str:
    partner, is_ours = terms.counterpart_of(node.agency), view.proposer == node.agency
    if view.state in _NEGOTIABLE:
        return f"{partner} answers" if is_ours else "you accept, counter or reject"
    if view.state is State.ACCEPTED:
        until = _find_confirm_by(agreement, view.digest)
        return f"{'you confirm' if is_ours else f'{partner} confirms'} by {until:%Y-%m-%d %H:%M}" if until else ""
    if view.state is State.SUSPENDED and node.agency in view.suspended_by:
        return "you resume"
    if view.state in (State.IN_FORCE, State.CONFIRMED):
        return _find_review(terms, now)
    return ""


def _find_review(terms: Terms, now: datetime) -> str:
    if now + REVIEW_NOTICE >= terms.in_force_until:
        return f"ends on {terms.in_force_until:%Y-%m-%d}"
    if now >= terms.review_by:
        return f"review was due on {terms.review_by:%Y-%m-%d}"
    return f"review by {terms.review_by:%Y-%m-%d}" if now + REVIEW_NOTICE >= terms.review_by else ""


def _find_confirm_by(agreement: Agreement, digest: str) -> datetime | None:
    steps = (item.step for chain in agreement.counting.values() for item in chain)
    return next((step.confirm_by for step in steps if step.action is StepAction.ACCEPT and step.digest == digest), None)


def _list_history(agreement: Agreement) -> tuple[SignedStepLine, ...]:
    # The log's order is the one both parties share; what it has not got yet follows, by its own time.
    stored = sorted((step for chain in agreement.stored.values() for step in chain), key=_place_in_history)
    return tuple(SignedStepLine(read_step(step).step, step.digest, step.leaf is not None) for step in stored)


def _place_in_history(stored: StoredStep) -> tuple[bool, int, datetime, int]:
    place = find_place(stored)
    return place is None, place or 0, stored.recorded_at, stored.party_seq
