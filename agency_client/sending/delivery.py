"""Bring the outbox to the exchange: each message once, whatever is lost on the way.

What was not answered is in doubt: the broker is asked what it has, and the very same bytes are handed in again, which
it takes as once. What waits together goes together (`agency_client.sending.handing_in`), in the order given. A message
refused for a key that has changed since is sealed anew at once (`agency_client.sending.renewal`), and where the key
that must come first is not there yet, the message waits for it.
"""

from collections.abc import Iterable, Sequence
from functools import partial

from agency_client.attachments.uploading import (
    AttachmentLostError,
    Uploader,
    UploadPausedError,
    Watching,
    unwatched,
)
from agency_client.errors import ClientError, NotFoundError
from agency_client.local_store.outbox import (
    OutboxItem,
    OutboxState,
    begin_attempt,
    cancel_message,
    list_due,
    load_item,
    record_not_arrived,
)
from agency_client.local_store.problems import Problem
from agency_client.local_store.sent import SentMessage, load_message
from agency_client.node import Node
from agency_client.refusals import BusyError, RefusedError
from agency_client.sending.facts import verify_may_send
from agency_client.sending.handing_in import (
    NOT_ABOUT_THE_MESSAGE,
    DeliveryReport,
    Load,
    Outgoing,
    find_present_obstacle,
    hand_in,
    note_unanswered,
)
from agency_client.syncing.submitting import next_attempt_after
from keys.sealing import parse_envelope
from schemas.api import MESSAGES_PATH, MessageStatesAnswer
from schemas.envelope import SealedAttachment

LIMIT = 64


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
    waiting = list(message_ids)
    while waiting and not report.is_stopped:
        _deliver_all(node, waiting, report)
        waiting, report.sealed_again = report.sealed_again, []
    return report


def _deliver_all(node: Node, message_ids: Iterable[str], report: DeliveryReport) -> None:
    load = Load()
    for message_id in message_ids:
        report.attempt(message_id, partial(_load_one, node, message_id, load, report))
        if report.is_stopped:
            return
    hand_in(node, load.take(), report)


def _load_one(node: Node, message_id: str, load: Load, report: DeliveryReport) -> None:
    """Add a message to those that go with the next call, once what must come before it is done."""
    outgoing = _prepare(node, message_id)
    if outgoing is None:
        return
    attachments = parse_envelope(outgoing.envelope).payload.attachments
    if attachments or not load.has_room_for(outgoing) or not report.takes_batches:
        hand_in(node, load.take(), report)  # Nothing small waits for an upload.
    if outgoing.item.state is OutboxState.IN_DOUBT or _upload(node, outgoing, attachments, report):
        load.add(outgoing)


def _prepare(node: Node, message_id: str) -> Outgoing | None:
    """Return a message that may not have arrived yet, as it stands; None: it has, or it has ended."""
    with node.store.read() as snapshot:
        item, message = load_item(snapshot, message_id), load_message(snapshot, message_id)
    if item.state is OutboxState.IN_DOUBT:
        item = _ask_about(node, item)
    if item.envelope is None or item.state not in (OutboxState.QUEUED, OutboxState.IN_DOUBT):
        return None
    return Outgoing(item, message, item.envelope)


def _ask_about(node: Node, item: OutboxItem) -> OutboxItem:
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
        note_unanswered(node, item, error)
        raise
    return item


def _upload(node: Node, outgoing: Outgoing, attachments: Sequence[SealedAttachment], report: DeliveryReport) -> bool:
    """Upload what goes before a queued message; False: it waits, or has lost what goes with it."""
    item = outgoing.item
    if not attachments or report.uploader is None or _is_kept_back(node, outgoing.message):
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
        return find_present_obstacle(node, snapshot, message, node.clock.now()) is not None


def _end_upload(node: Node, item: OutboxItem, error: ClientError, report: DeliveryReport) -> None:
    """Let a message wait for the rest of its attachments; one that has lost them, or may not have them, ends."""
    now, problem = node.clock.now(), Problem(error.code, error.sentence)
    is_over = isinstance(error, AttachmentLostError | RefusedError) and error.code not in NOT_ABOUT_THE_MESSAGE
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
