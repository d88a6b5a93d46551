"""Bring the outbox to the exchange: each message once, whatever is lost on the way.

An attempt is recorded before its bytes leave. What was not answered is in doubt: the broker is asked what it has, and
the very same bytes are handed in again, which it takes as once. Only a definite refusal ends a message; one for a key
that has changed since is sealed anew at once (`agency_client.sending.renewal`), and where the key that must come first
is not there yet, the message waits for it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from agency_client.attachments.fetching import AttachmentForgedError
from agency_client.attachments.uploading import (
    AttachmentLostError,
    Uploader,
    UploadPausedError,
    Watching,
    unwatched,
)
from agency_client.connection import BusyError, NotSentError, RefusedConflictError, RefusedError
from agency_client.epochs.places import number_epoch
from agency_client.errors import ClientError, ConflictError, NotAuthenticatedError, NotFoundError, OfflineError
from agency_client.local_store.contradictions import EquivocationError
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.outbox import (
    OutboxItem,
    OutboxState,
    begin_attempt,
    cancel_message,
    list_due,
    load_item,
    record_not_arrived,
    record_refused,
    record_taken,
    record_unanswered,
)
from agency_client.local_store.problems import Problem
from agency_client.local_store.sent import SentMessage, load_message
from agency_client.local_store.trust import load_exchange
from agency_client.node import Node
from agency_client.sending.facts import verify_may_send
from agency_client.sending.renewal import RENEWABLE, RenewalWaitsError, renew_refused
from agency_client.sending.standing import REFERENCE_REFUSED, Obstacle, find_obstacle, is_original_older
from agency_client.syncing.submitting import next_attempt_after
from agency_client.witness.evidence import accept_evidence
from keys.sealing import ParsedEnvelope, parse_envelope
from schemas.api import MESSAGES_PATH, Evidence, LoggedRecord, MessageStatesAnswer
from schemas.envelope import Reference
from schemas.log.epoch import FIRST_EPOCH
from schemas.log.records import RecordedRecipient, RecordType

CLAIM_SECONDS = 60
HELD_RETRY_SECONDS = 60
LIMIT = 50

_NOT_ABOUT_THE_MESSAGE = frozenset(
    {"client-too-old", "role-not-allowed", "method-not-allowed", "unsupported-media-type", "request-timeout"}
)
"""Refusals of the call, not of the message: it stays queued."""


@dataclass(slots=True)
class DeliveryReport:
    """What became of the messages that were tried, by id."""

    taken: list[str] = field(default_factory=list)
    waiting: dict[str, Problem] = field(default_factory=dict)
    refused: dict[str, Problem] = field(default_factory=dict)
    renewed: dict[str, str] = field(default_factory=dict)
    uploader: Uploader | None = None

    @property
    def uploaded_bytes(self) -> int:
        """Return how much of attachments went to the exchange."""
        return 0 if self.uploader is None else self.uploader.uploaded_bytes


def deliver_due(node: Node, *, limit: int = LIMIT, upload_bytes: int | None = None) -> DeliveryReport:
    """Deliver every message that is due, the most urgent first; stop at the first that shows the broker is away.

    `upload_bytes` as in `deliver_messages`.
    """
    with node.store.read() as snapshot:
        due = [item.message_id for item in list_due(snapshot, now=node.clock.now(), limit=limit)]
    return deliver_messages(node, due, upload_bytes=upload_bytes)


def deliver_messages(
    node: Node, message_ids: Iterable[str], *, watching: Watching = unwatched, upload_bytes: int | None = None
) -> DeliveryReport:
    """Deliver these messages now as far as they wait; stop at the first that shows the broker is away.

    Their attachments come first, at most `upload_bytes` of them in this go; `watching` shows how far they are.
    """
    report = DeliveryReport(uploader=Uploader(node, watching, upload_bytes))
    with node.store.read() as snapshot:
        verify_may_send(snapshot, node.sheet.origin)
    for message_id in message_ids:
        try:
            _deliver(node, message_id, report)
        except ConflictError:
            continue  # Another process of this node has it in hand, or has finished it.
        except ClientError as error:
            report.waiting[message_id] = Problem(error.code, error.sentence)
            if isinstance(error, OfflineError | NotAuthenticatedError | EquivocationError):
                break
    return report


def _deliver(node: Node, message_id: str, report: DeliveryReport) -> None:
    with node.store.read() as snapshot:
        item, message = load_item(snapshot, message_id), load_message(snapshot, message_id)
    if item.state is OutboxState.IN_DOUBT:
        item = _ask_about(node, item, message)
    if item.state is OutboxState.QUEUED and not _upload(node, item, message, report):
        return
    if item.state is OutboxState.QUEUED and not _begin(node, item, message, report):
        return
    if item.envelope is not None and item.state in (OutboxState.QUEUED, OutboxState.IN_DOUBT):
        _submit(node, item, item.envelope, report)


def _ask_about(node: Node, item: OutboxItem, message: SentMessage) -> OutboxItem:
    """Ask what the broker has; return the item, queued again if it certainly has nothing."""
    try:
        answer = node.connection.get(f"{MESSAGES_PATH}/{item.message_id}", MessageStatesAnswer)
        node.observer.observe(answer.checkpoint)
    except NotFoundError as error:
        now = node.clock.now()
        problem = Problem("not-arrived", error.sentence)
        with node.store.write() as transaction:
            record_not_arrived(transaction, item.message_id, problem, at=now, next_attempt_at=now)
            return load_item(transaction, item.message_id)
    except ClientError as error:
        _note_unanswered(node, item, error)
        raise
    return item


def _upload(node: Node, item: OutboxItem, message: SentMessage, report: DeliveryReport) -> bool:
    """Upload what goes before a queued message; False: it waits, or has lost what goes with it."""
    attachments = () if item.envelope is None else parse_envelope(item.envelope).payload.attachments
    if not attachments or report.uploader is None or _is_kept_back(node, message):
        return True
    try:
        report.uploader.upload_all(item.message_id, attachments)
    except (UploadPausedError, AttachmentLostError, RefusedError, BusyError) as error:
        _end_upload(node, item, error, report)
        return False
    except ClientError as error:
        _end_upload(node, item, error, report)
        raise
    return True


def _is_kept_back(node: Node, message: SentMessage) -> bool:
    with node.store.read() as snapshot:
        return _find_obstacle(node, snapshot, message, node.clock.now()) is not None


def _end_upload(node: Node, item: OutboxItem, error: ClientError, report: DeliveryReport) -> None:
    """Let a message wait for the rest of its attachments; one that has lost them, or may not have them, ends."""
    now, problem = node.clock.now(), Problem(error.code, error.sentence)
    is_over = isinstance(error, AttachmentLostError | RefusedError) and error.code not in _NOT_ABOUT_THE_MESSAGE
    with node.store.write() as transaction:
        if is_over:
            cancel_message(transaction, item.message_id, reason=error.code, at=now)
            report.refused[item.message_id] = problem
            return
        if begin_attempt(transaction, item.message_id, at=now, in_doubt_until=now):
            is_going_on = isinstance(error, UploadPausedError)
            later = now if is_going_on else next_attempt_after(item.attempts + 1, now, error)
            record_not_arrived(transaction, item.message_id, problem, at=now, next_attempt_at=later)
        report.waiting[item.message_id] = problem


def _begin(node: Node, item: OutboxItem, message: SentMessage, report: DeliveryReport) -> bool:
    """Claim a queued message for an attempt; False: it may not leave now, or another process has it."""
    now = node.clock.now()
    with node.store.write() as transaction:
        obstacle = _find_obstacle(node, transaction, message, now)
        if obstacle is not None and obstacle.is_final:
            cancel_message(transaction, item.message_id, reason=obstacle.code, at=now)
            report.refused[item.message_id] = Problem(obstacle.code, obstacle.sentence)
            return False
        until = now + timedelta(seconds=CLAIM_SECONDS)
        is_claimed = begin_attempt(transaction, item.message_id, at=now, in_doubt_until=until)
        if obstacle is not None and is_claimed:
            problem, later = Problem(obstacle.code, obstacle.sentence), now + timedelta(seconds=HELD_RETRY_SECONDS)
            record_not_arrived(transaction, item.message_id, problem, at=now, next_attempt_at=later)
            report.waiting[item.message_id] = problem
        return is_claimed and obstacle is None


def _find_obstacle(node: Node, snapshot: Snapshot, message: SentMessage, now: datetime) -> Obstacle | None:
    if now >= message.expires_at:
        return Obstacle("deadline-passed", "the deadline for its delivery has passed", is_final=True)
    return find_obstacle(node, snapshot, message)


def _submit(node: Node, item: OutboxItem, envelope: bytes, report: DeliveryReport) -> None:
    """Hand in the sealed bytes and record what became of them."""
    try:
        evidence = node.connection.post(MESSAGES_PATH, envelope, Evidence)
    except (RefusedError, RefusedConflictError) as error:
        if error.code in _NOT_ABOUT_THE_MESSAGE:
            _note_not_arrived(node, item, error)
            raise
        if error.code == REFERENCE_REFUSED and _awaits_lost_original(node, item):
            _note_not_arrived(node, item, error)
            raise
        _end_refused(node, item, Problem(error.code, error.sentence), report)
    except (NotSentError, BusyError, NotAuthenticatedError) as error:
        _note_not_arrived(node, item, error)
        raise
    except ClientError as error:
        _note_unanswered(node, item, error)
        raise
    else:
        _take_evidence(node, item, envelope, evidence, report)


def _take_evidence(node: Node, item: OutboxItem, envelope: bytes, evidence: Evidence, report: DeliveryReport) -> None:
    """Believe by the evidence alone that the exchange has a message; what cannot be verified now leaves it in doubt.

    The exchange is asked for proofs meanwhile: that such a question did not leave, or was refused, says nothing of the
    message, which has arrived.
    """
    try:
        leaf = accept_acceptance(node, evidence, parse_envelope(envelope))
    except ClientError as error:
        _note_unanswered(node, item, error)
        raise
    with node.store.write() as transaction:
        record_taken(transaction, item.message_id, leaf.canonical(), at=node.clock.now())
    report.taken.append(item.message_id)


def _awaits_lost_original(node: Node, item: OutboxItem) -> bool:
    """Return whether the exchange may only have lost what a message follows up: then it waits for that to come back."""
    if number_epoch(node.sheet.origin) == FIRST_EPOCH:
        return False
    with node.store.read() as snapshot:
        log = load_exchange(snapshot, node.sheet.origin)
        opened_at = None if log is None else log.opened_at
        return opened_at is not None and is_original_older(snapshot, load_message(snapshot, item.message_id), opened_at)


def accept_acceptance(node: Node, evidence: Evidence, parsed: ParsedEnvelope) -> LoggedRecord:
    """Verify that the broker's evidence is about this very envelope, every member of it, and return the leaf.

    A log that goes on from an earlier one says of a message that was handed over before only that it was.

    Raises:
        LogError: it is not, or does not stand in the log.
        EquivocationError: its checkpoint proves two histories.
    """
    is_later = number_epoch(node.sheet.origin) > FIRST_EPOCH
    if is_later and evidence.leaf.record.type is RecordType.MESSAGE_CARRIED:
        return accept_evidence(node.observer, evidence, RecordType.MESSAGE_CARRIED, describe_carried(parsed))
    return accept_evidence(node.observer, evidence, RecordType.MESSAGE_ACCEPTED, describe_acceptance(parsed))


def describe_carried(parsed: ParsedEnvelope) -> dict[str, object]:
    """Return what the record of an envelope that an earlier log had, and handed over, must say."""
    accepted, (recipient,) = describe_acceptance(parsed), parsed.header.recipients
    told = {name: accepted[name] for name in ("message", "agency", "recipients", "kind", "marking", "size")}
    return {**told, "partner": recipient.agency}


def describe_acceptance(parsed: ParsedEnvelope) -> dict[str, object]:
    """Return what the record of an envelope's acceptance must say."""
    header = parsed.header
    return {
        "message": Reference(id=header.id, digest=parsed.digest),
        "agency": header.sender.agency,
        "recipients": tuple(RecordedRecipient(agency=to.agency, agreement=to.agreement) for to in header.recipients),
        "kind": header.routing.kind,
        "marking": header.routing.marking,
        "urgency": header.routing.urgency,
        "size": len(parsed.ciphertext),
        "refers_to": header.refers_to,
    }


