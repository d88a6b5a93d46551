"""Take a stored message as far as it goes: verify, open, judge the content, keep it; or set it aside with the reason.

One transaction makes a message verified and opened at once, so that a crash leaves it as new, to be taken up again.
What M says is in the store only under a key of its own, but for what it is found by (`local_store.name_index`); nothing
of it is in memory when the transaction has ended.
"""

from dataclasses import dataclass
from datetime import datetime

from agency_client.aftercare.acting import NoticeOrigin, act_on_notice
from agency_client.aftercare.reported import record_reported
from agency_client.aftercare.standing import load_standing
from agency_client.challenges.taking import take_received, verify_received_challenge
from agency_client.duties.deciding import DecisionMissingError, verify_decided
from agency_client.duties.recording import Passing, record_passing
from agency_client.errors import ConflictError
from agency_client.local_store.access_log import append_entry
from agency_client.local_store.contradictions import ContradictionKind, EquivocationError, keep_contradiction
from agency_client.local_store.engine import Transaction
from agency_client.local_store.inbound_streams import NumberVerdict, receive_number
from agency_client.local_store.inbox import (
    InboxState,
    load_by_digest,
    mark_opened,
    mark_refused,
    mark_unverifiable,
    mark_verified,
    mark_withdrawn,
)
from agency_client.local_store.onward import record_origin
from agency_client.local_store.outbox import settle_delivery
from agency_client.local_store.problems import Problem
from agency_client.local_store.received_work import find_number_holder, has_withdrawal, note_waiting
from agency_client.local_store.releases import note_release
from agency_client.local_store.sent import (
    DeliveryFact,
    RecordedFact,
    SentMessage,
    find_message_by_digest,
    list_deliveries,
)
from agency_client.node import Node
from agency_client.profiles.key_store import KeyMissingError
from agency_client.receiving.applied_terms import record_applied_terms
from agency_client.receiving.confidential import (
    describe_opened,
    is_confidential,
    keep_sealed,
    load_opening_key,
)
from agency_client.receiving.content_rules import AcceptedContent, accept_content
from agency_client.receiving.errors import NotCoveredError, UnprovenError, WaitingError, WithheldError
from agency_client.receiving.provenance import VerifiedProvenance, describe_origin, verify_provenance
from agency_client.receiving.rules import MessageFacts
from agency_client.receiving.verification import PATIENCE, Horizon, VerifiedMessage, verify_message
from agency_client.safeguarding.compartment import Compartment
from agency_client.safeguarding.following import find_open_words
from agency_client.safeguarding.keeping import keep_message
from agency_client.witness.gossip import note_sighting
from keys.errors import KeysError
from keys.sealing import OpenedMessage, open_envelope, parse_envelope
from schemas.alerts.base import Alert
from schemas.alerts.coded import NoticeEffect
from schemas.alerts.kinds.acknowledgement import Acknowledgement
from schemas.codec import CodecError
from schemas.envelope import CONFIDENTIAL_KIND
from schemas.log.records import Action

_ANSWERING_KINDS = frozenset(
    {
        *("document-verification-reply", "information-reply", "joint-operation-reply"),
        *("outcome", "acknowledgement", "release-decision"),
    }
)
"""Kinds by which a partner answers a message of one's own."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one message: its state, and why it is not opened where it is not."""

    digest: str
    state: InboxState
    problem: Problem | None = None


def process_message(node: Node, digest: str, horizon: Horizon, *, awaited: frozenset[str] = frozenset()) -> Finding:
    """Verify, open and keep one message that is new here. `awaited` are messages whose withdrawal is on its way.

    Whatever becomes of it is recorded; only faults of this node itself are raised.
    """
    try:
        if digest in awaited:
            raise WaitingError("the exchange says that its sender has taken it back", code="withdrawal-awaited")
        return _take_in(node, digest, horizon)
    except WaitingError as error:
        return _wait(node, digest, error)
    except EquivocationError as error:
        keep_contradiction(node.store, error, at=node.clock.now())
        return _set_aside(node, digest, Problem("number-reused", error.sentence))
    except NotCoveredError as error:
        return _refuse(node, digest, Problem(error.code, error.sentence))
    except (UnprovenError, ConflictError) as error:
        return _set_aside(node, digest, Problem(error.code, error.sentence))


