"""Answer a message, or follow one's own up: acknowledge, refuse, reply, report the outcome, correct, withdraw.

Each is an alert of its own kind in the thread of the original, sent like any other (`agency_client.sending`), under the
handling rules of what it answers. Doing the same again sends nothing twice. What an officer decides about a received
message is receipted to its sender as well: accepted, refused, acted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from agency_client.errors import ClientError, UsageError
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.inbox import InboxMessage, mark_answered
from agency_client.local_store.outbox import OutboxItem, load_item
from agency_client.local_store.received_work import find_answers
from agency_client.local_store.sent import SentMessage, load_message
from agency_client.node import Node
from agency_client.reading.messages import ReadMessage, ReadOwnMessage, read_message
from agency_client.receiving.own_receipts import receipt_message
from agency_client.sending.correcting import verify_changes
from agency_client.sending.draft import Draft
from agency_client.sending.flow import send_alert
from schemas.alerts.acknowledgement import ActionTaken
from schemas.alerts.base import Alert
from schemas.alerts.registry import kind_of
from schemas.envelope import Reference
from schemas.markings import Purpose, Tlp, Urgency
from schemas.model import format_timestamp
from schemas.receipts import ReceiptType

ACKNOWLEDGE_WITHIN = timedelta(hours=72)
"""By when a recipient says what it did with a correction or a withdrawal, where nothing else was named."""

_VERB = "answer"
REQUEST_KIND = "document-verification"
REPLY_KIND = "document-verification-reply"
_ACTED = frozenset({ActionTaken.AMENDED, ActionTaken.DELETED, ActionTaken.STOPPED_USING})

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
class _Answer:
    """What is particular about one answer. `receipt` is what is receipted with it, and the coded reason."""

    kind: str
    subject: str
    details: Wire
    receipt: ReceiptType | None = None
    receipt_reason: str | None = None
    purpose: Purpose = Purpose.DATA_QUALITY
    once: bool = True
    special: Wire | None = None


def acknowledge(
    node: Node, message_id: str, author: Author, *, action: ActionTaken = ActionTaken.NOTED, words: str | None = None
) -> AnswerReport:
    """Tell the sender what was done with its message; receipted as accepted, or acted where something was done."""
    if action is ActionTaken.REFUSED:
        raise UsageError("a refusal names its ground", fix="use: agency refuse ID --ground GROUND")
    details: Wire = {"action": action.value, "done_at": format_timestamp(node.clock.now())}
    receipt = ReceiptType.ACTED if action in _ACTED else ReceiptType.ACCEPTED
    answer = _Answer("acknowledgement", action.label, _with_words(details, words), receipt)
    return _answer_received(node, message_id, author, lambda _: answer)


def refuse(node: Node, message_id: str, author: Author, *, ground: str, words: str | None = None) -> AnswerReport:
    """Refuse what a message asks, on a named ground: a verification by a reply, anything else by an acknowledgement."""
    refusal = _with_words({"ground": ground}, words)

    def choose(found: ReadMessage) -> _Answer:
        if found.alert.kind == REQUEST_KIND:
            details = _begin_reply(found.alert) | {"outcome": "refused", "refusal": refusal}
            return _Answer(REPLY_KIND, "Refused", details, ReceiptType.REFUSED, ground, found.message.purpose)
        now = format_timestamp(node.clock.now())
        details = {"action": ActionTaken.REFUSED.value, "done_at": now, "refusal": refusal}
        return _Answer("acknowledgement", ActionTaken.REFUSED.label, details, ReceiptType.REFUSED, ground)

    return _answer_received(node, message_id, author, choose)


def reply(node: Node, message_id: str, author: Author, *, details: Wire, subject: str | None = None) -> AnswerReport:
    """Answer a verification. `details` are those of the reply; the document asked about is filled in."""

    def choose(found: ReadMessage) -> _Answer:
        if found.alert.kind != REQUEST_KIND:
            raise UsageError(
                f"message {found.stored.message_id} is no question: it is a {kind_of(found.alert.kind).label}",
                fix="use: agency ack ID --words …, or: agency outcome ID",
            )
        filled = _begin_reply(found.alert) | details
        title = subject or f"Reply: {filled.get('outcome', 'answered')}"
        return _Answer(REPLY_KIND, title, filled, ReceiptType.ACTED, None, found.message.purpose)

    return _answer_received(node, message_id, author, choose)


def report_outcome(
    node: Node, message_id: str, author: Author, *, details: Wire, special: Wire | None = None
) -> AnswerReport:
    """Tell the sender what became of its alert. `special` declares special categories of data, as in any alert.

    Raises:
        DecisionMissingError: it confirms an automatic answer, or acts on one, and names no decision of a person.
    """
    subject = f"Outcome: {details.get('result', '')}".strip()
    answer = _Answer("outcome", subject, details, ReceiptType.ACTED, once=False, special=special)
    return _answer_received(node, message_id, author, lambda _: answer)


def correct(node: Node, message_id: str, author: Author, *, details: Wire, subject: str | None = None) -> AnswerReport:
    """Correct a message of one's own; the correction follows it to everyone it reached.

    Raises:
        ChangeRefusedError: a change names a field, or an old value, that the message does not have.
    """
    details = _with_deadline(node, {"required_action": "amend"} | details)
    answer = _Answer("correction", subject or "Correction", details, once=False)
    return _follow_own(node, message_id, author, answer, lambda original: verify_changes(original, details))


def withdraw(
    node: Node,
    message_id: str,
    author: Author,
    *,
    because: str,
    words: str | None = None,
    required_action: str = "delete",
) -> AnswerReport:
    """Take a message of one's own back, from everyone it reached or is on its way to."""
    details = _with_deadline(node, _with_words({"reason": because, "required_action": required_action}, words))
    return _follow_own(node, message_id, author, _Answer("withdrawal", "Withdrawal", details))


