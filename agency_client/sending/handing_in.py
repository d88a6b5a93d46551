"""Hand sealed bytes in and record what became of them: one envelope with a call, or many that are answered each alone.

An attempt is recorded before its bytes leave. Only a definite refusal ends a message. An answer that is false of one
member of a batch is believed of no other that it refuses: what proves itself counts, the rest stays in doubt.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from agency_client.attachments.fetching import AttachmentForgedError
from agency_client.attachments.uploading import AttachmentLostError, Uploader
from agency_client.epochs.places import number_epoch
from agency_client.errors import (
    ClientError,
    ConflictError,
    NotAuthenticatedError,
    NotFoundError,
    OfflineError,
    VerificationFailedError,
)
from agency_client.local_store.contradictions import EquivocationError
from agency_client.local_store.engine import Snapshot, Transaction
from agency_client.local_store.outbox import (
    OutboxItem,
    OutboxState,
    begin_attempt,
    cancel_message,
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
from agency_client.refusals import (
    INBOX_FULL,
    BadAnswerError,
    BusyError,
    NotSentError,
    RefusedConflictError,
    RefusedError,
    read_member_refusal,
)
from agency_client.sending.acceptance import accept_acceptance, verify_accepted_member
from agency_client.sending.renewal import RENEWABLE, RenewalWaitsError, renew_refused
from agency_client.sending.standing import REFERENCE_REFUSED, Obstacle, find_obstacle, is_original_older
from agency_client.syncing.submitting import next_attempt_after
from keys.sealing import parse_envelope
from schemas.api import MESSAGE_BATCHES_PATH, MESSAGES_PATH, Evidence, LoggedRecord
from schemas.batches import (
    MAX_BATCH_MEMBERS,
    MAX_MESSAGE_BATCH_BYTES,
    BatchAnswer,
    BatchMember,
    RefusedMember,
    join_batch,
)
from schemas.log.checkpoint import Checkpoint
from schemas.log.epoch import FIRST_EPOCH

CLAIM_SECONDS = 60
HELD_RETRY_SECONDS = 60

NOT_ABOUT_THE_MESSAGE = frozenset(
    {
        "client-too-old", "role-not-allowed", "method-not-allowed", "unsupported-media-type", "request-timeout",
        INBOX_FULL,
    }
)  # fmt: skip
"""Refusals of the call, or of the moment, not of the message: it stays queued."""

_FRAME = "envelopes"
_FRAME_BYTES = len(join_batch(_FRAME, ()))


@dataclass(slots=True)
class DeliveryReport:
    """What became of the messages that were tried, by id.

    `is_stopped`: something showed that no other need be tried now. `takes_batches`: nothing showed yet that the
    exchange takes none. `sealed_again` are those that must be delivered still, in the place of refused ones.
    """

    taken: list[str] = field(default_factory=list)
    waiting: dict[str, Problem] = field(default_factory=dict)
    refused: dict[str, Problem] = field(default_factory=dict)
    renewed: dict[str, str] = field(default_factory=dict)
    sealed_again: list[str] = field(default_factory=list)
    uploader: Uploader | None = None
    is_stopped: bool = False
    takes_batches: bool = True

    @property
    def uploaded_bytes(self) -> int:
        """Return how much of attachments went to the exchange."""
        return 0 if self.uploader is None else self.uploader.uploaded_bytes

    def attempt(self, message_id: str, step: Callable[[], None]) -> None:
        """Go a step with one message, and note what keeps it waiting."""
        try:
            step()
        except ConflictError:
            return  # Another process of this node has it in hand, or has finished it.
        except ClientError as error:
            self.waiting[message_id] = Problem(error.code, error.sentence)
            self.is_stopped |= isinstance(error, OfflineError | NotAuthenticatedError | EquivocationError)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message whose bytes can leave, as it stands in the outbox."""

    item: OutboxItem
    message: SentMessage
    envelope: bytes


class Load:
    """What goes with the next call: bounded in members and bytes, and nothing that follows up another member."""

    def __init__(self) -> None:
        self._outgoing: list[Outgoing] = []
        self._size = _FRAME_BYTES

    def has_room_for(self, outgoing: Outgoing) -> bool:
        """Return whether one more may go with these."""
        is_small = self._size + len(outgoing.envelope) <= MAX_MESSAGE_BATCH_BYTES
        follows = outgoing.message.refers_to in {other.message.digest for other in self._outgoing}
        return len(self._outgoing) < MAX_BATCH_MEMBERS and is_small and not follows

    def add(self, outgoing: Outgoing) -> None:
        """Add one; the first always fits, since alone it goes with a call of its own."""
        self._outgoing.append(outgoing)
        self._size += len(outgoing.envelope) + len(b",")

    def take(self) -> list[Outgoing]:
        """Return what was gathered, and begin anew."""
        gathered, self._outgoing, self._size = self._outgoing, [], _FRAME_BYTES
        return gathered


