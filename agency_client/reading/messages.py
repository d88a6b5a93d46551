"""Read one message: verified once more, recorded in the access log before anything is decrypted, shown, receipted.

Everything here works offline. What a reader is told of the sender is what was just verified from the store, never what
the broker says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from agency_client.aftercare.changing import CorrectedAlert
from agency_client.aftercare.rules import NOTHING_SAID, Standing
from agency_client.aftercare.standing import load_standing
from agency_client.duties.telling import Told, load_told_digest, tell
from agency_client.errors import ClientError, DeniedError, NotFoundError, VerificationFailedError
from agency_client.local_store.content import read_content
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.inbound_streams import has_voided_number
from agency_client.local_store.inbox import (
    InboxMessage,
    InboxState,
    find_verified,
    load_by_digest,
    mark_read,
)
from agency_client.local_store.received_work import list_corrections
from agency_client.local_store.sent import SentMessage, list_deliveries, load_message
from agency_client.node import Node
from agency_client.reading.corrected import read_corrected
from agency_client.reading.terms import NO_TERMS, AppliedTerms, read_applied_terms
from agency_client.receiving.content_rules import read_alert
from agency_client.receiving.errors import UnprovenError
from agency_client.receiving.opening import process_message
from agency_client.receiving.own_receipts import receipt_message
from agency_client.receiving.provenance import VerifiedProvenance, verify_provenance
from agency_client.receiving.rules import MessageFacts
from agency_client.receiving.sealed import SealedEvidence, read_sealed
from agency_client.receiving.verification import (
    EVERYTHING,
    CheckedStep,
    VerifiedMessage,
    verify_message,
)
from agency_client.safeguarding.officers import demand_compartment
from agency_client.safeguarding.reading import find_content_key
from agency_client.witness.standing import is_leaf_witnessed, read_quorum
from keys.errors import KeysError
from keys.sealing import verify_message as verify_content
from schemas.agreements.lifecycle import list_versions
from schemas.alerts import notice_kinds, parse_alert
from schemas.alerts.base import Alert
from schemas.alerts.coded import RestrictedUse
from schemas.codec import CodecError
from schemas.envelope import Message
from schemas.log.records import Action
from schemas.markings import Tlp
from schemas.receipts import ReceiptType
from schemas.signed import SignedDocument

_SHOWS_NOTHING = frozenset({"answer", "verify"})
"""What the access log calls an opening that shows nobody what a message says: no restriction stands against it."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """What was verified about a message, for the line that says by whom and under what.

    `is_disputed`: its sender has since revoked the key, from a moment before the message was accepted.
    """

    sender: str
    key_set: int
    kids: tuple[str, ...]
    agreement: str
    version: int
    leaf_index: int
    accepted_at: datetime
    is_disputed: bool


@dataclass(frozen=True, slots=True)
class ReadMessage:
    """A message as a reader sees it. `followed_by` are the notices about it that came since.

    `standing` is what they make of it; `corrected` is what it says now, where it was corrected. `alert` stays as sent.
    `is_witnessed`: the quorum has seen the leaf of its acceptance. Nobody is kept from reading what it has not seen.
    `is_voided`: its sender has said since that it never arrived. `told` is what the reader is told beside the alert.
    `origin` is where it comes from and by which right, where its sender passed it on.
    """

    stored: InboxMessage
    message: Message
    alert: Alert
    provenance: Provenance
    checks: tuple[CheckedStep, ...]
    followed_by: tuple[InboxMessage, ...] = ()
    is_witnessed: bool = False
    is_voided: bool = False
    standing: Standing = NOTHING_SAID
    corrected: CorrectedAlert | None = None
    told: Told | None = None
    origin: VerifiedProvenance | None = None
    applied: AppliedTerms = NO_TERMS


@dataclass(frozen=True, slots=True)
class ReadOwnMessage:
    """A message of one's own, as it was sealed; `standing` and `corrected` are as in `ReadMessage`."""

    stored: SentMessage
    recipients: tuple[str, ...]
    message: Message
    alert: Alert
    standing: Standing = NOTHING_SAID
    corrected: CorrectedAlert | None = None
    told: Told | None = None


class NotShownError(DeniedError):
    """The message is here and is not shown: refused, taken back before it was opened, restricted, or not proven."""

    default_code = "not-shown"


def find_readable(snapshot: Snapshot, message_id: str) -> InboxMessage | SentMessage:
    """Return the received message whose id begins so, or else the sent one.

    Raises:
        NotFoundError, ConflictError: none is here, or several.
    """
    try:
        return find_verified(snapshot, message_id)
    except NotFoundError as received:
        try:
            return load_message(snapshot, message_id)
        except NotFoundError:
            raise received from None


