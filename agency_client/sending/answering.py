"""Answer a message: acknowledge, refuse, reply, report the outcome. One's own is followed by `sending.noticing`.

Each is an alert of its own kind in the thread of the original, sent like any other (`agency_client.sending`), under the
handling rules of what it answers. Doing the same again sends nothing twice. What an officer decides about a received
message is receipted to its sender as well: accepted, refused, acted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from agency_client.duties.recording import mark_content
from agency_client.errors import ClientError, NotFoundError, UsageError
from agency_client.local_store.aftercare import list_report_ids
from agency_client.local_store.duties import find_duty, is_marked
from agency_client.local_store.engine import Transaction
from agency_client.local_store.inbox import InboxMessage, mark_answered
from agency_client.local_store.outbox import OutboxItem, load_item
from agency_client.local_store.received_work import find_answers
from agency_client.local_store.sent import SentMessage, load_message
from agency_client.node import Node
from agency_client.reading.messages import ReadMessage, ReadOwnMessage, find_readable, read_message
from agency_client.receiving.own_receipts import receipt_message
from agency_client.sending.context import Context, describe_context, describe_erased
from agency_client.sending.draft import Draft
from agency_client.sending.flow import send_alert
from agency_client.sending.questions import (
    REPLIES,
    REPLY_KINDS,
    TOLD_MEMBERS,
    ReplyKind,
    begin_refusal,
    begin_reply,
    sum_up,
)
from schemas.alerts import parse_alert
from schemas.alerts.filling import fill_checks
from schemas.alerts.kinds.acknowledgement import ActionTaken
from schemas.alerts.registry import kind_of
from schemas.codec import CodecError
from schemas.envelope import Reference
from schemas.markings import Purpose, Tlp, Urgency
from schemas.model import format_timestamp
from schemas.receipts import ReceiptType
from schemas.wording import with_article

CONTENT_ERASED = "content-erased"
VERB = "answer"
"""What the access log calls an opening of a message for the sake of an answer."""

_ACTED = frozenset(ActionTaken) - {ActionTaken.NOTED, ActionTaken.NOTHING_HELD, ActionTaken.REFUSED}

Wire = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Author:
    """Who answers and why.

    `reason` and `case` stay in this agency's access log; `unit` and `pseudonym` are what the partner reads.
    `old_status_override` is why a reply goes although the partner's status is too old; all else passes without.
    """

    reason: str
    unit: str
    pseudonym: str
    case: str | None = None
    language: str = "en"
    old_status_override: str | None = None


@dataclass(frozen=True, slots=True)
class AnswerReport:
    """The messages an answer became, one for each agency it goes to; `is_repeated`: they were sent before."""

    kind: str
    thread: str
    items: tuple[OutboxItem, ...]
    is_repeated: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What is particular about one answer. `receipt` is what is receipted with it, and the coded reason.

    `once`: a second one of its kind is the same; `same_once`: only one that says the same. `told` are members of the
    common part in which it tells something.
    """

    kind: str
    subject: str
    details: Wire
    receipt: ReceiptType | None = None
    receipt_reason: str | None = None
    purpose: Purpose = Purpose.DATA_QUALITY
    once: bool = True
    same_once: bool = False
    special: Wire | None = None
    told: Wire = field(default_factory=dict)


def acknowledge(
    node: Node, message_id: str, author: Author, *, action: ActionTaken = ActionTaken.NOTED, words: str | None = None
) -> AnswerReport:
    """Tell the sender what was done with its message; receipted as accepted, or acted where something was done."""
    if action is ActionTaken.REFUSED:
        raise UsageError("a refusal names its ground", fix="use: agency refuse ID --ground GROUND")
    details: Wire = {"action": action.value, "done_at": format_timestamp(node.clock.now())}
    receipt = ReceiptType.ACTED if action in _ACTED else ReceiptType.ACCEPTED
    answer = Answer("acknowledgement", action.label, with_words(details, words), receipt)
    return answer_received(node, message_id, author, lambda _: answer, lambda _: answer)


def refuse(node: Node, message_id: str, author: Author, *, ground: str, words: str | None = None) -> AnswerReport:
    """Refuse what a message asks, on a named ground: a question by its reply, anything else by an acknowledgement."""
    refusal = with_words({"ground": ground}, words)

    def choose(found: ReadMessage) -> Answer:
        if found.alert.kind not in REPLIES:
            return choose_erased(found.stored)
        details, receipt = begin_refusal(found.alert, refusal), (ReceiptType.REFUSED, ground)
        return _make_reply(REPLIES[found.alert.kind], found.message.purpose, "Refused", details, receipt)

    def choose_erased(_: InboxMessage) -> Answer:
        now = format_timestamp(node.clock.now())
        details = {"action": ActionTaken.REFUSED.value, "done_at": now, "refusal": refusal}
        return Answer("acknowledgement", ActionTaken.REFUSED.label, details, ReceiptType.REFUSED, ground)

    return answer_received(node, message_id, author, choose, choose_erased)


