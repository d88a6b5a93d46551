"""Pass a received message on to a further agency: only by the originator's leave, which travels with the copy.

The copy is a message of this agency under its own agreement with the recipient, with the originator's alert to the
letter. Without a right nothing is sealed, and the refusal names what is missing and how to ask for it. There is no way
round it: the recipient judges the same by the same rule.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from agency_client.attachments.fetching import Wanted, fetch_attachment
from agency_client.attachments.sealing import PlainFile, plan_resealing, sealing_files
from agency_client.errors import DeniedError, UsageError, VerificationFailedError
from agency_client.local_store.access_log import append_entry
from agency_client.local_store.content import keep_no_longer
from agency_client.local_store.duties import find_duty
from agency_client.local_store.engine import Snapshot, Transaction
from agency_client.local_store.onward import OnwardCopy, list_onward_copies, record_onward_copy
from agency_client.local_store.outbox import OutboxItem, OutboxState, load_item
from agency_client.local_store.sent import load_message
from agency_client.node import Node
from agency_client.onward.consents import HeldDecision, is_standing, load_decisions
from agency_client.onward.held import HeldMessage, load_held, make_provenance, verify_unchanged
from agency_client.onward.rules import (
    Judgement,
    Passing,
    RightKind,
    judge_clause,
    judge_form,
    judge_passing,
    spell_path,
)
from agency_client.receiving.sealed import read_sealed
from agency_client.sending.delivery import deliver_messages
from agency_client.sending.draft import DELIVERY_DAYS
from agency_client.sending.facts import verify_may_send
from agency_client.sending.flow import NotCoveredError
from agency_client.sending.judging import judge_for_partner
from agency_client.sending.seal import SealedLeg, SealingOrder, seal_recipients
from agency_client.statuses.signing import announce_narrowing
from agency_client.wire_names import parse_agency_id
from keys.generation import generate_id
from schemas.alerts.registry import kind_of
from schemas.log.records import Action
from schemas.markings import Purpose, Tlp, Urgency
from schemas.signed import SignedDocument

_VERB = "pass-on"
NECESSITY = "It is passed on by the right that it shows."


class NoRightError(DeniedError):
    """The originator has not allowed it, or its agreement lets nobody allow it."""

    default_code = "consent-missing"


@dataclass(frozen=True, slots=True)
class PassOn:
    """What is to be passed on, to whom and what for. `reason` and `case` stay in this agency's access log.

    `purpose` and `marking` are the ones it came with where nothing else is said; a marking may only be raised. Its
    attachments go with it unless `leaves_attachments`; they are fetched first where they are not here.
    """

    message_id: str
    recipients: tuple[str, ...]
    reason: str
    case: str | None = None
    purpose: Purpose | None = None
    marking: Tlp | None = None
    necessity: str = NECESSITY
    leaves_attachments: bool = False


@dataclass(frozen=True, slots=True)
class PassedOn:
    """One copy: to whom, the way it takes, by which right; `is_repeated`: it went there before, for the same."""

    recipient: str
    way: str
    right: RightKind
    sentence: str
    item: OutboxItem
    is_repeated: bool = False


@dataclass(frozen=True, slots=True)
class _Leg:
    """One recipient with the right by which it gets a copy."""

    recipient: str
    judged: Judgement
    consent: HeldDecision | None


class DisputedError(DeniedError):
    """A report about a document is challenged: a copy of it, to the letter, would not say so."""

    default_code = "challenged"


def pass_on(node: Node, wanted: PassOn, *, deliver: bool = True) -> tuple[PassedOn, ...]:
    """Pass a message on to every agency named, or to none: each copy by a right of its own.

    Raises:
        NotFoundError, UsageError, DeniedError: as `agency_client.onward.held.load_held`.
        NoRightError: a recipient may not have it; the attempt is on record.
        NotCoveredError: no agreement of this agency covers the copy for a recipient.
        AttachmentGoneError, AttachmentForgedError, OfflineError: an attachment could not be fetched; nothing was sent.
        DisputedError: it is a report that is challenged, and a copy would not say so.
    """
    recipients = _read_recipients(wanted.recipients)
    held = load_held(node, wanted.message_id, reason=wanted.reason, case=wanted.case, verb=_VERB)
    _demand_undisputed(node, held, wanted, recipients)
    repeated = _find_repeated(node, held, wanted, recipients)
    missing = [recipient for recipient in recipients if recipient not in repeated]
    decisions = load_decisions(node, held, reason=wanted.reason, case=wanted.case, verb=_VERB) if missing else []
    try:
        legs = [_find_leg(node, held, wanted, recipient, decisions) for recipient in missing]
        sealed = _seal(node, held, wanted, legs)
    except DeniedError:
        _note_denied(node, held, wanted, missing)
        raise
    if deliver and sealed:
        deliver_messages(node, [leg.message_id for leg in sealed])
        announce_narrowing(node)
    with node.store.read() as snapshot:
        copies = _find_copies(snapshot, held, wanted)
        return tuple(
            PassedOn(
                recipient,
                spell_path(held.path_from(node.agency), recipient),
                copies[recipient].right_kind,
                _spell_right(held, copies[recipient]),
                load_item(snapshot, copies[recipient].copy_id),
                is_repeated=recipient in repeated,
            )
            for recipient in recipients
        )


def judge_clauses(held: HeldMessage, recipients: Sequence[str]) -> list[str]:
    """Return why the originator's agreement with this agency lets nobody consent; nothing is known of other clauses."""
    clauses = held.originators_clauses
    return [finding.sentence for clause in clauses for finding in judge_clause(clause, recipients)]