def open_message(node: Node, verified: VerifiedMessage, compartment: Compartment | None = None) -> OpenedMessage:
    """Open the sealed bytes of a verified message, in the safeguarding compartment where it is given.

    Raises:
        UnprovenError: they do not open, or hold something else than was signed for.
        WaitingError: the private key is not on this node.
    """
    if verified.stored.envelope is None:
        raise UnprovenError("the sealed bytes are not here any more", code="body-missing")
    facts = verified.facts
    kid = facts.sealed.find_recipient(facts.me).kid
    try:
        parsed = parse_envelope(verified.stored.envelope)
        return open_envelope(parsed, facts.me, load_opening_key(node, kid, compartment))
    except KeyMissingError as error:
        raise WaitingError(error.sentence, fix=error.fix, code=error.code) from error
    except (KeysError, CodecError) as error:
        raise UnprovenError(str(error), code=error.code) from error


def _read_provenance(node: Node, facts: MessageFacts, content: AcceptedContent) -> VerifiedProvenance | None:
    """Verify where content comes from that was passed on; None where it is its sender's own.

    Raises:
        UnprovenError, WaitingError, NotCoveredError: as `receiving.provenance.verify_provenance`.
    """
    with node.store.read() as snapshot:
        return verify_provenance(node, snapshot, facts, content.message, content.alert, is_arriving=True)


def _take_in(node: Node, digest: str, horizon: Horizon) -> Finding:
    with node.store.read() as snapshot:
        verified = verify_message(node, snapshot, digest, horizon)
        is_withdrawn = has_withdrawal(snapshot, verified.stored.sender, digest)
    if is_withdrawn:
        return _withdraw(node, digest)
    compartment = node.compartment if is_confidential(verified.facts) else None
    if is_confidential(verified.facts) and compartment is None:
        return _keep_sealed(node, verified)
    opened = open_message(node, verified, compartment)
    content = accept_content(verified.facts, opened.message)
    _demand_said_in_compartment(node, verified.facts, content.alert)
    provenance = _read_provenance(node, verified.facts, content)
    with node.store.write() as transaction:
        if load_by_digest(transaction, digest).state not in (InboxState.NEW, InboxState.SEALED):
            return Finding(digest, load_by_digest(transaction, digest).state)  # another process was quicker
        if provenance is not None:
            record_origin(transaction, describe_origin(verified.facts, provenance))
            _demand_not_taken_back(transaction, digest, provenance)
        note_release(transaction, digest, content.alert)
        effect = _keep(node, transaction, verified, opened, content, provenance, compartment)
    if effect is NoticeEffect.ERASED:
        node.store.truncate_wal()
    return Finding(digest, InboxState.OPENED)


def _demand_not_taken_back(transaction: Transaction, digest: str, provenance: VerifiedProvenance) -> None:
    """Demand of a copy that its originator has not taken the same message back here, whoever sends it once more."""
    standing = load_standing(transaction, digest)
    if standing.is_withdrawn or standing.is_to_be_erased:
        raise NotCoveredError(f"{provenance.originator} has taken this message back", code="withdrawn")