def reply(
    node: Node,
    message_id: str,
    author: Author,
    *,
    details: Wire,
    subject: str | None = None,
    told: Wire | None = None,
) -> AnswerReport:
    """Answer a question: a verification, a request for information, a joint operation.

    `details` are those of the reply; what it takes over from the question is filled in. `told` are members of the
    common part in which it tells something, such as statements and persons. Where the question was erased here, all of
    it is in `details`.

    Raises:
        UsageError: the message asks nothing, or `told` has another member.
    """

    def choose(found: ReadMessage) -> Answer:
        return make(found.stored, found.message.purpose, lambda: begin_reply(found.alert))

    def choose_erased(stored: InboxMessage) -> Answer:
        return make(stored, _find_purpose(node, stored), lambda: REPLIES[stored.kind].usual)

    def make(stored: InboxMessage, purpose: Purpose, begin: Callable[[], Wire]) -> Answer:
        if stored.kind not in REPLIES:
            raise UsageError(
                f"message {stored.message_id} is no question: it is {with_article(kind_of(stored.kind).label)}",
                fix="use: agency ack ID --words …, or: agency outcome ID",
            )
        filled = begin() | details
        return _make_reply(
            REPLIES[stored.kind], purpose, subject or sum_up(filled), filled, (ReceiptType.ACTED, None), told
        )

    _verify_told(told or {})
    return answer_received(node, message_id, author, choose, choose_erased)


def report_outcome(
    node: Node, message_id: str, author: Author, *, details: Wire, special: Wire | None = None
) -> AnswerReport:
    """Tell the sender what became of its alert. `special` declares special categories of data, as in any alert.

    Raises:
        DecisionMissingError: it confirms an automatic answer, or acts on one, and names no decision of a person.
    """
    subject = f"Outcome: {details.get('result', '')}".strip()
    answer = Answer("outcome", subject, details, ReceiptType.ACTED, once=False, special=special)
    return answer_received(node, message_id, author, lambda _: answer, lambda _: answer)


def answer_received(
    node: Node,
    message_id: str,
    author: Author,
    choose: Callable[[ReadMessage], Answer],
    choose_erased: Callable[[InboxMessage], Answer] | None = None,
) -> AnswerReport:
    """Answer a received message by what `choose` makes of it; where it was erased here, by what `choose_erased` does.

    Raises:
        UsageError: the message is this agency's own.
        NotFoundError, NotShownError, VerificationFailedError: as `reading.messages.read_message`.
    """
    try:
        found = read_message(node, message_id, reason=author.reason, case=author.case, verb=VERB)
    except NotFoundError as error:
        if error.code != CONTENT_ERASED or choose_erased is None:
            raise
        return _answer_erased(node, message_id, author, choose_erased)
    if isinstance(found, ReadOwnMessage):
        raise UsageError(
            f"message {found.stored.message_id} is this agency's own",
            fix="use: agency correct ID, or: agency withdraw ID",
        )
    answer: Answer = choose(found)
    stored = found.stored
    urgency = Urgency.from_code(stored.urgency) if answer.kind in REPLY_KINDS else Urgency.ROUTINE
    context = describe_context(found.alert, Tlp.from_code(stored.marking), urgency)
    return _send(node, stored, context, author, answer)


def _answer_erased(
    node: Node, message_id: str, author: Author, choose: Callable[[InboxMessage], Answer]
) -> AnswerReport:
    """Answer a message by the rows that outlive its content: they say which it was, whose, and under what."""
    with node.store.read() as snapshot:
        found = find_readable(snapshot, message_id)
        if isinstance(found, SentMessage):
            raise UsageError(f"message {found.message_id} is this agency's own", fix="use: agency withdraw ID")
        context = describe_erased(node, snapshot, found)
    return _send(node, found, context, author, choose(found))


def _send(node: Node, stored: InboxMessage, context: Context, author: Author, answer: Answer) -> AnswerReport:
    reference = Reference(id=stored.message_id, digest=stored.digest)
    report = send_answer(node, reference, context, author, answer)
    _note_answer(node, stored, answer)
    return report


