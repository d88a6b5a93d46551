"""Verify one received message in numbered steps, from what the store holds: on arrival, and again whenever asked.

The steps before opening need no private key. On arrival the log must have been walked and the agreement steps pulled
past the message's leaf (`Horizon`): what is not known yet is waited for, never guessed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from agency_client.aftercare.covering import load_covering_clauses
from agency_client.agreements.chains import find_place, is_counting, read_step
from agency_client.directory.directory import AnchorMismatchError
from agency_client.epochs.places import compute_place, number_epoch
from agency_client.epochs.sheets import load_sheet
from agency_client.errors import DeniedError, NotFoundError
from agency_client.local_store.agreements import StoredStep, find_agreement_of_terms, load_chains
from agency_client.local_store.checkpoints import find_last_sight_before, load_walk
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.following import count_received_about
from agency_client.local_store.held_steps import list_held_steps
from agency_client.local_store.inbox import InboxMessage, InboxState, load_by_digest
from agency_client.local_store.sent import find_message_by_digest, list_deliveries
from agency_client.local_store.trust import list_exchanges, load_pin
from agency_client.node import Node
from agency_client.own_keys.documents import load_own_key_sets
from agency_client.receiving.errors import NotCoveredError, UnprovenError, WaitingError
from agency_client.receiving.leaves import verify_accepted_leaf
from agency_client.receiving.rules import (
    KnownMessage,
    MessageFacts,
    check_encryption_key,
    check_header,
    check_moment,
    check_right,
    check_signatures,
    check_standing,
    is_aftercare,
)
from agency_client.receiving.sealed import SealedEvidence, read_sealed
from agency_client.statuses.hidden import list_hidden_agreements, list_hidden_revocations
from agency_client.witness.observer import LogError, hash_logged_record, read_log_keys
from keys.log_keys import LogSignatureError, verify_checkpoint
from keys.timeline import MemberTimeline
from schemas.agreements.lifecycle import Chains
from schemas.api import Evidence, LoggedRecord
from schemas.codec import MAX_INTEGER, CodecError, b64u_decode
from schemas.envelope import Header
from schemas.key_documents import compute_trust_anchor
from schemas.log.tree import LogProofError, verify_inclusion
from schemas.markings import Tlp
from schemas.signed import SignedDocument

PATIENCE = timedelta(days=7)
"""How long after its deadline a message may still wait for what its verification needs."""


@dataclass(frozen=True, slots=True)
class Horizon:
    """Up to which size of the log this node has read all leaves, and all agreement steps it is given."""

    walked: int
    steps: int


EVERYTHING = Horizon(MAX_INTEGER, MAX_INTEGER)
"""For a message that was verified before: what is known now is what counts."""


@dataclass(frozen=True, slots=True)
class CheckedStep:
    """One step that held, in words."""

    name: str
    sentence: str


@dataclass(frozen=True, slots=True)
class VerifiedMessage:
    """A message whose every check before opening has passed."""

    stored: InboxMessage
    facts: MessageFacts
    checks: tuple[CheckedStep, ...]


Check = Callable[[MessageFacts], str]
_CHECKS: tuple[tuple[str, Check], ...] = (
    ("header", check_header),
    ("signatures", check_signatures),
    ("encryption key", check_encryption_key),
    ("agreement", check_right),
)
_ON_ARRIVAL: tuple[tuple[str, Check], ...] = (("moment", check_moment), *_CHECKS, ("standing", check_standing))


def verify_message(node: Node, snapshot: Snapshot, digest: str, horizon: Horizon) -> VerifiedMessage:
    """Verify everything about a stored message that needs no decryption.

    1. The leaf of its acceptance is in the log and about this envelope. 2. The sender is pinned, and its roots are the
    pinned ones. 3. The header. 4. The signatures. 5. The encryption key. 6. The agreement, as it stood at the leaf.
    7. On arrival only: that the leaf's time may be true, and what has narrowed since. What was opened may be read on.

    Raises:
        UnprovenError, WaitingError, NotCoveredError: naming the step that does not hold.
        NotFoundError: the term of its evidence is over, and nothing is left to verify.
    """
    stored = load_by_digest(snapshot, digest)
    if not stored.evidence:
        raise NotFoundError(
            f"the content of message {stored.message_id} was erased, and its evidence with it: their terms are over",
            code="content-erased",
        )
    sealed = read_sealed(SignedDocument.from_canonical(stored.evidence))
    leaf = verify_evidence(node, snapshot, stored, sealed)
    checks = [CheckedStep("log", f"accepted at leaf {leaf.index}, {leaf.record.time:%Y-%m-%d %H:%M:%S} UTC")]
    _demand_horizon(snapshot, node, stored, horizon)
    facts = load_facts(node, snapshot, sealed, leaf, stored.origin)
    anchor = facts.anchors[sealed.header.sender.agency]
    checks.append(CheckedStep("sender", f"{sealed.header.sender.agency}, pinned here to {anchor[:8]}"))
    wanted = _CHECKS if horizon is EVERYTHING else _ON_ARRIVAL
    checks += [CheckedStep(name, check(facts)) for name, check in wanted]
    return VerifiedMessage(stored, facts, tuple(checks))


def verify_evidence(node: Node, snapshot: Snapshot, stored: InboxMessage, sealed: SealedEvidence) -> LoggedRecord:
    """Return the leaf of a message's acceptance if the evidence kept of it proves it, offline.

    The log it stands in may be one of an earlier epoch: its sheet was kept when the next one was accepted.

    Raises:
        UnprovenError: it does not.
    """
    try:
        evidence, sheet = Evidence.from_canonical(stored.leaf), load_sheet(snapshot, stored.origin)
        checkpoint = verify_checkpoint(evidence.checkpoint.encode(), sheet.origin, read_log_keys(sheet))
        path = [b64u_decode(item) for item in evidence.proof]
        digest = hash_logged_record(evidence.leaf)
        verify_inclusion(digest, evidence.leaf.index, checkpoint.size, path, checkpoint.root)
        verify_accepted_leaf(evidence.leaf, sealed, node.agency)
    except (LogSignatureError, LogProofError, CodecError, LogError) as error:
        raise UnprovenError(f"the leaf of its acceptance: {error}", code="log-not-proven") from error
    return evidence.leaf


def load_facts(node: Node, snapshot: Snapshot, sealed: SealedEvidence, leaf: LoggedRecord, origin: str) -> MessageFacts:
    """Return a message, accepted at a leaf of the log `origin`, with all that this node knows around it.

    Raises:
        WaitingError: its sender is not pinned, or the log has not shown its keys yet.
        UnprovenError: the log shows other roots for its sender than the ones pinned.
    """
    sender, me = sealed.header.sender.agency, sealed.find_recipient(node.agency)
    place = compute_place(origin, leaf.index)
    timeline = _read_sender(node, snapshot, sender)
    agreement = find_agreement_of_terms(snapshot, me.agreement)
    return MessageFacts(
        me=node.agency,
        exchange=node.exchange,
        now=node.clock.now(),
        sealed=sealed,
        leaf=leaf,
        place=place,
        sender=timeline,
        mine=_read_own_timeline(node, snapshot),
        anchors=_read_anchors(node, snapshot, sender),
        chains_then=read_chains(snapshot, me.agreement, before=place),
        chains_now=read_chains(snapshot, me.agreement),
        original=_find_original(node, snapshot, sealed.header, place),
        leaf_not_before=_find_last_sight(snapshot, origin, leaf.index),
        is_step_hidden=agreement in list_hidden_agreements(snapshot, sender),
        hidden_revocations=list_hidden_revocations(snapshot, timeline),
        has_held_steps=_has_held_steps(node, snapshot, me.agreement, place),
    )


def read_chains(snapshot: Snapshot, terms_digest: str, *, before: int | None = None) -> Chains:
    """Return the chains of the agreement with these terms: as logs had them before a place, or all that counts."""
    agreement = find_agreement_of_terms(snapshot, terms_digest)
    stored: Mapping[str, list[StoredStep]] = {} if agreement is None else load_chains(snapshot, agreement)
    return {party: [read_step(step) for step in chain if _counts(step, before)] for party, chain in stored.items()}


def _has_held_steps(node: Node, snapshot: Snapshot, terms_digest: str, before: int) -> bool:
    agreement = find_agreement_of_terms(snapshot, terms_digest)
    if agreement is None:
        return False
    held = list_held_steps(snapshot, agreement)
    return any(compute_place(node.sheet.origin, step.leaf_index) < before for step in held)


def _find_last_sight(snapshot: Snapshot, origin: str, index: int) -> datetime | None:
    """Return when this node last saw the logs end before a leaf: its own one, and each that had ended before it began.

    When a log was opened the exchange alone says. Of an earlier one only the walk counts, which takes its leaves: its
    notes may be read from files long after.
    """
    logs = [log for log in list_exchanges(snapshot) if number_epoch(log.origin) <= number_epoch(origin)]
    walks = (load_walk(snapshot, log.origin) for log in logs if log.origin != origin)
    moments = [find_last_sight_before(snapshot, origin, index)]
    moments += [log.opened_at for log in logs if log.origin == origin]
    moments += [walk.walked_at for walk in walks if walk is not None]
    return max((moment for moment in moments if moment is not None), default=None)


def _counts(step: StoredStep, before: int | None) -> bool:
    if before is None:
        return is_counting(step)
    place = find_place(step)
    return place is not None and place < before


def _demand_horizon(snapshot: Snapshot, node: Node, stored: InboxMessage, horizon: Horizon) -> None:
    walk = load_walk(snapshot, stored.origin)
    walked = 0 if walk is None else walk.size
    if horizon is EVERYTHING:
        return
    if stored.origin != node.sheet.origin and stored.leaf_index >= walked:
        raise WaitingError(
            "its log ended before this node had read up to it; it waits for its sender to hand it in again",
            code="log-ended",
        )
    if stored.origin == node.sheet.origin and stored.leaf_index >= min(walked, horizon.walked, horizon.steps):
        raise WaitingError("the log has not been read up to this message yet", code="log-not-read")


def _read_sender(node: Node, snapshot: Snapshot, sender: str) -> MemberTimeline:
    try:
        return node.directory.read_trusted_timeline(snapshot, sender)
    except AnchorMismatchError as error:
        raise UnprovenError(error.sentence, fix=error.fix, code=error.code) from error
    except (DeniedError, NotFoundError) as error:
        raise WaitingError(error.sentence, fix=error.fix, code=error.code) from error


def _read_own_timeline(node: Node, snapshot: Snapshot) -> MemberTimeline:
    timeline = node.directory.read_timeline(snapshot, node.agency)
    if timeline is None:
        raise WaitingError("the log has not shown this agency's own keys yet", code="log-not-read")
    return timeline


def _read_anchors(node: Node, snapshot: Snapshot, sender: str) -> dict[str, str]:
    pin = load_pin(snapshot, sender)
    own = load_own_key_sets(snapshot, node.agency)
    anchors = {} if pin is None else {sender: pin.anchor}
    return anchors | ({node.agency: compute_trust_anchor(node.agency, own[0].key_set.roots)} if own else {})


def _find_original(node: Node, snapshot: Snapshot, header: Header, place: int) -> KnownMessage | None:
    """Return the message that a header follows up, if it is here by right, with what was said about it before.

    `place`: where the header's own acceptance stands over all logs.
    """
    reference, sender, kind = header.refers_to, header.sender.agency, header.routing.kind
    if reference is None or not is_aftercare(kind):
        return None
    clauses = load_covering_clauses(snapshot, node.agency, reference.digest)
    said_before = count_received_about(snapshot, reference.digest, kind, sender)
    sent = find_message_by_digest(snapshot, reference.digest)
    if sent is not None:
        deliveries = list_deliveries(snapshot, sent.message_id)
        agreement = find_agreement_of_terms(snapshot, deliveries[0].agreement) if deliveries else None
        recipients, marking = frozenset(delivery.recipient for delivery in deliveries), Tlp.from_code(sent.marking)
        return KnownMessage(
            sent.message_id, sent.digest, node.agency, recipients, agreement, marking, clauses, said_before
        )
    try:
        received = load_by_digest(snapshot, reference.digest)
    except NotFoundError:
        return None
    if not _is_here_by_right(node, snapshot, received, place):
        return None
    return KnownMessage(
        received.message_id,
        received.digest,
        received.sender,
        frozenset({node.agency}),
        find_agreement_of_terms(snapshot, received.agreement),
        Tlp.from_code(received.marking),
        clauses,
        said_before,
    )


def _is_here_by_right(node: Node, snapshot: Snapshot, received: InboxMessage, place: int) -> bool:
    """Say whether a received message was let through by an agreement, be it opened or not.

    One that still waits is verified for this, unless it follows another up itself: a row of such would be verified
    from its end to its beginning, over and over.
    """
    if received.state is not InboxState.NEW:
        return received.state is not InboxState.UNVERIFIABLE
    if is_aftercare(received.kind) or compute_place(received.origin, received.leaf_index) >= place:
        return False
    try:
        verify_message(node, snapshot, received.digest, EVERYTHING)
    except (UnprovenError, WaitingError, NotCoveredError, NotFoundError):
        return False
    return True