def _keep(
    node: Node,
    transaction: Transaction,
    verified: VerifiedMessage,
    opened: OpenedMessage,
    content: AcceptedContent,
    provenance: VerifiedProvenance | None,
    compartment: Compartment | None,
) -> NoticeEffect | None:
    """Keep what was opened and let it work on what it refers to; return what it did there if it is a notice."""
    now, digest = node.clock.now(), verified.stored.digest
    mark_verified(transaction, digest, at=now)
    _receive_number(transaction, verified, now)
    _demand_decision(transaction, content.alert)
    verify_received_challenge(transaction, content.alert)
    alert = content.alert
    data, until = opened.message_bytes, content.retain_until
    keep_message(transaction, digest, data, alert, compartment, at=now, until=until)
    mark_opened(transaction, digest, describe_opened(content, verified.facts), at=now)
    _note_received(node, transaction, verified, "received over the exchange")
    clauses = tuple(item.clause for item in content.applied)
    marking = verified.facts.sealed.header.routing.marking
    record_passing(transaction, Passing(digest, alert, marking, content.message.purpose, clauses, now))
    record_applied_terms(transaction, verified.facts, content.applied, origin=verified.stored.origin)
    seen, issued_at = opened.message.checkpoint, verified.facts.sealed.header.issued_at
    said_at = issued_at if provenance is None else provenance.original.header.issued_at
    take_received(transaction, digest, alert, sender=verified.stored.sender, said_at=said_at)
    note_sighting(node, transaction, verified.stored.sender, seen, at=issued_at)
    return _apply(node, transaction, verified.facts, alert, provenance)


def _keep_sealed(node: Node, verified: VerifiedMessage) -> Finding:
    """Keep what only safeguarding officers open; what was receipted for it says that it is here, and no more."""
    digest = verified.stored.digest
    with node.store.write() as transaction:
        state = load_by_digest(transaction, digest).state
        if state is not InboxState.NEW:
            return Finding(digest, state)  # another process was quicker
        keep_sealed(transaction, verified.facts)
        _receive_number(transaction, verified, node.clock.now())
        _note_received(node, transaction, verified, "received over the exchange, sealed for the safeguarding officers")
    return Finding(digest, InboxState.SEALED)


def _note_received(node: Node, transaction: Transaction, verified: VerifiedMessage, reason: str) -> None:
    stored = verified.stored
    note = node.note_access(Action.COLLECTION, "receive", reason, message=stored.message_id, partner=stored.sender)
    append_entry(transaction, note)


def _demand_said_in_compartment(node: Node, facts: MessageFacts, alert: Alert) -> None:
    """Demand of what follows a confidential message up that it says nothing of it outside the compartment."""
    reference = facts.sealed.header.refers_to
    if reference is None:
        return
    with node.store.read() as snapshot:
        found = find_open_words(snapshot, alert, reference)
    if found:
        raise NotCoveredError("; ".join(str(problem) for problem in found), code="said-openly")


def _demand_decision(transaction: Transaction, alert: Alert) -> None:
    try:
        verify_decided(transaction, alert)
    except DecisionMissingError as error:
        raise NotCoveredError(error.sentence, code=error.code) from error


def _receive_number(transaction: Transaction, verified: VerifiedMessage, now: datetime) -> None:
    stored = verified.stored
    verdict = receive_number(transaction, stored.sender, stored.stream, stored.n, digest=stored.digest, at=now)
    if verdict is NumberVerdict.VOIDED:
        raise NotCoveredError(
            f"{stored.sender} has said that its number {stored.n} would never arrive", code="number-voided"
        )
    if verdict is NumberVerdict.REUSED:
        other = find_number_holder(transaction, stored.sender, stored.stream, stored.n)
        if not other:
            # The term of the first one's evidence is over: it is refused all the same, and nothing proves it to others.
            raise UnprovenError(
                f"{stored.sender} has used number {stored.n} of its stream before", code="number-reused"
            )
        raise EquivocationError(
            f"{stored.sender} signed two messages number {stored.n} of one stream",
            kind=ContradictionKind.STREAM_NUMBER,
            signer=stored.sender,
            documents=(other, stored.evidence),
        )