def _find_purpose(node: Node, stored: InboxMessage) -> Purpose:
    """Return the purpose that an erased question was asked for, as its reader was told it."""
    with node.store.read() as snapshot:
        duty = find_duty(snapshot, stored.digest)
    return Purpose.DATA_QUALITY if duty is None else Purpose.from_code(duty.purpose)


def send_answer(node: Node, reference: Reference, context: Context, author: Author, answer: Answer) -> AnswerReport:
    """Send what follows a message up, once where once is enough."""
    alert = _write_alert(node, reference, context, author, answer)
    with node.store.write() as transaction:
        before = _find_before(transaction, reference.digest, answer, alert, node.clock.now())
        if before:
            items = tuple(load_item(transaction, sent.message_id) for sent in before)
            return AnswerReport(answer.kind, before[0].thread, items, is_repeated=True)
    draft = Draft(
        alert=alert,
        purpose=answer.purpose,
        necessity=f"It follows message {reference.id} up.",
        reason=author.reason,
        marking=context.marking,
        urgency=context.urgency,
        case=author.case,
        old_status_override=author.old_status_override if answer.kind in REPLY_KINDS else None,
    )
    report = send_alert(node, draft)
    return AnswerReport(answer.kind, report.thread, report.items)


def _make_reply(
    kind: ReplyKind,
    purpose: Purpose,
    subject: str,
    details: Wire,
    receipt: tuple[ReceiptType, str | None],
    told: Wire | None = None,
) -> Answer:
    return Answer(
        kind.name,
        subject,
        details,
        *receipt,
        purpose,
        once=kind.is_final,
        same_once=not kind.is_final,
        told=told or {},
    )


def _verify_told(told: Wire) -> None:
    others = sorted(told.keys() - set(TOLD_MEMBERS))
    if others:
        raise UsageError(f"an answer does not say {others[0]} itself", fix=f"it may say: {', '.join(TOLD_MEMBERS)}")


def _find_before(
    transaction: Transaction, digest: str, answer: Answer, alert: Wire, now: datetime
) -> list[SentMessage]:
    if not answer.once and not answer.same_once:
        return []
    by_itself = list_report_ids(transaction, digest)
    ids = [message_id for message_id in find_answers(transaction, digest, answer.kind) if message_id not in by_itself]
    found = [load_message(transaction, message_id) for message_id in ids]
    if not answer.same_once or not found:
        return found
    try:
        mark = mark_content(transaction, fill_checks(parse_alert(alert)), at=now)
    except CodecError:
        return []  # What is wrong with it is said, field by field, where it is sent.
    return [sent for sent in found if is_marked(transaction, mark, sent.digest)]


def _write_alert(node: Node, reference: Reference, context: Context, author: Author, answer: Answer) -> Wire:
    taken_over = (
        *answer.told.items(),
        ("special_categories", answer.special or answer.told.get("special_categories")),
        ("partner_reference", context.own_reference),
        ("urgency_reason", context.urgency_reason),
    )
    return {
        "kind": answer.kind,
        "thread": context.thread,
        "in_reply_to": reference.to_wire(),
        "unit": author.unit,
        "officer": author.pseudonym,
        "subject": answer.subject[:120],
        "pap": context.pap,
        "handling": context.handling,
        "data_as_of": format_timestamp(node.clock.now()),
        "language": author.language,
        **{name: value for name, value in taken_over if value},
        "details": answer.details,
    }


def _note_answer(node: Node, stored: InboxMessage, answer: Answer) -> None:
    with node.store.write() as transaction:
        mark_answered(transaction, stored.digest, at=node.clock.now())
    if answer.receipt is None:
        return
    try:
        with node.store.write() as transaction:
            receipt_message(node, transaction, stored, answer.receipt, reason=answer.receipt_reason)
    except ClientError:
        return  # The answer itself says it; a receipt that cannot be sealed now must not undo it.


def with_words(details: Wire, words: str | None) -> Wire:
    """Return details with what was added in words, if anything was."""
    return details if words is None else details | {"words": words}


def make_answers(assignments: Sequence[str]) -> list[Wire]:
    """Return answers to questions from `QUESTION=ANSWER` or `QUESTION=ANSWER:NOTE`.

    Raises:
        UsageError: one is of another form.
    """
    answers = []
    for assignment in assignments:
        question, separator, rest = assignment.partition("=")
        answer, _, note = rest.partition(":")
        if not separator or not question or not answer:
            raise UsageError(f"{assignment!r} is no answer", fix="write it like --answer genuine=no")
        answers.append({"question": question, "answer": answer} | ({"note": note} if note else {}))
    return answers
