"""Receipts that partners signed for messages of ours: opened, verified as of their leaf, and turned into facts.

A receipt whose signer's keys are not known yet is not stored and not acknowledged: it comes again. One that is proven
wrong is kept as a suspicion and acknowledged.
"""

from datetime import timedelta

from agency_client.aftercare.rules import WITHDRAWAL
from agency_client.epochs.places import compute_place
from agency_client.errors import DeniedError, NotFoundError, VerificationFailedError
from agency_client.local_store.checkpoints import load_walk
from agency_client.local_store.engine import Transaction
from agency_client.local_store.outbox import settle_delivery
from agency_client.local_store.problems import Problem
from agency_client.local_store.receipts import Direction, ReceiptSubject, StoredReceipt, record_receipt
from agency_client.local_store.sent import (
    ENDS,
    DeliveryFact,
    RecordedFact,
    find_message_by_digest,
    is_settled,
    list_deliveries,
    list_facts,
    load_message,
)
from agency_client.local_store.suspicions import Suspicion, record_suspicion
from agency_client.local_store.trust import load_exchange
from agency_client.node import Node
from agency_client.profiles.key_store import KeyMissingError
from agency_client.receiving.errors import UnprovenError, WaitingError
from agency_client.receiving.leasing import Leased, note_leased
from agency_client.statuses.hidden import list_hidden_revocations
from agency_client.witness.evidence import verify_record_says
from agency_client.witness.observer import LogError
from keys.errors import KeysError
from keys.receipts import OpenedReceipt, open_receipt
from keys.signing import verify_document
from keys.timeline import MemberTimeline
from schemas.alerts.coded import NoticeEffect
from schemas.api import LoggedRecord, ReceiptItem
from schemas.codec import CodecError
from schemas.envelope import MAX_CLOCK_AHEAD_SECONDS
from schemas.log.epoch import is_carried_over
from schemas.log.records import RecordType
from schemas.receipts import Receipt, ReceiptType
from schemas.signed import DocumentType, KeyUse, read_signatures


def take_in_receipts(node: Node, leased: Leased) -> tuple[int, list[Problem]]:
    """Take in the receipts of a lease; return how many were believed, and what stands against the others."""
    taken, problems = 0, []
    for item in leased.receipts:
        try:
            opened = verify_receipt(node, leased, item)
        except WaitingError as error:
            problems.append(Problem(error.code, error.sentence))
        except UnprovenError as error:
            problems.append(Problem(error.code, error.sentence))
            _suspect(node, leased, item, error)
        else:
            taken += 1
            problems += _record(node, leased, item, opened)
    return taken, problems


def verify_receipt(node: Node, leased: Leased, item: ReceiptItem) -> OpenedReceipt:
    """Verify a leased receipt.

    1. Its leaf is in the log and about this very receipt. 2. It is for this agency and exchange. 3. It opens, and
    inside equals outside. 4. Its signer is pinned, and the receipt keys in force at the leaf signed it. 5. Every
    message it names was sent from here to its signer. 6. Of an earlier log it names no message that came after it.

    Raises:
        UnprovenError: it is false.
        WaitingError: what its verification needs is not here yet.
    """
    sealed = item.receipt
    _verify_leaf(node, leased, item)
    if (sealed.to_agency, sealed.exchange) != (node.agency, node.exchange):
        raise UnprovenError("the receipt is for another agency or exchange", code="receipt-of-others")
    opened = _open(node, item)
    timeline = _read_signer(node, sealed.from_agency, item.accepted)
    _verify_signatures(node, opened, timeline, item.accepted)
    _verify_subjects(node, opened.receipt)
    if _is_of_earlier_log(node, opened.receipt, item.accepted):
        _verify_sent_before(node, opened.receipt)
    return opened


def _verify_leaf(node: Node, leased: Leased, item: ReceiptItem) -> None:
    sealed = item.receipt
    expected = {
        "agency": sealed.from_agency,
        "partner": sealed.to_agency,
        "digest": sealed.digest,
        "receipt_type": sealed.type,
    }
    try:
        verify_record_says(item.accepted.record, RecordType.RECEIPT, expected)
        node.observer.verify_record(item.accepted, item.accepted_proof, leased.checkpoint)
    except LogError as error:
        raise UnprovenError(error.sentence, code=error.code) from error


def _open(node: Node, item: ReceiptItem) -> OpenedReceipt:
    try:
        return open_receipt(item.receipt, node.opening_key(item.receipt.recipient.kid))
    except KeyMissingError as error:
        raise UnprovenError(
            f"a receipt of {item.receipt.from_agency} is sealed for a key that is not here", code=error.code
        ) from error
    except (KeysError, CodecError) as error:
        raise UnprovenError(f"a receipt of {item.receipt.from_agency}: {error}", code="receipt-refused") from error


def _read_signer(node: Node, partner: str, leaf: LoggedRecord) -> MemberTimeline:
    with node.store.read() as snapshot:
        walk = load_walk(snapshot, node.sheet.origin)
        if walk is None or walk.size <= leaf.index:
            raise WaitingError("the log has not been read up to this receipt yet", code="log-not-read")
        try:
            return node.directory.read_trusted_timeline(snapshot, partner)
        except VerificationFailedError as error:
            raise UnprovenError(error.sentence, code=error.code) from error
        except (DeniedError, NotFoundError) as error:
            raise WaitingError(error.sentence, fix=error.fix, code=error.code) from error