def hand_in(node: Node, load: Sequence[Outgoing], report: DeliveryReport) -> None:
    """Hand messages in with one call, and note in the report what became of each.

    An exchange that takes no batches, or not this one, gets them one by one.
    """
    claimed = _claim_all(node, load, report)
    if len(claimed) > 1 and report.takes_batches and _submit_together(node, claimed, report):
        return
    for position, outgoing in enumerate(claimed):
        if report.is_stopped:
            _release(node, claimed[position:])
            return
        report.attempt(outgoing.item.message_id, partial(_submit_alone, node, outgoing, report))


def find_present_obstacle(node: Node, snapshot: Snapshot, message: SentMessage, now: datetime) -> Obstacle | None:
    """Return what keeps a sealed message from leaving now, its deadline among it; None: nothing does."""
    if now >= message.expires_at:
        return Obstacle("deadline-passed", "the deadline for its delivery has passed", is_final=True)
    return find_obstacle(node, snapshot, message)


def note_unanswered(node: Node, item: OutboxItem, error: ClientError) -> None:
    """Leave a message in doubt: whether it arrived, only the broker knows."""
    later = next_attempt_after(item.attempts, node.clock.now(), error)
    with node.store.write() as transaction:
        record_unanswered(transaction, item.message_id, Problem(error.code, error.sentence), next_attempt_at=later)


def _claim_all(node: Node, load: Sequence[Outgoing], report: DeliveryReport) -> list[Outgoing]:
    """Claim queued messages for an attempt, all in one transaction; return those that may leave now."""
    claimed: list[Outgoing] = []

    def claim(transaction: Transaction, outgoing: Outgoing) -> None:
        if outgoing.item.state is OutboxState.IN_DOUBT or _claim(node, transaction, outgoing, report):
            claimed.append(outgoing)

    with node.store.write() as transaction:
        for outgoing in load:
            report.attempt(outgoing.item.message_id, partial(claim, transaction, outgoing))
    return claimed


def _claim(node: Node, transaction: Transaction, outgoing: Outgoing, report: DeliveryReport) -> bool:
    now, message_id = node.clock.now(), outgoing.item.message_id
    if load_item(transaction, message_id).state is not OutboxState.QUEUED:
        return False  # Another process of this node has it in hand.
    obstacle = find_present_obstacle(node, transaction, outgoing.message, now)
    problem = None if obstacle is None else Problem(obstacle.code, obstacle.sentence)
    if obstacle is not None and problem is not None and obstacle.is_final:
        cancel_message(transaction, message_id, reason=obstacle.code, at=now)
        report.refused[message_id] = problem
        return False
    begin_attempt(transaction, message_id, at=now, in_doubt_until=now + timedelta(seconds=CLAIM_SECONDS))
    if problem is not None:
        later = now + timedelta(seconds=HELD_RETRY_SECONDS)
        record_not_arrived(transaction, message_id, problem, at=now, next_attempt_at=later)
        report.waiting[message_id] = problem
    return problem is None


def _release(node: Node, claimed: Sequence[Outgoing]) -> None:
    """Give messages back that were claimed and then not tried."""
    problem, now = Problem("not-tried", "the exchange could not be reached for the one before it"), node.clock.now()
    with node.store.write() as transaction:
        for outgoing in claimed:
            if outgoing.item.state is OutboxState.QUEUED:
                record_not_arrived(transaction, outgoing.item.message_id, problem, at=now, next_attempt_at=now)


def _submit_alone(node: Node, outgoing: Outgoing, report: DeliveryReport) -> None:
    """Hand in the sealed bytes of one message and record what became of them.

    The exchange is asked for proofs meanwhile: that such a question did not leave, or was refused, says nothing of the
    message, which has arrived.
    """
    try:
        evidence = node.connection.post(MESSAGES_PATH, outgoing.envelope, Evidence)
    except ClientError as error:
        _take_error(node, outgoing.item, error, report)
        return
    try:
        leaf = accept_acceptance(node, evidence, parse_envelope(outgoing.envelope))
    except ClientError as error:
        note_unanswered(node, outgoing.item, error)
        raise
    _record_taken(node, [(outgoing, leaf)], report)