def read_message(
    node: Node,
    message_id: str,
    *,
    reason: str,
    case: str | None = None,
    verb: str = "read",
    use: RestrictedUse | None = None,
) -> ReadMessage | ReadOwnMessage:
    """Return a message's content to the officer, with the reason on record before it is decrypted.

    The first reading of a received message is receipted as `opened`. `verb` is what the access log calls it. `use` is
    what a restricted message is read for; it is on record with the reason.

    Raises:
        NotFoundError: no such message is here, or its content was erased.
        NotShownError: it was refused, or withdrawn before it was opened, or is restricted and not for this use.
        VerificationFailedError: what the store holds of it does not verify any more.
    """
    with node.store.read() as snapshot:
        found = find_readable(snapshot, message_id)
        standing = load_standing(snapshot, found.digest)
    reason = _demand_use(standing, verb, reason, use)
    if isinstance(found, SentMessage):
        return _read_own(node, found, standing, verb, reason, case)
    if found.state is InboxState.SEALED:
        found = _open_sealed(node, found, verb, reason)
    _demand_opened(found)
    return _read_received(node, found, standing, verb, reason, case)


def _read_received(
    node: Node, found: InboxMessage, standing: Standing, verb: str, reason: str, case: str | None
) -> ReadMessage:
    """Verify a message once more, decrypt it, and gather what its reader must know beside it."""
    with node.store.read() as snapshot:
        verified = verify_message(node, snapshot, found.digest, EVERYTHING)
        followed_by = tuple(
            load_by_digest(snapshot, digest) for digest in list_corrections(snapshot, found.digest, notice_kinds())
        )
        is_voided = has_voided_number(snapshot, found.digest)
        is_witnessed = is_leaf_witnessed(node, read_quorum(node, snapshot), found.origin, found.leaf_index)
    data = _unlock_content(node, found, verb, reason, case)
    message = _verify_content(verified.facts.sealed, data)
    alert = read_alert(message, verified.facts)
    accepted_at = verified.facts.leaf.record.time
    told = tell(node, found.digest, alert, Tlp.from_code(found.marking), as_of=accepted_at)
    _note_first_reading(node, found)
    return ReadMessage(
        found,
        message,
        alert,
        describe_provenance(verified),
        verified.checks,
        followed_by,
        is_witnessed,
        is_voided,
        standing,
        read_corrected(node, found.digest, message, alert, standing, verb=verb, reason=reason, case=case),
        told,
        _read_origin(node, verified.facts, message, alert),
        _read_terms(node, found.digest),
    )


def _read_terms(node: Node, digest: str) -> AppliedTerms:
    with node.store.read() as snapshot:
        return read_applied_terms(snapshot, digest)


def verify_again(node: Node, message_id: str, *, reason: str) -> tuple[InboxMessage, tuple[CheckedStep, ...]]:
    """Verify everything about a received message once more, offline; return every step that held.

    The content is decrypted to compare it with what was signed, and not shown; that too is on record.

    Raises:
        NotFoundError: no such message is here.
        VerificationFailedError: a step does not hold; the step is named.
    """
    with node.store.read() as snapshot:
        found = find_verified(snapshot, message_id)
        verified = verify_message(node, snapshot, found.digest, EVERYTHING)
    if found.state is not InboxState.OPENED or found.erased_at is not None:
        return found, verified.checks
    data = _unlock_content(node, found, "verify", reason, None)
    message = _verify_content(verified.facts.sealed, data)
    alert = read_alert(message, verified.facts)
    origin = _read_origin(node, verified.facts, message, alert)
    content = CheckedStep("content", f"{len(data)} bytes are what the sender committed to and signed, header repeated")
    way = () if origin is None else (CheckedStep("provenance", origin.spell_way()),)
    return found, (*verified.checks, content, *way)


def describe_provenance(verified: VerifiedMessage) -> Provenance:
    """Return what was verified about a message's origin."""
    facts = verified.facts
    header, leaf = facts.sealed.header, facts.leaf
    terms = list_versions(facts.chains_now)[facts.sealed.find_recipient(facts.me).agreement]
    return Provenance(
        sender=header.sender.agency,
        key_set=header.sender.keyset,
        kids=header.sender.kids,
        agreement=terms.title,
        version=terms.version,
        leaf_index=leaf.index,
        accepted_at=leaf.record.time,
        is_disputed=_is_disputed(facts),
    )