def _answer_received(
    node: Node, message_id: str, author: Author, choose: Callable[[ReadMessage], _Answer]
) -> AnswerReport:
    found = read_message(node, message_id, reason=author.reason, case=author.case, verb=_VERB)
    if isinstance(found, ReadOwnMessage):
        raise UsageError(
            f"message {found.stored.message_id} is this agency's own",
            fix="use: agency correct ID, or: agency withdraw ID",
        )
    answer: _Answer = choose(found)
    stored = found.stored
    reference = Reference(id=stored.message_id, digest=stored.digest)
    urgency = Urgency.from_code(stored.urgency) if answer.kind == REPLY_KIND else Urgency.ROUTINE
    report = _send(node, reference, found.alert, Tlp.from_code(stored.marking), urgency, author, answer)
    _note_answer(node, stored, answer)
    return report


def _follow_own(
    node: Node,
    message_id: str,
    author: Author,
    answer: _Answer,
    verify_fits: Callable[[Alert], object] = lambda original: None,
) -> AnswerReport:
    with node.store.read() as snapshot:
        sent = load_message(snapshot, message_id)
    found = read_message(node, sent.message_id, reason=author.reason, case=author.case, verb=_VERB)
    verify_fits(found.alert)
    reference = Reference(id=sent.message_id, digest=sent.digest)
    marking = Tlp.from_code(sent.marking)
    return _send(node, reference, found.alert, marking, Urgency.ROUTINE, author, answer)


def _send(
    node: Node,
    reference: Reference,
    original: Alert,
    marking: Tlp,
    urgency: Urgency,
    author: Author,
    answer: _Answer,
) -> AnswerReport:
    with node.store.read() as snapshot:
        before = _find_before(snapshot, reference.digest, answer)
        if before:
            items = tuple(load_item(snapshot, sent.message_id) for sent in before)
            return AnswerReport(answer.kind, before[0].thread, items, is_repeated=True)
    alert = _write_alert(node, reference, original, author, answer)
    draft = Draft(
        alert=alert,
        purpose=answer.purpose,
        necessity=f"It follows message {reference.id} up.",
        reason=author.reason,
        marking=marking,
        urgency=urgency,
        case=author.case,
        old_status_override=author.old_status_override if answer.kind == REPLY_KIND else None,
    )
    report = send_alert(node, draft)
    return AnswerReport(answer.kind, report.thread, report.items)


def _find_before(snapshot: Snapshot, digest: str, answer: _Answer) -> list[SentMessage]:
    if not answer.once:
        return []
    return [load_message(snapshot, found) for found in find_answers(snapshot, digest, answer.kind)]


def _write_alert(node: Node, reference: Reference, original: Alert, author: Author, answer: _Answer) -> Wire:
    wire = original.to_wire()
    urgency_reason = {"urgency_reason": wire["urgency_reason"]} if "urgency_reason" in wire else {}
    names = {"partner_reference": wire["own_reference"]} if "own_reference" in wire else {}
    return {
        "kind": answer.kind,
        "thread": original.thread,
        "in_reply_to": reference.to_wire(),
        "unit": author.unit,
        "officer": author.pseudonym,
        "subject": answer.subject[:120],
        "pap": wire["pap"],
        "handling": wire["handling"],
        "data_as_of": format_timestamp(node.clock.now()),
        "language": author.language,
        **({"special_categories": answer.special} if answer.special else {}),
        **names,
        **urgency_reason,
        "details": answer.details,
    }


def _note_answer(node: Node, stored: InboxMessage, answer: _Answer) -> None:
    with node.store.write() as transaction:
        mark_answered(transaction, stored.digest, at=node.clock.now())
    if answer.receipt is None:
        return
    try:
        with node.store.write() as transaction:
            receipt_message(node, transaction, stored, answer.receipt, reason=answer.receipt_reason)
    except ClientError:
        return  # The answer itself says it; a receipt that cannot be sealed now must not undo it.


def _begin_reply(request: Alert) -> Wire:
    wire = request.to_wire()
    asked = {name: wire["details"][name] for name in ("document", "subject_reference") if name in wire["details"]}
    return asked | {"is_automatic": False}


def _with_words(details: Wire, words: str | None) -> Wire:
    return details if words is None else details | {"words": words}


def _with_deadline(node: Node, details: Wire) -> Wire:
    return {"acknowledge_by": format_timestamp(node.clock.now() + ACKNOWLEDGE_WITHIN)} | details


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
