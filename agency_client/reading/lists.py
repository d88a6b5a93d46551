"""The inbox and its threads as lists: what the store says, without decrypting anything and without the broker."""

from dataclasses import dataclass
from datetime import datetime

from agency_client.aftercare.rules import BREACH_NOTICE
from agency_client.aftercare.standing import load_standing, load_standings
from agency_client.errors import NotFoundError
from agency_client.local_store.aftercare import count_unanswered
from agency_client.local_store.checkpoints import load_newest_checkpoint
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.inbox import InboxFilter, InboxMessage, InboxState, list_messages
from agency_client.local_store.onward import find_original_of_copy
from agency_client.local_store.received_work import count_states, count_threads, has_thread
from agency_client.local_store.sent import (
    SentMessage,
    compute_delivery_state,
    list_deliveries,
    list_facts,
)
from agency_client.local_store.sent import list_messages as list_sent_messages
from agency_client.node import Node
from agency_client.reading.messages import find_readable
from agency_client.safeguarding.compartment import Summary
from agency_client.safeguarding.reading import read_summary
from agency_client.sending.summary import read_summary as read_sent_summary
from agency_client.witness.standing import is_leaf_witnessed, read_quorum
from schemas.alerts import kind_of
from schemas.alerts.header_rules import choose_shown_kind
from schemas.alerts.registry import UnknownKindError
from schemas.codec import decode_canonical
from schemas.envelope import CONFIDENTIAL_KIND

MAX_THREAD_MESSAGES = 1000
FOR_SAFEGUARDING = "for the safeguarding officers"
"""What everybody else reads in place of a confidential message's subject."""


@dataclass(frozen=True, slots=True)
class InboxRow:
    """One received message in a list. `subject` and `attachments` are foreign, "" and 0 where nothing was opened.

    `is_witnessed`: the quorum has seen the leaf of its acceptance. `path` is the way it took, empty where its sender
    says it as its own. `marks`: what notices about it made of it.
    """

    message: InboxMessage
    subject: str
    attachments: int
    thread_size: int
    is_witnessed: bool
    path: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()

    @property
    def shown_subject(self) -> str:
        """Return the subject, or for whom alone a confidential message is."""
        return self.subject or (FOR_SAFEGUARDING if self.message.kind == CONFIDENTIAL_KIND else "")


@dataclass(frozen=True, slots=True)
class InboxView:
    """A list of messages, how many stand in each state, and as of when: the newest tree head this node holds.

    `breaches`: how many notices of a breach nobody has answered.
    """

    rows: tuple[InboxRow, ...]
    counts: dict[str, int]
    as_of: datetime | None
    log_size: int
    breaches: int = 0


@dataclass(frozen=True, slots=True)
class ThreadEntry:
    """One message of a thread, ours or theirs, in the order of time. Of ours nothing is said about witnesses.

    `handling` is what may be done with it: permitted actions, handling codes and caveats, as codes.
    """

    message_id: str
    is_own: bool
    partner: str
    kind: str
    subject: str
    at: datetime
    state: str
    is_witnessed: bool = True
    marks: tuple[str, ...] = ()
    handling: str = ""


def view_inbox(node: Node, wanted: InboxFilter, *, limit: int = 200) -> InboxView:
    """Return the messages that match, most urgent first. Confidential ones show a subject to their officers alone."""
    compartment = node.compartment
    with node.store.read() as snapshot:
        newest = load_newest_checkpoint(snapshot, node.sheet.origin)
        messages = list_messages(snapshot, wanted, limit=limit)
        sizes = count_threads(snapshot, {message.thread for message in messages if message.thread})
        counts, quorum = count_states(snapshot), read_quorum(node, snapshot)
        paths = {message.digest: _find_path(snapshot, message.digest) for message in messages}
        standings = load_standings(snapshot, paths)
        summaries = {digest: read_summary(snapshot, compartment, digest) for digest in paths}
        breaches = count_unanswered(snapshot, BREACH_NOTICE)
    rows = tuple(
        _make_row(
            message,
            sizes,
            is_witnessed=is_leaf_witnessed(node, quorum, message.origin, message.leaf_index),
            path=paths[message.digest],
            marks=standings[message.digest].words,
            confidential=summaries[message.digest],
        )
        for message in messages
    )
    return InboxView(rows, counts, newest.seen_at if newest else None, newest.size if newest else 0, breaches)


