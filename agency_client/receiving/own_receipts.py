"""Receipts this agency owes: sign them, seal them for each partner, hand them in.

What is owed follows from the state of the inbox (`local_store.received_work`); what an officer says of a message
(accepted, refused, acted) is signed in the transaction in which it is said. One document covers all messages of one
type for one partner. Receipts are never receipted and name no officer. Those of partners are taken in by
`agency_client.receiving.partner_receipts`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from agency_client.errors import ClientError, DeniedError, NotFoundError, VerificationFailedError
from agency_client.local_store.applied import is_receipt_required
from agency_client.local_store.dispatch import (
    Dispatch,
    DispatchKind,
    list_due_dispatches,
    queue_again,
    queue_document,
    record_dispatch_failed,
    record_dispatch_refused,
    record_dispatched,
)
from agency_client.local_store.engine import Transaction
from agency_client.local_store.inbox import InboxMessage
from agency_client.local_store.problems import Problem
from agency_client.local_store.receipts import (
    Direction,
    ReceiptSubject,
    StoredReceipt,
    has_own_receipt,
    record_receipt,
    replace_receipt_document,
)
from agency_client.local_store.received_work import NUMBER_VOIDED, OwedReceipt, list_owed_receipts
from agency_client.node import Node
from agency_client.refusals import INBOX_FULL, RefusedConflictError, RefusedError, read_member_refusal
from agency_client.statuses.hidden import find_untrusted_sealing
from agency_client.syncing.submitting import next_attempt_after
from agency_client.witness.evidence import verify_record_says
from agency_client.witness.observer import LogError
from keys.container import KEY_BYTES
from keys.generation import generate_bytes, generate_salt
from keys.receipts import seal_receipt
from keys.signing import SeedSigner, sign_document
from schemas.api import RECEIPT_BATCHES_PATH, RECEIPTS_PATH, EvidenceList, LoggedRecord, ReceiptsRequest
from schemas.batches import (
    MAX_BATCH_MEMBERS,
    MAX_RECEIPT_BATCH_BYTES,
    BatchAnswer,
    BatchMember,
    RefusedMember,
    join_batch,
)
from schemas.jwk import AkpJwk
from schemas.log.checkpoint import Checkpoint
from schemas.log.records import RecordType
from schemas.receipts import (
    MAX_MESSAGES_PER_RECEIPT,
    MAX_RECEIPT_BYTES,
    Receipt,
    ReceiptedMessage,
    ReceiptType,
    SealedReceipt,
)
from schemas.signed import DocumentType, EncryptionUse, KeyUse, SignedDocument

KEY_REPLACED = "encryption-key-not-current"
_PASSING = frozenset({KEY_REPLACED, INBOX_FULL})
"""Refusals that end: the partner publishes another key, and it is sealed for that one; or it collects its inbox."""
_FRAME = "receipts"


class NoReceiptKeyError(DeniedError):
    """A receipt cannot be sealed for a partner now: it is not trusted here, or has no current encryption key."""

    default_code = "no-receipt-key"


@dataclass(slots=True)
class ReceiptReport:
    """What became of the receipts of one round: how many were signed and handed in, and what stands in the way."""

    signed: int = 0
    handed_in: int = 0
    problems: list[Problem] = field(default_factory=list)


def sign_owed_receipts(node: Node) -> ReceiptReport:
    """Sign and queue every receipt that is owed and can be sealed; the others stay owed."""
    report = ReceiptReport()
    with node.store.read() as snapshot:
        owed = list_owed_receipts(snapshot)
    for partner, receipt_type, late, items in _group(owed, node.clock.now()):
        messages = [
            ReceiptedMessage(id=item.message_id, digest=item.digest, reason=item.reason or None) for item in items
        ]
        try:
            with node.store.write() as transaction:
                sign_receipt(node, transaction, partner, receipt_type, messages, late=late)
        except NoReceiptKeyError as error:
            report.problems.append(Problem(error.code, error.sentence))
        else:
            report.signed += 1
    return report


def sign_receipt(
    node: Node,
    transaction: Transaction,
    partner: str,
    receipt_type: ReceiptType,
    messages: Sequence[ReceiptedMessage],
    *,
    late: bool = False,
) -> None:
    """Sign one receipt, seal it for the partner and queue it, all in the caller's transaction.

    Raises:
        NoReceiptKeyError: the partner is not trusted, or has no current encryption key.
        KeySetUnusableError: this agency's own receipt key cannot be used.
    """
    now = node.clock.now()
    receipt = Receipt(
        v=1,
        exchange=node.exchange,
        salt=generate_salt(),
        type=receipt_type,
        from_agency=node.agency,
        to_agency=partner,
        time=now,
        late=late,
        messages=tuple(messages),
    )
    sealed, signer = _seal(node, transaction, receipt)
    stored = StoredReceipt(
        digest=sealed.digest,
        direction=Direction.OUT,
        partner=partner,
        type=receipt_type.value,
        document=sign_document(receipt.canonical(), DocumentType.RECEIPT, [signer]).canonical(),
        at=now,
        subjects=tuple(ReceiptSubject(message.digest, message.reason or "") for message in messages),
    )
    record_receipt(transaction, stored)
    queue_document(
        transaction, digest=sealed.digest, kind=DispatchKind.RECEIPT, body=sealed.canonical(), partner=partner, at=now
    )


def queue_receipt_again(
    node: Node, transaction: Transaction, stored: StoredReceipt, *, even_refused: bool = False
) -> bool:
    """Queue a receipt that was handed in before, sealed anew: same words, same digest. Return whether it waits now.

    Raises:
        as `sign_receipt`.
    """
    return queue_again(
        transaction,
        digest=stored.digest,
        kind=DispatchKind.RECEIPT,
        body=seal_again(node, transaction, stored).canonical(),
        partner=stored.partner,
        at=node.clock.now(),
        even_refused=even_refused,
    )


def seal_again(node: Node, transaction: Transaction, stored: StoredReceipt) -> SealedReceipt:
    """Return a receipt of this agency's own under the keys of now, its own and the partner's; the words stay.

    Raises:
        as `sign_receipt`.
    """
    document = SignedDocument.from_canonical(stored.document, max_bytes=MAX_RECEIPT_BYTES)
    receipt = Receipt.from_canonical(document.payload_bytes, max_bytes=MAX_RECEIPT_BYTES)
    sealed, signer = _seal(node, transaction, receipt)
    signed = sign_document(document.payload_bytes, DocumentType.RECEIPT, [signer]).canonical()
    replace_receipt_document(transaction, stored.digest, signed)
    return sealed


def receipt_message(
    node: Node, transaction: Transaction, message: InboxMessage, receipt_type: ReceiptType, *, reason: str | None = None
) -> bool:
    """Sign what an officer says of one message, once; return whether it had not been said before.

    That it was opened is said only where the agreement demands it: it tells when somebody looked.

    Raises:
        as `sign_receipt`.
    """
    if has_own_receipt(transaction, message.digest, receipt_type.value):
        return False
    is_opening = receipt_type is ReceiptType.OPENED
    if is_opening and not is_receipt_required(transaction, message.digest, receipt_type.value):
        return False
    subject = ReceiptedMessage(id=message.message_id, digest=message.digest, reason=reason)
    late = node.clock.now() > message.expires_at
    sign_receipt(node, transaction, message.sender, receipt_type, [subject], late=late)
    return True


def send_due_receipts(node: Node) -> ReceiptReport:
    """Hand in every receipt that is due, and believe that the broker has it only by its leaves.

    Raises:
        OfflineError, LogError: they stay queued.
    """
    report = ReceiptReport()
    with node.store.read() as snapshot:
        due = list_due_dispatches(snapshot, now=node.clock.now(), limit=10_000)
    receipts = [item for item in due if item.kind is DispatchKind.RECEIPT]
    for load in _divide(receipts):
        if len(load) == 1 or not _hand_in_together(node, load, report):
            for item in load:
                _hand_in_alone(node, item, report)
    return report


def _divide(items: Sequence[Dispatch]) -> list[list[Dispatch]]:
    """Return the receipts in loads of one call each, bounded in members and bytes."""
    loads: list[list[Dispatch]] = []
    size = MAX_RECEIPT_BATCH_BYTES
    for item in items:
        size += len(item.body) + len(b",")
        if size >= MAX_RECEIPT_BATCH_BYTES or len(loads[-1]) == MAX_BATCH_MEMBERS:
            loads.append([])
            size = len(join_batch(_FRAME, ())) + len(item.body)
        loads[-1].append(item)
    return loads


def _hand_in_together(node: Node, items: Sequence[Dispatch], report: ReceiptReport) -> bool:
    """Hand receipts in with one call and note what became of each; False: as a batch they are not taken.

    Raises:
        ClientError: the broker is away, or something in its answer is false; what it has not proven to have is kept.
    """
    body = join_batch(_FRAME, (item.body for item in items))
    try:
        answer = node.connection.post(RECEIPT_BATCHES_PATH, body, BatchAnswer)
        verdicts = _judge_answer(node, items, answer)
    except (NotFoundError, RefusedError, RefusedConflictError):
        return False
    except ClientError as error:
        _note_failed(node, items, error)
        raise
    pairs = list(zip(items, verdicts, strict=True))
    _note_handed_in(node, [item for item, verdict in pairs if verdict is None], report)
    false = next((verdict for verdict in verdicts if isinstance(verdict, LogError)), None)
    for item, verdict in pairs:
        if verdict is not None:
            _take_error(node, item, false or verdict, report)
    if false is not None:
        raise false
    return True


def _judge_answer(node: Node, items: Sequence[Dispatch], answer: BatchAnswer) -> list[ClientError | None]:
    """Return what is wrong with the answer about each receipt; None: it is proven to be in the log."""
    if len(answer.members) != len(items):
        raise LogError(f"{len(items)} receipts were handed in, {len(answer.members)} answers came back")
    checkpoint = node.observer.observe(answer.checkpoint)
    return [_judge_member(node, item, member, checkpoint) for item, member in zip(items, answer.members, strict=True)]


def _judge_member(node: Node, item: Dispatch, member: BatchMember, checkpoint: Checkpoint) -> ClientError | None:
    if isinstance(member, RefusedMember):
        return read_member_refusal(member)
    try:
        _verify_logged(node, SealedReceipt.from_canonical(item.body), member.leaf, member.proof, checkpoint)
    except LogError as error:
        return error
    return None


def _hand_in_alone(node: Node, item: Dispatch, report: ReceiptReport) -> None:
    sealed = SealedReceipt.from_canonical(item.body)
    try:
        answer = node.connection.post(RECEIPTS_PATH, ReceiptsRequest(receipts=(sealed,)).canonical(), EvidenceList)
        if len(answer.leaves) != 1:
            raise LogError(f"one receipt was handed in, {len(answer.leaves)} leaves came back")
        checkpoint = node.observer.observe(answer.checkpoint)
        _verify_logged(node, sealed, answer.leaves[0], answer.proofs[0], checkpoint)
    except ClientError as error:
        _take_error(node, item, error, report)
        if not isinstance(error, RefusedError | RefusedConflictError):
            raise
    else:
        _note_handed_in(node, [item], report)


def _verify_logged(
    node: Node, receipt: SealedReceipt, leaf: LoggedRecord, proof: Sequence[str], checkpoint: Checkpoint
) -> None:
    expected = {
        "agency": receipt.from_agency,
        "partner": receipt.to_agency,
        "digest": receipt.digest,
        "receipt_type": receipt.type,
    }
    verify_record_says(leaf.record, RecordType.RECEIPT, expected)
    node.observer.verify_record(leaf, proof, checkpoint)


def _take_error(node: Node, item: Dispatch, error: ClientError, report: ReceiptReport) -> None:
    """Note what a receipt was answered with: a definite refusal ends it, all else is tried again."""
    problem = Problem(error.code, error.sentence)
    is_refusal = isinstance(error, RefusedError | RefusedConflictError)
    if is_refusal:
        report.problems.append(problem)
    if not is_refusal or error.code in _PASSING:
        _note_failed(node, [item], error)
        return
    with node.store.write() as transaction:
        record_dispatch_refused(transaction, item.digest, problem, at=node.clock.now())


def _note_handed_in(node: Node, items: Sequence[Dispatch], report: ReceiptReport) -> None:
    report.handed_in += len(items)
    with node.store.write() as transaction:
        for item in items:
            record_dispatched(transaction, item.digest, at=node.clock.now())


def _note_failed(node: Node, items: Sequence[Dispatch], error: ClientError) -> None:
    now = node.clock.now()
    with node.store.write() as transaction:
        for item in items:
            due = next_attempt_after(item.attempts, now, error)
            problem = Problem(error.code, error.sentence)
            record_dispatch_failed(transaction, item.digest, problem, at=now, next_attempt_at=due)


def _group(owed: Sequence[OwedReceipt], now: datetime) -> list[tuple[str, ReceiptType, bool, Sequence[OwedReceipt]]]:
    groups: dict[tuple[str, ReceiptType, bool], list[OwedReceipt]] = {}
    for item in owed:
        is_late = now > item.expires_at and item.type != ReceiptType.ERASED  # erasure is due after the deadline
        late = is_late or item.reason == NUMBER_VOIDED
        groups.setdefault((item.partner, ReceiptType(item.type), late), []).append(item)
    return [
        (*key, items[start : start + MAX_MESSAGES_PER_RECEIPT])
        for key, items in groups.items()
        for start in range(0, len(items), MAX_MESSAGES_PER_RECEIPT)
    ]


def _seal(node: Node, transaction: Transaction, receipt: Receipt) -> tuple[SealedReceipt, SeedSigner]:
    recipient = _choose_key(node, transaction, receipt.to_agency, node.clock.now())
    signer = node.read_signer(transaction, KeyUse.RECEIPT)
    return seal_receipt(receipt, signer, recipient, content_key=generate_bytes(KEY_BYTES)), signer


def _choose_key(node: Node, transaction: Transaction, partner: str, now: datetime) -> AkpJwk:
    try:
        timeline = node.directory.read_trusted_timeline(transaction, partner)
    except (DeniedError, NotFoundError, VerificationFailedError) as error:
        raise NoReceiptKeyError(f"no receipt for {partner}: {error.sentence}", fix=error.fix) from error
    for _, sentence in find_untrusted_sealing(transaction, timeline):
        raise NoReceiptKeyError(f"no receipt for {partner}: {sentence}", fix="run: agency sync")
    newest = timeline.newest_encryption_keys
    key = None if newest is None else newest.choose_key(EncryptionUse.ENCRYPTION, now)
    if key is None:
        raise NoReceiptKeyError(f"{partner} has published no encryption key that is current", fix="run: agency sync")
    return key.jwk