def _end_refused(node: Node, item: OutboxItem, problem: Problem, report: DeliveryReport) -> None:
    """Record a definite refusal; where newer keys help, the same content is queued anew in the same transaction."""
    leg = None
    if problem.code in RENEWABLE:
        try:
            leg = renew_refused(node, item.message_id, problem)
        except RenewalWaitsError as error:
            _note_not_arrived(node, item, error)
            raise
        except (AttachmentLostError, AttachmentForgedError) as error:
            problem = Problem(problem.code, f"{problem.sentence}; it cannot be sealed again: {error.sentence}")
            _record_refused(node, item, problem)
    else:
        _record_refused(node, item, problem)
    report.refused[item.message_id] = problem
    if leg is not None:
        report.renewed[item.message_id] = leg.message_id
        _deliver(node, leg.message_id, report)


def _record_refused(node: Node, item: OutboxItem, problem: Problem) -> None:
    with node.store.write() as transaction:
        record_refused(transaction, item.message_id, problem, at=node.clock.now())


def _note_not_arrived(node: Node, item: OutboxItem, error: ClientError) -> None:
    """Queue it again if no bytes of it had left before; what was in doubt before stays so: only the broker knows."""
    now = node.clock.now()
    later = next_attempt_after(item.attempts, now, error)
    with node.store.write() as transaction:
        if item.state is OutboxState.QUEUED:
            problem = Problem(error.code, error.sentence)
            record_not_arrived(transaction, item.message_id, problem, at=now, next_attempt_at=later)
    if item.state is OutboxState.IN_DOUBT:
        _note_unanswered(node, item, error)


def _note_unanswered(node: Node, item: OutboxItem, error: ClientError) -> None:
    later = next_attempt_after(item.attempts, node.clock.now(), error)
    with node.store.write() as transaction:
        record_unanswered(transaction, item.message_id, Problem(error.code, error.sentence), next_attempt_at=later)