def view_thread(node: Node, reference: str) -> tuple[str, list[ThreadEntry]]:
    """Return a thread's id and messages, by its own id or by that of one of its messages.

    Raises:
        NotFoundError: nothing of that name is here.
    """
    with node.store.read() as snapshot:
        thread = _find_thread(snapshot, reference)
        received = list_messages(
            snapshot, InboxFilter(states=tuple(InboxState), thread=thread), limit=MAX_THREAD_MESSAGES
        )
        quorum = read_quorum(node, snapshot)
        entries = [
            _describe_received(
                message,
                is_leaf_witnessed(node, quorum, message.origin, message.leaf_index),
                load_standing(snapshot, message.digest).words,
            )
            for message in received
        ]
        for sent in list_sent_messages(snapshot, thread=thread, limit=MAX_THREAD_MESSAGES):
            entries += _describe_sent(snapshot, sent)
    if not entries:
        raise NotFoundError(f"no thread {reference} is here", fix="run: agency inbox")
    return thread, sorted(entries, key=lambda entry: (entry.at, entry.message_id, entry.partner))


def read_subject(message: InboxMessage) -> str:
    """Return the subject of an opened message, a foreign string; "" where none is known."""
    return "" if message.summary is None else str(decode_canonical(message.summary).get("subject", ""))


def label_kind(kind: str) -> str:
    """Return the words for a kind; the code itself where this version does not know it."""
    if kind == CONFIDENTIAL_KIND:
        return "Confidential"
    try:
        return kind_of(kind).label
    except UnknownKindError:
        return kind


def _make_row(
    message: InboxMessage,
    sizes: dict[str, int],
    *,
    is_witnessed: bool,
    path: tuple[str, ...],
    marks: tuple[str, ...],
    confidential: Summary | None,
) -> InboxRow:
    summary = {} if message.summary is None else decode_canonical(message.summary)
    subject = str(summary.get("subject", "")) if confidential is None else confidential.subject
    size, attachments = sizes.get(message.thread or "", 1), int(summary.get("attachments", 0))
    return InboxRow(message, subject, attachments, size, is_witnessed, path, marks)


def _find_path(snapshot: Snapshot, digest: str) -> tuple[str, ...]:
    origin = find_original_of_copy(snapshot, digest)
    return () if origin is None else origin.path


def _find_thread(snapshot: Snapshot, reference: str) -> str:
    if has_thread(snapshot, reference):
        return reference
    message = find_readable(snapshot, reference)
    if message.thread is None:
        raise NotFoundError(f"message {message.message_id} was not opened and is in no thread")
    return message.thread


def _describe_received(message: InboxMessage, is_witnessed: bool, marks: tuple[str, ...]) -> ThreadEntry:
    state = "withdrawn" if message.withdrawn_at else "read" if message.read_at else message.state.value
    return ThreadEntry(
        message_id=message.message_id,
        is_own=False,
        partner=message.sender,
        kind=message.kind,
        subject=read_subject(message),
        at=message.issued_at,
        state=state,
        is_witnessed=is_witnessed,
        marks=marks,
        handling="" if message.summary is None else str(decode_canonical(message.summary).get("handling", "")),
    )


def _describe_sent(snapshot: Snapshot, sent: SentMessage) -> list[ThreadEntry]:
    summary = read_sent_summary(sent.summary)
    entries = []
    marks = load_standing(snapshot, sent.digest).words
    for delivery in list_deliveries(snapshot, sent.message_id):
        newest = compute_delivery_state(list_facts(snapshot, sent.message_id, delivery.recipient))
        state = "queued" if newest is None else newest.fact.value
        entries.append(
            ThreadEntry(
                message_id=sent.message_id,
                is_own=True,
                partner=delivery.recipient,
                kind=choose_shown_kind(sent.kind),
                subject=summary.subject,
                at=sent.issued_at,
                state=state,
                marks=marks,
                handling=summary.handling,
            )
        )
    return entries
