"""Follow a message of one's own up: correct it, take it back, mark a victim, restrict it, tell of a breach.

Each notice goes to everyone the message was sent to, and each of their nodes acts on it by itself, in every state of
the agreement and after the message itself was erased, here or there. Of a breach either side tells the other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from agency_client.aftercare.rules import find_lifted
from agency_client.aftercare.standing import list_counting, read_notice
from agency_client.errors import ConflictError, NotFoundError, UsageError
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.outbox import OutboxItem, OutboxState, cancel_message, load_item
from agency_client.local_store.sent import SentMessage, list_facts, load_message
from agency_client.node import Node
from agency_client.reading.corrected import make_outside_finder
from agency_client.reading.messages import ReadOwnMessage, find_readable, read_message
from agency_client.sending.answering import (
    CONTENT_ERASED,
    VERB,
    Answer,
    AnswerReport,
    Author,
    Wire,
    answer_received,
    send_answer,
    with_words,
)
from agency_client.sending.context import Context, describe_context, describe_erased
from agency_client.sending.correcting import verify_changes, verify_result, verify_subjects
from agency_client.sending.facts import load_originals
from agency_client.sending.plan import Original
from agency_client.statuses.signing import announce_narrowing
from schemas.alerts.coded import RequiredAction, RestrictedUse
from schemas.envelope import Reference
from schemas.markings import Tlp, Urgency
from schemas.model import format_timestamp

ACKNOWLEDGE_WITHIN = timedelta(hours=72)
"""By when a person at a recipient says what was done, where nothing else was named."""


@dataclass(frozen=True, slots=True)
class Breach:
    """What happened to the data of a message (Directive (EU) 2016/680, article 30(3)), as `schemas.alerts` has it."""

    nature: tuple[str, ...]
    found_at: str
    consequences: str
    measures: str
    contact: str
    happened_at: str | None = None
    persons_affected: int | None = None


def correct(node: Node, message_id: str, author: Author, *, details: Wire, subject: str | None = None) -> AnswerReport:
    """Correct a message of one's own; the correction follows it to everyone it reached.

    Raises:
        ChangeRefusedError: a change names a field, or an old value, that the message does not have, or would have the
            message say what its agreement does not cover.
    """
    details = _with_deadline(node, {"required_action": RequiredAction.AMEND.value} | details)
    answer = Answer("correction", subject or "Correction", details, once=False)
    return _follow_own(node, message_id, author, answer, lambda found: _verify_correction(node, found, details))


def withdraw(
    node: Node,
    message_id: str,
    author: Author,
    *,
    because: str,
    words: str | None = None,
    required_action: str = "delete",
) -> AnswerReport:
    """Take a message of one's own back, from everyone it reached or is on its way to.

    What has not left this node is cancelled, and nobody is told of what was never sent.
    """
    with node.store.read() as snapshot:
        sent = load_message(snapshot, message_id)
    cancelled, are_all = _cancel_waiting(node, sent, because)
    if are_all:
        return AnswerReport("withdrawal", sent.thread, tuple(cancelled))
    details = _with_deadline(node, with_words({"reason": because, "required_action": required_action}, words))
    return _follow_own(node, sent.message_id, author, Answer("withdrawal", "Withdrawal", details))


def mark_misused_identity(
    node: Node,
    message_id: str,
    author: Author,
    *,
    subjects: tuple[str, ...],
    told_apart_by: str | None = None,
    words: str | None = None,
    required_action: str = "mark",
) -> AnswerReport:
    """Say who in a message of one's own is the victim of a misused identity, and never a hit.

    Raises:
        ChangeRefusedError: nobody stands in the message where a victim is named.
    """
    details = with_words({"subjects": list(subjects), "required_action": required_action}, words)
    details |= {} if told_apart_by is None else {"told_apart_by": told_apart_by}
    answer = Answer("misused-identity", "Victim of a misused identity", _with_deadline(node, details), once=False)
    return _follow_own(node, message_id, author, answer, lambda found: verify_subjects(found.alert, details))


def restrict(
    node: Node,
    message_id: str,
    author: Author,
    *,
    ground: str,
    still_allowed: tuple[str, ...] = (),
    words: str | None = None,
) -> AnswerReport:
    """Restrict a message of one's own everywhere: it is kept, and used for nothing but what is named."""
    details: Wire = {"ground": ground, "required_action": RequiredAction.RESTRICT.value}
    details |= {"still_allowed": [use.value for use in RestrictedUse if use in still_allowed]} if still_allowed else {}
    answer = Answer("restriction", "Restriction", _with_deadline(node, with_words(details, words)), once=False)
    return _follow_own(node, message_id, author, answer)