def _read_recipients(named: Sequence[str]) -> list[str]:
    if not named:
        raise UsageError("no recipient was named", fix="name them: --to AL-BP")
    return [parse_agency_id(agency) for agency in dict.fromkeys(named)]


def _demand_undisputed(node: Node, held: HeldMessage, wanted: PassOn, recipients: Sequence[str]) -> None:
    disputed = held.standing.disputed
    if disputed.is_open or disputed.is_upheld:
        _note_denied(node, held, wanted, recipients)
        marks = " and ".join(disputed.words)
        raise DisputedError(f"the report is disputed ({marks}), and goes on to nobody while it is")


def _find_repeated(node: Node, held: HeldMessage, wanted: PassOn, recipients: Sequence[str]) -> set[str]:
    with node.store.read() as snapshot:
        return _find_copies(snapshot, held, wanted).keys() & set(recipients)


def _find_copies(snapshot: Snapshot, held: HeldMessage, wanted: PassOn) -> dict[str, OnwardCopy]:
    """Return the newest copy that went to each agency for this purpose and under this marking, and was not refused."""
    purpose, marking = wanted.purpose or held.message.purpose, wanted.marking or held.marking
    return {
        copy.recipient: copy
        for copy in list_onward_copies(snapshot, held.stored.digest)
        if _describe_copy(snapshot, copy) == (purpose.value, marking.value)
    }


def _describe_copy(snapshot: Snapshot, copy: OnwardCopy) -> tuple[str, str] | None:
    """Return for what and how marked a copy went; None for one that the exchange refused, or that never left."""
    if load_item(snapshot, copy.copy_id).state in (OutboxState.REFUSED, OutboxState.CANCELLED):
        return None
    duty = find_duty(snapshot, copy.copy_digest)
    return "" if duty is None else duty.purpose, load_message(snapshot, copy.copy_id).marking


def _find_leg(node: Node, held: HeldMessage, wanted: PassOn, recipient: str, decisions: Sequence[HeldDecision]) -> _Leg:
    passing = _describe(node, held, wanted, recipient)
    never = [*judge_clauses(held, [recipient]), *(finding.sentence for finding in judge_form(passing))]
    if never:
        raise NoRightError(
            f"{recipient}: {'; '.join(dict.fromkeys(never))}",
            fix="nobody can allow this; let the originator send it itself",
            code="onward-forbidden",
        )
    named = _judge_named(held, passing)
    if named.is_allowed:
        return _Leg(recipient, named, None)
    judged = [(judge_passing(passing, held_decision.decision), held_decision) for held_decision in decisions]
    for judgement, held_decision in judged:
        if judgement.is_allowed:
            return _Leg(recipient, judgement, held_decision)
    nearest = min((judgement for judgement, _ in judged), key=lambda item: len(item.findings), default=named)
    raise NoRightError(
        f"{recipient}: {nearest.sentence}", fix=_spell_question(held, passing), code=nearest.findings[0].code
    )


def _judge_named(held: HeldMessage, passing: Passing) -> Judgement:
    """Judge a copy by the names in the message, as it was sent and as its originator has corrected it since."""
    judged = judge_passing(passing, None)
    if held.corrected is None or not judged.is_allowed:
        return judged
    return judge_passing(replace(passing, alert=held.corrected), None)


def _describe(node: Node, held: HeldMessage, wanted: PassOn, recipient: str) -> Passing:
    return Passing(
        original=held.original,
        alert=held.alert,
        original_marking=held.marking,
        original_purpose=held.original_purpose,
        path=held.path_from(node.agency),
        recipient=recipient,
        marking=wanted.marking or held.marking,
        purpose=wanted.purpose or held.message.purpose,
        at=node.clock.now(),
    )


