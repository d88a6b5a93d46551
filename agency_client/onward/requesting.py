"""Ask the originator whether a message may go on, or be shown to a court; or ask for a partner that asked here.

The question goes back the way the message came: to the originator, or to the agency that passed it on, which asks for
this one in its turn. What the agreement with the originator lets nobody allow is not asked.
"""

from dataclasses import dataclass, replace
from typing import Any

from agency_client.errors import DeniedError, NotFoundError, UsageError
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.inbox import load_by_digest
from agency_client.local_store.onward import OnwardCopy, find_onward_copy, link_requests, list_linked_requests
from agency_client.local_store.outbox import OutboxItem, load_item
from agency_client.local_store.sent import find_message_by_digest
from agency_client.node import Node
from agency_client.onward.held import HeldMessage, load_held
from agency_client.onward.passing_on import NoRightError, judge_clauses
from agency_client.reading.messages import ReadMessage, ReadOwnMessage, read_message
from agency_client.sending.answering import Author
from agency_client.sending.draft import Draft
from agency_client.sending.flow import send_alert
from schemas.alerts.base import Alert
from schemas.alerts.kinds.release_request import OriginalMessage, Proceeding, ReleaseRequest, ReleaseUse
from schemas.envelope import Reference
from schemas.markings import Purpose, Tlp, Urgency
from schemas.model import format_timestamp

REQUEST_KIND, INQUIRY_KIND = "release-request", "release-inquiry"
_VERB = "release"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: either `recipients`, or `court`. `because` is what the originator reads.

    `purposes` are the ones the message was sent for where none are named; `holder` is this agency where none is.
    `is_direct`: a copy is asked about at its originator itself, under the agreement with it, and not the way it came.
    """

    because: str
    recipients: tuple[str, ...] = ()
    court: Proceeding | None = None
    purposes: tuple[Purpose, ...] = ()
    holder: str | None = None
    is_direct: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A question in the outbox: of whom, about whose message; `is_repeated`: it was asked before."""

    item: OutboxItem
    of: str
    original: OriginalMessage
    is_repeated: bool = False


def request_release(node: Node, message_id: str, question: Question, author: Author) -> Asked:
    """Ask for a further use of a received message.

    Raises:
        NotFoundError, UsageError, DeniedError: as `agency_client.onward.held.load_held`.
        NoRightError: the agreement with the originator lets nobody allow it.
        NotCoveredError: it is asked directly, and no agreement with the originator covers that.
    """
    held = load_held(node, message_id, reason=author.reason, case=author.case, verb=_VERB)
    return _send(node, held, question, author)


def request_for_partner(node: Node, request_id: str, author: Author, *, because: str | None = None) -> Asked:
    """Pass a partner's question on to whoever the message came from, for that partner as the holder.

    Raises:
        NotFoundError: no such question is here, or what it is about is not.
        UsageError: the message is no question, or it is this agency that decides.
        NoRightError: the agreement with the originator lets nobody allow it.
    """
    found = read_message(node, request_id, reason=author.reason, case=author.case, verb=_VERB)
    asked = read_question(found)
    assert isinstance(found, ReadMessage)  # noqa: S101 - `read_question` refuses one's own
    with node.store.read() as snapshot:
        copy = _demand_copy(node, snapshot, asked, found)
        stored = load_by_digest(snapshot, copy.held_digest)
        before = _find_linked(snapshot, found.stored.digest)
    if before is not None:
        return Asked(before, stored.sender, asked.original, is_repeated=True)
    held = load_held(node, stored.message_id, reason=author.reason, case=author.case, verb=_VERB)
    question = Question(
        because=because or asked.because,
        recipients=asked.recipients or (),
        court=asked.court,
        purposes=asked.purposes,
        holder=asked.held_by,
    )
    sent = _send(node, held, question, author)
    with node.store.write() as transaction:
        mine = find_sent_digest(transaction, sent.item.message_id)
        link_requests(transaction, mine, found.stored.digest)
    return sent


def read_question(found: ReadMessage | ReadOwnMessage) -> ReleaseRequest:
    """Return what a received message asks.

    Raises:
        UsageError: it is no question about a release, or this agency's own.
    """
    details = found.alert.details
    if isinstance(found, ReadOwnMessage) or not isinstance(details, ReleaseRequest):
        raise UsageError(
            f"message {found.stored.message_id} asks this agency for no release", fix="see: agency release list"
        )
    return details