def lift_restriction(
    node: Node, message_id: str, author: Author, *, ground: str = "clarified", words: str | None = None
) -> AnswerReport:
    """End the restrictions that this agency put on a message of its own; those of others stand.

    Raises:
        UsageError: this agency restricts it by nothing.
    """
    with node.store.read() as snapshot:
        sent = load_message(snapshot, message_id)
        notices = [read_notice(notice) for notice in list_counting(snapshot, sent.digest)]
    if not find_lifted(notices, node.agency, node.clock.now()):
        raise UsageError(
            f"no restriction of {node.agency} stands on message {sent.message_id}", fix="see: agency aftercare"
        )
    details = with_words({"ground": ground, "required_action": RequiredAction.LIFT.value}, words)
    answer = Answer("restriction", "The restriction has ended", _with_deadline(node, details), once=False)
    return _follow_own(node, sent.message_id, author, answer)


def report_breach(
    node: Node,
    message_id: str,
    author: Author,
    breach: Breach,
    *,
    words: str | None = None,
    required_action: str = "mark",
) -> AnswerReport:
    """Tell of a breach of a message's data: of one's own everyone it was sent to, of another's its sender."""
    told = {
        "nature": list(breach.nature),
        "found_at": breach.found_at,
        "happened_at": breach.happened_at,
        "persons_affected": breach.persons_affected,
        "consequences": breach.consequences,
        "measures": breach.measures,
        "contact": breach.contact,
        "required_action": required_action,
    }
    details = {name: value for name, value in told.items() if value is not None}
    answer = Answer("breach-notice", "Breach notice", _with_deadline(node, with_words(details, words)), once=False)
    with node.store.read() as snapshot:
        found = find_readable(snapshot, message_id)
    if isinstance(found, SentMessage):
        return _follow_own(node, found.message_id, author, answer)
    return answer_received(node, found.message_id, author, lambda _: answer, lambda _: answer)


def _follow_own(
    node: Node,
    message_id: str,
    author: Author,
    answer: Answer,
    verify_fits: Callable[[ReadOwnMessage], object] = lambda found: None,
) -> AnswerReport:
    with node.store.read() as snapshot:
        sent = load_message(snapshot, message_id)
    reference = Reference(id=sent.message_id, digest=sent.digest)
    context = _read_context(node, sent, author, verify_fits)
    return send_answer(node, reference, context, author, answer)


def _verify_correction(node: Node, found: ReadOwnMessage, details: Wire) -> None:
    verify_changes(found.alert, details)
    find_outside = make_outside_finder(node, found.stored.digest, found.message, found.alert)
    verify_result(found.alert, details, find_outside)


def _read_context(
    node: Node, sent: SentMessage, author: Author, verify_fits: Callable[[ReadOwnMessage], object]
) -> Context:
    """Return what a notice takes over from its message; where that was erased, the strictest, compared with nothing."""
    marking = Tlp.from_code(sent.marking)
    try:
        found = read_message(node, sent.message_id, reason=author.reason, case=author.case, verb=VERB)
    except NotFoundError as error:
        if error.code != CONTENT_ERASED:
            raise
        with node.store.read() as snapshot:
            return describe_erased(node, snapshot, sent)
    assert isinstance(found, ReadOwnMessage)  # noqa: S101 - `load_message` found it among those that were sent
    verify_fits(found)
    return describe_context(found.alert, marking, Urgency.ROUTINE)


def _cancel_waiting(node: Node, sent: SentMessage, because: str) -> tuple[list[OutboxItem], bool]:
    """Cancel every envelope of a sending that certainly never left; return what is cancelled, and whether all is."""
    reference = Reference(id=sent.message_id, digest=sent.digest)
    with node.store.read() as snapshot:
        originals = load_originals(node, snapshot, reference, "withdrawal", follows_everywhere=True)
        waiting = [item.reference.id for item in originals if _has_never_left(snapshot, item)]
    for message_id in waiting:
        try:
            with node.store.write() as transaction:
                cancel_message(transaction, message_id, reason=f"withdrawn: {because}", at=node.clock.now())
        except ConflictError:
            continue  # It has just left: it is taken back like any other.
    if waiting:
        announce_narrowing(node)
    with node.store.read() as snapshot:
        items = [load_item(snapshot, item.reference.id) for item in originals]
    cancelled = [item for item in items if item.state is OutboxState.CANCELLED]
    return cancelled, len(cancelled) == len(items)


def _has_never_left(snapshot: Snapshot, original: Original) -> bool:
    # What an exchange took once may have been handed over, even if a later log of it asks for the message again.
    facts = list_facts(snapshot, original.reference.id, original.partner)
    return not facts and load_item(snapshot, original.reference.id).state is OutboxState.QUEUED


def _with_deadline(node: Node, details: Wire) -> Wire:
    return {"acknowledge_by": format_timestamp(node.clock.now() + ACKNOWLEDGE_WITHIN)} | details