def _spell_question(held: HeldMessage, passing: Passing) -> str:
    """Return the command that asks for what is missing."""
    return (
        f"ask {held.original.agency}: agency release request {held.stored.message_id} --to {passing.recipient}"
        f' --purpose {passing.purpose.value} --reason "…"'
    )


def _seal(node: Node, held: HeldMessage, wanted: PassOn, legs: Sequence[_Leg]) -> list[SealedLeg]:
    batch, sealed = generate_id(), []
    files = _fetch_files(node, held, wanted) if legs else ()
    compartment = node.compartment if kind_of(held.alert.kind).is_confidential else None
    with (
        sealing_files(node.profile, [leg.recipient for leg in legs], files) as sealed_files,
        node.store.write() as transaction,
    ):
        verify_may_send(transaction, node.sheet.origin)
        _verify_unchanged(transaction, held, legs)
        for leg in legs:
            order = _make_order(node, held, wanted, leg, batch)
            order = replace(order, files=files, sealed_files=sealed_files, compartment=compartment)
            plan = judge_for_partner(node, transaction, order, leg.recipient)
            if not plan.is_allowed:
                raise NotCoveredError(plan)
            (one,) = seal_recipients(node, transaction, order, plan.recipients)
            _record(transaction, held, leg, one, order)
            sealed.append(one)
    return sealed


def _fetch_files(node: Node, held: HeldMessage, wanted: PassOn) -> tuple[PlainFile, ...]:
    """Return the attachments to seal anew for each copy: a ciphertext opens for one message only."""
    if wanted.leaves_attachments or not held.message.attachments:
        return ()
    stored = held.stored
    sealed = read_sealed(SignedDocument.from_canonical(stored.evidence)).payload.attachments
    paths = [fetch_attachment(node, Wanted(stored.sender, stored.message_id, stored.digest, item)) for item in sealed]
    return tuple(
        plan_resealing(path, stored.message_id, outer, inner)
        for path, outer, inner in zip(paths, sealed, held.message.attachments, strict=True)
    )


def _verify_unchanged(transaction: Transaction, held: HeldMessage, legs: Sequence[_Leg]) -> None:
    """Verify that message and consents stand as they were judged: another process may have received meanwhile."""
    verify_unchanged(transaction, held)
    if any(leg.consent is not None and not is_standing(transaction, held, leg.consent) for leg in legs):
        raise NoRightError(f"{held.original.agency} has taken its consent back meanwhile")


def _make_order(node: Node, held: HeldMessage, wanted: PassOn, leg: _Leg, batch: str) -> SealingOrder:
    now = node.clock.now()
    if held.alert.to_wire() != held.message.alert:
        raise VerificationFailedError(
            "this version would not repeat the alert to the letter", fix="use the version that reads it", code="altered"
        )
    consent = None if leg.consent is None else leg.consent.shown
    return SealingOrder(
        alert=held.alert,
        purpose=wanted.purpose or held.message.purpose,
        necessity=wanted.necessity,
        marking=wanted.marking or held.marking,
        urgency=Urgency.from_code(held.stored.urgency),
        issued_at=now,
        expires_at=now + timedelta(days=DELIVERY_DAYS),
        reason=wanted.reason,
        case=wanted.case,
        batch=batch,
        verb=_VERB,
        provenance=make_provenance(node.agency, held.stored, held.message, consent),
    )


def _record(transaction: Transaction, held: HeldMessage, leg: _Leg, sealed: SealedLeg, order: SealingOrder) -> None:
    assert leg.judged.right is not None  # noqa: S101 - `_find_leg` raises otherwise
    copy = OnwardCopy(
        copy_digest=sealed.digest,
        copy_id=sealed.message_id,
        held_digest=held.stored.digest,
        original_digest=held.original.message.digest,
        recipient=leg.recipient,
        right_kind=leg.judged.right,
        consent_digest=None if leg.consent is None else leg.consent.digest,
        passed_on_at=order.issued_at,
    )
    record_onward_copy(transaction, copy)
    # What the originator's agreement ends here, that with the next agency does not keep.
    keep_no_longer(transaction, sealed.digest, than=held.stored.digest)


def _spell_right(held: HeldMessage, copy: OnwardCopy) -> str:
    if copy.right_kind is RightKind.NAMED:
        return f"{held.original.agency} names {copy.recipient} in the message itself"
    return f"{held.original.agency} consented to it"


def _note_denied(node: Node, held: HeldMessage, wanted: PassOn, recipients: Sequence[str]) -> None:
    with node.store.write() as transaction:
        for recipient in recipients:
            note = node.note_access(
                Action.DISCLOSURE,
                _VERB,
                wanted.reason,
                message=held.stored.message_id,
                partner=recipient,
                case=wanted.case,
                outcome="denied",
            )
            append_entry(transaction, note)