def _apply(
    node: Node,
    transaction: Transaction,
    facts: MessageFacts,
    alert: Alert,
    provenance: VerifiedProvenance | None,
) -> NoticeEffect | None:
    """Let a message work on the one it refers to: an answer settles a delivery, a notice is acted on."""
    header = facts.sealed.header
    reference, sender = header.refers_to, header.sender.agency
    if reference is None:
        return None
    sent = find_message_by_digest(transaction, reference.digest)
    if sent is not None and alert.kind in _ANSWERING_KINDS:
        recipients = {delivery.recipient for delivery in list_deliveries(transaction, sent.message_id)}
        if sender in recipients:
            _settle_answered(node, transaction, facts, alert, sent)
    origin = NoticeOrigin(sender, facts.sealed.digest, header.issued_at, reference.digest)
    if provenance is not None:
        original = provenance.original
        about = "" if original.header.refers_to is None else original.header.refers_to.digest
        origin = NoticeOrigin(provenance.originator, provenance.reference.digest, original.header.issued_at, about)
    return act_on_notice(node, transaction, facts.sealed.digest, alert, reference, origin)


def _settle_answered(
    node: Node, transaction: Transaction, facts: MessageFacts, alert: Alert, sent: SentMessage
) -> None:
    """Record an answer; what a node reports by itself of a notice is kept apart, since a person's answer is due."""
    now, sender = node.clock.now(), facts.sealed.header.sender.agency
    if isinstance(alert.details, Acknowledgement):
        record_reported(transaction, sent.digest, sender, alert.details, at=now)
        if alert.details.is_automatic:
            return
    fact = RecordedFact(DeliveryFact.ANSWERED, now, reason=alert.kind, evidence=facts.sealed.digest)
    settle_delivery(transaction, sent.message_id, sender, fact)


def _wait(node: Node, digest: str, error: WaitingError) -> Finding:
    """Try a message again later, until its time is over: what was only withheld is refused then, the rest unproven."""
    problem = Problem(error.code, error.sentence)
    with node.store.read() as snapshot:
        stored = load_by_digest(snapshot, digest)
    if stored.state is InboxState.SEALED:
        return Finding(digest, InboxState.SEALED, problem)
    if node.clock.now() < stored.expires_at + PATIENCE:
        if stored.problem != problem:
            with node.store.write() as transaction:
                note_waiting(transaction, digest, problem)
        return Finding(digest, InboxState.NEW, problem)
    over = Problem(error.code, f"{error.sentence}; and its time is over")
    return _refuse(node, digest, over) if isinstance(error, WithheldError) else _set_aside(node, digest, over)


def _set_aside(node: Node, digest: str, problem: Problem) -> Finding:
    openly = _spell_openly(node, digest, problem)
    with node.store.write() as transaction:
        mark_unverifiable(transaction, digest, openly)
    return Finding(digest, InboxState.UNVERIFIABLE, problem)


def _refuse(node: Node, digest: str, problem: Problem) -> Finding:
    """Refuse a genuine message; one under the id of another that is here is none, and keeps nothing behind it."""
    openly = _spell_openly(node, digest, problem)
    try:
        with node.store.write() as transaction:
            mark_verified(transaction, digest, at=node.clock.now())
            mark_refused(transaction, digest, openly)
    except ConflictError as error:
        return _set_aside(node, digest, Problem(error.code, error.sentence))
    return Finding(digest, InboxState.REFUSED, problem)


def _spell_openly(node: Node, digest: str, problem: Problem) -> Problem:
    """Return a problem as every officer may read it: who opens what is confidential is told more than its code."""
    with node.store.read() as snapshot:
        is_open = load_by_digest(snapshot, digest).kind != CONFIDENTIAL_KIND
    if is_open or node.compartment is None:
        return problem
    return Problem(problem.code, "what it says is part of why, and only who opened it in the compartment was told that")


def _withdraw(node: Node, digest: str) -> Finding:
    with node.store.write() as transaction:
        mark_withdrawn(transaction, digest, at=node.clock.now())
    return Finding(digest, InboxState.WITHDRAWN)