def _verify_signatures(node: Node, opened: OpenedReceipt, timeline: MemberTimeline, leaf: LoggedRecord) -> None:
    document, place = opened.document, compute_place(node.sheet.origin, leaf.index)
    with node.store.read() as snapshot:
        hidden = list_hidden_revocations(snapshot, timeline)
    try:
        slots = read_signatures(document.payload, document.signatures, DocumentType.RECEIPT)
        kids = tuple(slot.header.kid for slot in slots)
        if _is_of_earlier_log(node, opened.receipt, leaf):
            jwks = timeline.find_keys_when_signed(KeyUse.RECEIPT, kids, place, opened.receipt.time)
        else:
            jwks = timeline.find_receipt_keys(kids, place, leaf.record.time)
        verify_document(document, DocumentType.RECEIPT, jwks)
    except (KeysError, CodecError) as error:
        raise UnprovenError(f"a receipt of {timeline.agency}: {error}", code="receipt-refused") from error
    if not hidden.isdisjoint(kids):
        raise WaitingError(
            f"{timeline.agency} says that it has revoked the key that signed a receipt, and the log has not shown it",
            code="revocation-hidden",
        )


def _is_of_earlier_log(node: Node, receipt: Receipt, leaf: LoggedRecord) -> bool:
    """Return whether a receipt may have stood in the log before: it is judged by the time that it names itself."""
    with node.store.read() as snapshot:
        log = load_exchange(snapshot, node.sheet.origin)
    return log is not None and is_carried_over(receipt.time, leaf.record.time, log.opened_at)


def _verify_sent_before(node: Node, receipt: Receipt) -> None:
    with node.store.read() as snapshot:
        sent = [find_message_by_digest(snapshot, message.digest) for message in receipt.messages]
    issued = max((message.issued_at for message in sent if message is not None), default=receipt.time)
    if issued > receipt.time + timedelta(seconds=2 * MAX_CLOCK_AHEAD_SECONDS):
        raise UnprovenError(
            f"a receipt of {receipt.from_agency} is dated before the message that it names", code="receipt-refused"
        )


def _verify_subjects(node: Node, receipt: Receipt) -> None:
    with node.store.read() as snapshot:
        for message in receipt.messages:
            sent = find_message_by_digest(snapshot, message.digest)
            recipients = [] if sent is None else [item.recipient for item in list_deliveries(snapshot, sent.message_id)]
            if sent is None or sent.message_id != message.id or receipt.from_agency not in recipients:
                raise UnprovenError(
                    f"{receipt.from_agency} receipts message {message.id}, which was not sent to it from here",
                    code="receipt-of-unknown",
                )


def _record(node: Node, leased: Leased, item: ReceiptItem, opened: OpenedReceipt) -> list[Problem]:
    receipt = opened.receipt
    stored = StoredReceipt(
        digest=item.receipt.digest,
        direction=Direction.IN,
        partner=receipt.from_agency,
        type=receipt.type.value,
        document=opened.document.canonical(),
        at=receipt.time,
        subjects=tuple(ReceiptSubject(message.digest, message.reason or "") for message in receipt.messages),
    )
    problems: list[Problem] = []
    with node.store.write() as transaction:
        if record_receipt(transaction, stored):
            problems = _find_arrived(transaction, receipt)
            _settle(transaction, receipt, item.receipt.digest)
        note_leased(transaction, leased, item.number, item.type, item.receipt.digest)
    return problems


def _find_arrived(transaction: Transaction, receipt: Receipt) -> list[Problem]:
    """Return what a person is told of messages that a recipient has although the exchange said that they had ended."""
    if receipt.type is ReceiptType.UNVERIFIABLE:
        return []
    problems = []
    for message in receipt.messages:
        facts = list_facts(transaction, message.id, receipt.from_agency)
        end = next((item.fact for item in facts if item.fact in ENDS), None)
        if end is not None:
            sentence = f"{receipt.from_agency} signed that it has message {message.id}, which was {end.value} here"
            problems.append(Problem("arrived-after-its-end", sentence))
    return problems


def _settle(transaction: Transaction, receipt: Receipt, digest: str) -> None:
    for message in receipt.messages:
        fact = RecordedFact(
            DeliveryFact(receipt.type.value), receipt.time, message.reason or "", digest, late=receipt.late
        )
        settle_delivery(transaction, message.id, receipt.from_agency, fact)
        if fact.fact is DeliveryFact.ACTED and fact.reason == NoticeEffect.NOTHING_HELD:
            _end_taken_back(transaction, message.id, receipt.from_agency, fact)


def _end_taken_back(transaction: Transaction, notice_id: str, recipient: str, acted: RecordedFact) -> None:
    """End what a withdrawal took back where its recipient holds nothing of it and has signed nothing about it.

    The exchange has handed it over and does so no more, and the answer was lost: nobody else ever says that it ended.
    """
    notice = load_message(transaction, notice_id)
    if notice.kind != WITHDRAWAL or notice.refers_to is None:
        return
    taken_back = find_message_by_digest(transaction, notice.refers_to)
    if taken_back is None:
        return  # its evidence is over
    recipients = [delivery.recipient for delivery in list_deliveries(transaction, taken_back.message_id)]
    if recipient in recipients and not is_settled(list_facts(transaction, taken_back.message_id, recipient)):
        end = RecordedFact(DeliveryFact.WITHDRAWN, acted.at, acted.reason, acted.evidence)
        settle_delivery(transaction, taken_back.message_id, recipient, end)


def _suspect(node: Node, leased: Leased, item: ReceiptItem, error: UnprovenError) -> None:
    with node.store.write() as transaction:
        suspicion = Suspicion(
            node.sheet.origin,
            item.accepted.index,
            error.code,
            item.receipt.from_agency,
            f"receipt at leaf {item.accepted.index}: {error.sentence}",
            item.accepted.canonical(),
            node.clock.now(),
        )
        record_suspicion(transaction, suspicion)
        note_leased(transaction, leased, item.number, item.type, item.receipt.digest)
