"""Seal what a plan allows: numbers, envelopes, own copies, outbox and access log, all in the caller's one transaction.

One envelope for each recipient, with its own id and content key, in the same thread: no partner learns of another. The
moment comes in with `SealingOrder`, randomness from `keys.generation`; nothing is sent here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from agency_client.aftercare.acting import NoticeOrigin, note_own_notice
from agency_client.attachments.sealing import PlainFile, SealedFiles, describe_unsealed
from agency_client.challenges.taking import take_own
from agency_client.duties.conditions import spell_codes
from agency_client.duties.recording import Passing, record_sending
from agency_client.errors import ConflictError, DeniedError, UsageError
from agency_client.local_store.access_log import append_entry
from agency_client.local_store.applied import AppliedClauseRow, keep_applied
from agency_client.local_store.checkpoints import load_newest_checkpoint
from agency_client.local_store.engine import Snapshot, Transaction
from agency_client.local_store.outbox import enqueue_message
from agency_client.local_store.releases import note_release
from agency_client.local_store.sent import Delivery, SentMessage
from agency_client.local_store.streams import allocate_number
from agency_client.node import Node
from agency_client.safeguarding.compartment import Compartment
from agency_client.safeguarding.following import hide_what_follows
from agency_client.safeguarding.keeping import demand_place, keep_message
from agency_client.sending.plan import Option, RecipientPlan, choose_regardless, find_retention_days
from agency_client.sending.summary import SentSummary, write_summary
from agency_client.statuses.freshness import spell_age
from agency_client.witness.observer import LogError
from keys.errors import EnvelopeError
from keys.generation import generate_id, generate_salt, generate_seed, generate_stream_id
from keys.sealing import SealedMessage, seal_message
from keys.signing import Signer
from schemas.alerts import Alert
from schemas.alerts.header_rules import choose_shown_kind, verify_header_agrees
from schemas.alerts.registry import kind_of
from schemas.attachments import measure_sealed
from schemas.disclosure import read_original_header
from schemas.envelope import (
    Header,
    HeaderRecipient,
    HeaderSender,
    Message,
    Provenance,
    Reference,
    Routing,
    SeenCheckpoint,
    pad_message,
)
from schemas.key_documents import EncryptionKey
from schemas.log.records import Action
from schemas.markings import Purpose, Tlp, Urgency
from schemas.signed import KeyUse, SignedDocument


@dataclass(frozen=True, slots=True)
class SealingOrder:
    """What all envelopes of one sending share. `batch` names it; `reason` and `case` are for the access log.

    `old_status_override`: why it goes to a partner whose newest status is too old; for the access log as well.
    `is_renewal`: the same content was sealed before. `provenance`: the alert is another agency's and stands to the
    letter; `follows` is then what the header refers to, since the alert refers to what its author knew. `files` go with
    each envelope; `sealed_files` are they by recipient, once they are sealed. `compartment` is the sender's, unlocked,
    into which the own copy of what is confidential goes.
    """

    alert: Alert
    purpose: Purpose
    necessity: str
    marking: Tlp
    urgency: Urgency
    issued_at: datetime
    expires_at: datetime
    reason: str
    case: str | None
    batch: str
    verb: str = "send"
    unchecked: bool = False
    old_status_override: str | None = None
    is_renewal: bool = False
    provenance: Provenance | None = None
    follows: Reference | None = None
    compartment: Compartment | None = field(default=None, repr=False)
    files: tuple[PlainFile, ...] = ()
    sealed_files: Mapping[str, SealedFiles] = field(default_factory=dict)

    def find_files(self, recipient: str) -> SealedFiles:
        """Return the id of the message to a recipient, and the attachments sealed for it.

        Raises:
            ConflictError: there are files, and none were sealed for this recipient.
        """
        if not self.files:
            return SealedFiles(generate_id())
        found = self.sealed_files.get(recipient)
        if found is None:
            raise ConflictError(
                f"{recipient} came into reach while the files were sealed", fix="send it again", code="files-unsealed"
            )
        return found


@dataclass(frozen=True, slots=True)
class SealedLeg:
    """One envelope in the outbox: its id and digest, to whom, and under which version of which agreement."""

    message_id: str
    digest: str
    recipient: str
    agreement: str
    title: str


@dataclass(frozen=True, slots=True)
class _Seal:
    """Who signs, and the newest tree head this node has seen."""

    signer: Signer
    sender: HeaderSender
    checkpoint: SeenCheckpoint


def measure_ciphertext(node: Node, snapshot: Snapshot, order: SealingOrder) -> int:
    """Return how many bytes the ciphertexts will have, those of attachments too: the same for every recipient.

    Raises:
        UsageError: the content is larger than a message may be.
    """
    filler = "A" * 43
    stand_in = HeaderRecipient(agency="A" * 32, kid=filler, agreement=filler, stream="A" * 22, n=10**9)
    files = describe_unsealed(order.files)
    message = _write_message(node, _prepare(node, snapshot), order, stand_in, files, order.alert, None)
    try:
        length = len(pad_message(message))
    except ValueError as error:
        raise UsageError(str(error), code="too-large") from error
    return measure_sealed(length) + sum(item.size for item in files.sealed)


def seal_recipients(
    node: Node, transaction: Transaction, order: SealingOrder, recipients: tuple[RecipientPlan, ...]
) -> tuple[SealedLeg, ...]:
    """Seal and queue one envelope for each recipient of a plan, in this transaction.

    Raises:
        DeniedError: a recipient has no key or no agreement to cite, or the sealed message is larger than agreed.
        KeySetUnusableError: this node may sign no message.
        LogError: this node has not seen the log yet.
    """
    seal = _prepare(node, transaction)
    return tuple(seal_one(node, transaction, order, recipient, seal=seal) for recipient in recipients)


def seal_one(
    node: Node,
    transaction: Transaction,
    order: SealingOrder,
    recipient: RecipientPlan,
    *,
    replaces: Reference | None = None,
    seal: _Seal | None = None,
) -> SealedLeg:
    """Seal and queue the envelope for one recipient; `replaces` names a refused one that it takes the place of.

    Raises:
        as `seal_recipients`.
    """
    seal, place = seal or _prepare(node, transaction), demand_place(order.alert, order.compartment)
    order = _hide_what_follows(transaction, order, recipient)
    option, key = _demand_option(order, recipient), _demand_key(recipient)
    files = order.find_files(recipient.agency)
    message_id = files.message_id
    override = _note_override(node, transaction, order, recipient, message_id)
    number = allocate_number(
        transaction, recipient.agency, message_id, make_stream=generate_stream_id, at=order.issued_at
    )
    header_recipient = HeaderRecipient(
        agency=recipient.agency, kid=key.kid, agreement=option.view.digest, stream=number.stream, n=number.n
    )
    alert = _refer(order, recipient)
    message = _write_message(node, seal, order, header_recipient, files, alert, replaces)
    verify_header_agrees(alert, message.header, original=read_original_header(message))
    sealed = _seal(message, key, seal.signer, files)
    _verify_size(order, option, sealed, files)
    delivery = Delivery(recipient.agency, option.view.digest, number.stream, number.n)
    until = _find_retention_end(order, option, node.agency, recipient.agency)
    data, issued_at = sealed.message_bytes, sealed.header.issued_at
    keep_message(transaction, sealed.digest, data, alert, place, at=issued_at, until=until)
    summary = SentSummary("", order.batch, order.unchecked, override, "")
    if place is None:
        summary = replace(summary, subject=alert.subject, handling=spell_codes(alert))
    sent = _describe(node, order, sealed, replaces, summary)
    enqueue_message(transaction, sent, [delivery], sealed.envelope.canonical())
    note_release(transaction, sealed.digest, alert)
    if order.provenance is None:
        note_own_notice(transaction, sealed.digest, alert, NoticeOrigin(node.agency, sealed.digest, order.issued_at))
    _note_disclosure(node, transaction, order, message_id, recipient.agency)
    clauses = () if option.clause is None else (option.clause,)
    passing = Passing(sealed.digest, alert, order.marking, order.purpose, clauses, order.issued_at)
    _keep_applied(transaction, sealed, option)
    record_sending(transaction, passing, recipient.agency, option.terms)
    take_own(transaction, sealed.digest, alert, agency=node.agency, said_at=order.issued_at)
    return SealedLeg(message_id, sealed.digest, recipient.agency, option.view.digest, option.terms.title)


def _hide_what_follows(snapshot: Snapshot, order: SealingOrder, recipient: RecipientPlan) -> SealingOrder:
    """Take out what would repeat a confidential message that this one follows up."""
    reference = order.follows or order.alert.in_reply_to
    if recipient.original is not None and order.provenance is None:
        reference = recipient.original.reference
    if reference is None:
        return order
    is_passed_on = order.provenance is not None
    return replace(order, alert=hide_what_follows(snapshot, order.alert, reference, is_passed_on=is_passed_on))


def _prepare(node: Node, snapshot: Snapshot) -> _Seal:
    newest = load_newest_checkpoint(snapshot, node.sheet.origin)
    if newest is None:
        raise LogError("this node has not seen the log yet", fix="run: agency sync")
    signer = node.read_signer(snapshot, KeyUse.MESSAGE)
    key_set = node.read_own_key_set(snapshot).key_set
    sender = HeaderSender(agency=node.agency, keyset=key_set.seq, kids=signer.kids)
    return _Seal(signer, sender, SeenCheckpoint(origin=newest.origin, size=newest.size, root=newest.root))


def _write_message(
    node: Node,
    seal: _Seal,
    order: SealingOrder,
    recipient: HeaderRecipient,
    files: SealedFiles,
    alert: Alert,
    replaces: Reference | None,
) -> Message:
    header = Header(
        v=1,
        exchange=node.exchange,
        id=files.message_id,
        issued_at=order.issued_at,
        expires_at=order.expires_at,
        sender=seal.sender,
        recipients=(recipient,),
        routing=Routing(kind=choose_shown_kind(alert.kind), marking=order.marking, urgency=order.urgency),
        refers_to=(order.follows or alert.in_reply_to) if kind_of(alert.kind).needs_refers_to else None,
    )
    return Message(
        header=header,
        salt=generate_salt(),
        checkpoint=seal.checkpoint,
        purpose=order.purpose,
        necessity=order.necessity,
        alert=alert.to_wire(),
        attachments=files.inside,
        replaces=replaces,
        provenance=order.provenance,
        padding="",
    )


def _refer(order: SealingOrder, recipient: RecipientPlan) -> Alert:
    """Return the alert as this recipient gets it: what it refers to is the message that recipient has, under its id."""
    alert = order.alert
    if recipient.original is None or order.provenance is not None:
        return alert
    return alert.model_copy(update={"in_reply_to": recipient.original.reference})


def _seal(message: Message, key: EncryptionKey, signer: Signer, files: SealedFiles) -> SealedMessage:
    try:
        return seal_message(message, [key.jwk], signer, content_key=generate_seed(), attachments=files.sealed)
    except EnvelopeError as error:
        raise UsageError(str(error), code=error.code) from error


def _demand_option(order: SealingOrder, recipient: RecipientPlan) -> Option:
    option = choose_regardless(recipient) if order.unchecked else recipient.chosen
    if option is None:
        raise DeniedError(recipient.explain(), code="not-covered")
    return option


def _demand_key(recipient: RecipientPlan) -> EncryptionKey:
    if recipient.encryption_key is None:
        raise DeniedError(recipient.explain(), code="encryption-key-not-current")
    return recipient.encryption_key


def _verify_size(order: SealingOrder, option: Option, sealed: SealedMessage, files: SealedFiles) -> None:
    clause = option.clause
    size = len(sealed.envelope.ciphertext_bytes) + sum(item.size for item in files.sealed)
    if clause is not None and size > clause.max_bytes and not order.unchecked:
        raise DeniedError(f"the message has {size} bytes, {clause.max_bytes} were agreed", code="too-large")


def _keep_applied(transaction: Transaction, sealed: SealedMessage, option: Option) -> None:
    if option.clause is None:
        return
    row = AppliedClauseRow(
        sealed.digest,
        option.view.digest,
        option.terms.clauses.index(option.clause),
        sealed.header.issued_at.date(),
        tuple(receipt.value for receipt in option.clause.receipts),
    )
    keep_applied(transaction, row)


def _find_retention_end(order: SealingOrder, option: Option, sender: str, recipient: str) -> datetime:
    end = order.issued_at + timedelta(days=find_retention_days(option, sender, recipient))
    if order.alert.retain_until is None:
        return end
    own = datetime.fromisoformat(order.alert.retain_until).replace(tzinfo=UTC) + timedelta(days=1)
    return min(end, own)


def _describe(
    node: Node, order: SealingOrder, sealed: SealedMessage, replaces: Reference | None, summary: SentSummary
) -> SentMessage:
    envelope, header = sealed.envelope, sealed.header
    return SentMessage(
        message_id=header.id,
        digest=sealed.digest,
        thread=order.batch if kind_of(order.alert.kind).is_confidential else order.alert.thread,
        kind=order.alert.kind,
        marking=order.marking.value,
        urgency=order.urgency.value,
        issued_at=header.issued_at,
        expires_at=header.expires_at,
        refers_to=header.refers_to.digest if header.refers_to else None,
        replaces=replaces.digest if replaces else None,
        evidence=SignedDocument(payload=envelope.payload, signatures=envelope.signatures).canonical(),
        summary=write_summary(summary),
        officer=node.officer,
        created_at=order.issued_at,
    )


def _note_disclosure(
    node: Node, transaction: Transaction, order: SealingOrder, message_id: str, recipient: str
) -> None:
    note = node.note_access(
        Action.DISCLOSURE, order.verb, order.reason, message=message_id, partner=recipient, case=order.case
    )
    append_entry(transaction, note)


def _note_override(
    node: Node, transaction: Transaction, order: SealingOrder, recipient: RecipientPlan, message_id: str
) -> str:
    """Record, before anything is sealed, that a partner's old status is overridden, how old it is and why."""
    age = recipient.status_age
    if recipient.overridden is None or order.old_status_override is None or age is None:
        return ""
    note = node.note_access(
        Action.DISCLOSURE,
        "override-old-status",
        f"{order.old_status_override} (no status for {spell_age(age.age)})",
        message=message_id,
        partner=recipient.agency,
        case=order.case,
    )
    append_entry(transaction, note)
    return order.old_status_override