def _submit_together(node: Node, claimed: Sequence[Outgoing], report: DeliveryReport) -> bool:
    """Hand in several messages with one call and record what became of each; False: as a batch they are not taken."""
    body = join_batch(_FRAME, (outgoing.envelope for outgoing in claimed))
    try:
        answer = node.connection.post(MESSAGE_BATCHES_PATH, body, BatchAnswer)
        verdicts = _judge_answer(node, claimed, answer)
    except (NotFoundError, RefusedError, RefusedConflictError):
        report.takes_batches = False
        return False
    except ClientError as error:
        verdicts = [error] * len(claimed)
    _take_verdicts(node, claimed, verdicts, report)
    return True


def _judge_answer(node: Node, claimed: Sequence[Outgoing], answer: BatchAnswer) -> list[LoggedRecord | ClientError]:
    """Return the verified leaf of each message, or the error that stands in its place.

    Raises:
        ClientError: nothing in the answer counts.
    """
    if len(answer.members) != len(claimed):
        raise BadAnswerError(f"{len(claimed)} messages were handed in, {len(answer.members)} answers came back")
    checkpoint = node.observer.observe(answer.checkpoint)
    return [
        _judge_member(node, outgoing, member, checkpoint)
        for outgoing, member in zip(claimed, answer.members, strict=True)
    ]


def _judge_member(
    node: Node, outgoing: Outgoing, member: BatchMember, checkpoint: Checkpoint
) -> LoggedRecord | ClientError:
    if isinstance(member, RefusedMember):
        return read_member_refusal(member)
    try:
        return verify_accepted_member(node, member, parse_envelope(outgoing.envelope), checkpoint)
    except VerificationFailedError as error:
        return error


def _take_verdicts(
    node: Node, claimed: Sequence[Outgoing], verdicts: Sequence[LoggedRecord | ClientError], report: DeliveryReport
) -> None:
    """Record what became of each member. Where one is false, no refusal beside it is believed: those stay in doubt."""
    pairs = list(zip(claimed, verdicts, strict=True))
    _record_taken(node, [(outgoing, leaf) for outgoing, leaf in pairs if isinstance(leaf, LoggedRecord)], report)
    false = next((verdict for verdict in verdicts if isinstance(verdict, VerificationFailedError)), None)
    for outgoing, verdict in pairs:
        if isinstance(verdict, ClientError):
            take = partial(_take_error, node, outgoing.item, false or verdict, report)
            report.attempt(outgoing.item.message_id, take)


def _record_taken(node: Node, taken: Sequence[tuple[Outgoing, LoggedRecord]], report: DeliveryReport) -> None:
    """Record, all in one transaction, what the exchange has proven to have."""
    with node.store.write() as transaction:
        for outgoing, leaf in taken:
            report.attempt(
                outgoing.item.message_id, partial(_record_one_taken, node, transaction, outgoing, leaf, report)
            )


def _record_one_taken(
    node: Node, transaction: Transaction, outgoing: Outgoing, leaf: LoggedRecord, report: DeliveryReport
) -> None:
    # What is contradicted by what is on record here raises before it has written anything.
    record_taken(transaction, outgoing.item.message_id, leaf.canonical(), at=node.clock.now())
    report.taken.append(outgoing.item.message_id)


def _take_error(node: Node, item: OutboxItem, error: ClientError, report: DeliveryReport) -> None:
    """End a message that was definitely refused.

    Raises:
        ClientError: any other error, once it is recorded that the message waits or is in doubt.
    """
    if isinstance(error, RefusedError | RefusedConflictError) and not _is_passing(node, item, error):
        _end_refused(node, item, Problem(error.code, error.sentence), report)
        return
    if isinstance(error, RefusedError | RefusedConflictError | NotSentError | BusyError | NotAuthenticatedError):
        _note_not_arrived(node, item, error)
    else:
        note_unanswered(node, item, error)
    raise error


def _is_passing(node: Node, item: OutboxItem, error: ClientError) -> bool:
    """Return whether a refusal is not of the message itself, or not for good."""
    is_original_lost = error.code == REFERENCE_REFUSED and _awaits_lost_original(node, item)
    return error.code in NOT_ABOUT_THE_MESSAGE or is_original_lost


def _awaits_lost_original(node: Node, item: OutboxItem) -> bool:
    """Return whether the exchange may only have lost what a message follows up: then it waits for that to come back."""
    if number_epoch(node.sheet.origin) == FIRST_EPOCH:
        return False
    with node.store.read() as snapshot:
        log = load_exchange(snapshot, node.sheet.origin)
        opened_at = None if log is None else log.opened_at
        return opened_at is not None and is_original_older(snapshot, load_message(snapshot, item.message_id), opened_at)


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
        report.sealed_again.append(leg.message_id)


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
        note_unanswered(node, item, error)