def find_sent_digest(snapshot: Snapshot, message_id: str) -> str:
    """Return the digest of a message this agency sent.

    Raises:
        NotFoundError: it sent none of that id.
    """
    found: str | None = snapshot.fetch_value("SELECT digest FROM sent_message WHERE message_id = ?", message_id)
    if found is None:
        raise NotFoundError(f"no message {message_id} was sent from here")
    return found


def _demand_copy(node: Node, snapshot: Snapshot, asked: ReleaseRequest, found: ReadMessage) -> OnwardCopy:
    reference = found.alert.in_reply_to
    copy = None if reference is None else find_onward_copy(snapshot, reference.digest)
    if asked.original.agency == node.agency:
        raise UsageError("this agency itself decides on it", fix="run: agency release grant ID, or refuse ID")
    if copy is None or copy.original_digest != asked.original.message.digest:
        raise DeniedError(
            "the question is not about what this agency passed on there", code="consent-for-another-message"
        )
    return copy


def _find_linked(snapshot: Snapshot, asked_digest: str) -> OutboxItem | None:
    mine = next((own for own, theirs in list_linked_requests(snapshot) if theirs == asked_digest), None)
    sent = None if mine is None else find_message_by_digest(snapshot, mine)
    return None if sent is None else load_item(snapshot, sent.message_id)


def _send(node: Node, held: HeldMessage, question: Question, author: Author) -> Asked:
    never = judge_clauses(held, question.recipients) if question.recipients else []
    if never:
        raise NoRightError("; ".join(dict.fromkeys(never)), code="onward-forbidden")
    report = send_alert(node, _write_draft(node, held, question, author))
    (item,) = report.items
    return Asked(item, held.original.agency if _is_inquiry(held, question) else held.stored.sender, held.original)


def _is_inquiry(held: HeldMessage, question: Question) -> bool:
    """Return whether the question goes past who sent the message; its originator is asked the usual way."""
    return question.is_direct and held.provenance is not None


def _write_draft(node: Node, held: HeldMessage, question: Question, author: Author) -> Draft:
    holder = question.holder or node.agency
    details = {
        "original": held.original.to_wire(),
        "use": (ReleaseUse.COURT if question.court else ReleaseUse.ONWARD).value,
        "held_by": holder,
        "purposes": [purpose.value for purpose in question.purposes or (held.message.purpose,)],
        "because": question.because,
        **({"recipients": list(question.recipients)} if question.recipients else {}),
        **({"court": question.court.to_wire()} if question.court else {}),
    }
    subject = f"May {holder} {'show it to a court' if question.court else 'pass it on'}?"
    marking = Tlp.from_code(held.stored.marking)
    alert = write_alert(node, held.alert, held.reference, author, REQUEST_KIND, subject, details)
    if not _is_inquiry(held, question):
        return make_draft(alert, marking, author)
    inquiry = {name: value for name, value in alert.items() if name != "in_reply_to"} | {"kind": INQUIRY_KIND}
    about = make_draft(alert, marking, author)
    return replace(about, alert=inquiry, purpose=held.message.purpose, recipients=(held.original.agency,))


def write_alert(
    node: Node, about: Alert, reference: Reference, author: Author, kind: str, subject: str, details: dict[str, Any]
) -> dict[str, Any]:
    """Return the wire of a question or a decision, in the thread and under the handling of what it is about."""
    wire = about.to_wire()
    names = {"partner_reference": wire["own_reference"]} if "own_reference" in wire else {}
    return {
        "kind": kind,
        "thread": about.thread,
        "in_reply_to": reference.to_wire(),
        "unit": author.unit,
        "officer": author.pseudonym,
        "subject": subject[:120],
        "pap": wire["pap"],
        "handling": wire["handling"],
        "data_as_of": format_timestamp(node.clock.now()),
        "language": author.language,
        **names,
        "details": details,
    }


def make_draft(alert: dict[str, Any], marking: Tlp, author: Author) -> Draft:
    """Return the draft of a question or a decision: it goes to whoever has what it refers to."""
    reference = alert["in_reply_to"]["id"]
    return Draft(
        alert=alert,
        purpose=Purpose.DATA_QUALITY,
        necessity=f"It is about the further use of message {reference}.",
        reason=author.reason,
        marking=marking,
        urgency=Urgency.ROUTINE,
        case=author.case,
    )