def _is_disputed(facts: MessageFacts) -> bool:
    """Return whether the sender has given up the key: from before the message on, or the log hides from when on."""
    kids = facts.sealed.header.sender.kids
    is_hidden = not facts.hidden_revocations.isdisjoint(kids)
    return is_hidden or facts.sender.is_disputed(kids, facts.place, facts.leaf.record.time)


def _read_origin(node: Node, facts: MessageFacts, message: Message, alert: Alert) -> VerifiedProvenance | None:
    with node.store.read() as snapshot:
        return verify_provenance(node, snapshot, facts, message, alert, is_arriving=False)


def _open_sealed(node: Node, found: InboxMessage, verb: str, reason: str) -> InboxMessage:
    """Take a message on that waits sealed for the safeguarding officers, if this is one who has it unlocked."""
    demand_compartment(node, verb, reason, message=found.message_id)
    if found.envelope is None:
        raise NotFoundError("its time was over before anybody opened it, and it was erased", code="content-erased")
    process_message(node, found.digest, EVERYTHING)
    with node.store.read() as snapshot:
        return load_by_digest(snapshot, found.digest)


def _demand_opened(found: InboxMessage) -> None:
    if found.state is InboxState.OPENED:
        return
    if found.state is InboxState.WITHDRAWN:
        raise NotShownError(f"{found.sender} took the message back before it was opened", code="withdrawn")
    why = found.problem.sentence if found.problem else f"it is {found.state.value}"
    raise NotShownError(f"the message of {found.sender} is not shown: {why}", code=f"message-{found.state.value}")


def _demand_use(standing: Standing, verb: str, reason: str, use: RestrictedUse | None) -> str:
    """Return the reason as it goes on record, if the message may be shown for this use."""
    allowed = standing.allowed_uses
    if allowed is None or verb in _SHOWS_NOTHING:
        return reason
    if use is None or use not in allowed:
        codes = " or ".join(code.value for code in RestrictedUse if code in allowed)
        left = f"it may be read for: {codes}" if codes else "no use of it is left"
        fix = f'say what for: agency read ID --reason "…" --for {codes.split(" ")[0]}' if codes else ""
        raise NotShownError(f"the message is restricted; {left}", fix=fix, code="restricted")
    return f"{reason} (restricted; for {use.value})"


def _unlock_content(node: Node, found: InboxMessage, verb: str, reason: str, case: str | None) -> bytes:
    told = load_told_digest(node, found.digest)
    note = node.note_access(
        Action.CONSULTATION, verb, reason, message=found.message_id, partner=found.sender, case=case, conditions=told
    )
    return read_content(node.store, found.digest, note, compartment_key=find_content_key(node, found.digest))


def _verify_content(sealed: SealedEvidence, unverified_data: bytes) -> Message:
    try:
        return verify_content(sealed.header, unverified_data)
    except (KeysError, CodecError) as error:
        raise UnprovenError(f"the content in the store: {error}", fix="restore the last backup") from error


def _note_first_reading(node: Node, found: InboxMessage) -> None:
    now = node.clock.now()
    with node.store.write() as transaction:
        mark_read(transaction, found.digest, at=now)
    try:
        with node.store.write() as transaction:
            receipt_message(node, transaction, found, ReceiptType.OPENED)
    except ClientError:
        return  # It stays owed (`local_store.received_work`); whoever has a reason to read is not kept from it.


def _read_own(
    node: Node, found: SentMessage, standing: Standing, verb: str, reason: str, case: str | None
) -> ReadOwnMessage:
    with node.store.read() as snapshot:
        recipients = tuple(item.recipient for item in list_deliveries(snapshot, found.message_id))
    note = node.note_access(Action.CONSULTATION, verb, reason, message=found.message_id, case=case)
    data = read_content(node.store, found.digest, note, compartment_key=find_content_key(node, found.digest))
    try:
        sealed = read_sealed(SignedDocument.from_canonical(found.evidence))
        message = _verify_content(sealed, data)
        alert = parse_alert(message.alert)
    except CodecError as error:
        raise VerificationFailedError(f"the message in the store: {error}", fix="restore the last backup") from error
    corrected = read_corrected(node, found.digest, message, alert, standing, verb=verb, reason=reason, case=case)
    told = tell(node, found.digest, alert, Tlp.from_code(found.marking), as_of=found.issued_at)
    return ReadOwnMessage(found, recipients, message, alert, standing, corrected, told)


def list_check_lines(checks: Sequence[CheckedStep]) -> list[str]:
    """Return one numbered line for each step that held."""
    return [f"{number}. {check.name}: {check.sentence}" for number, check in enumerate(checks, start=1)]
