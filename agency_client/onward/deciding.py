"""Decide as the originator: consent to a further use of one's own message, or refuse it.

Only the originator can, only about what it sent to whoever asks or let go on through it, and never beyond the clause
under which it sent it. A consent may be narrower than the question, never wider.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from agency_client.errors import DeniedError, NotFoundError, UsageError
from agency_client.local_store.inbox import mark_answered
from agency_client.local_store.outbox import OutboxItem, load_item
from agency_client.local_store.received_work import find_answers
from agency_client.local_store.sent import find_message_by_digest, list_deliveries, load_message
from agency_client.node import Node
from agency_client.onward.passing_on import NoRightError
from agency_client.onward.requesting import make_draft, read_question, write_alert
from agency_client.onward.rules import judge_clause
from agency_client.reading.messages import ReadMessage, ReadOwnMessage, read_message
from agency_client.sending.answering import Author
from agency_client.sending.facts import load_shelf
from agency_client.sending.flow import send_alert
from schemas.agreements.content import describe_content
from schemas.agreements.coverage import VisibleFacts, judge_message
from schemas.agreements.terms import Clause
from schemas.alerts.header_rules import choose_shown_kind
from schemas.alerts.kinds.release_request import ReleaseInquiry, ReleaseRequest, ReleaseUse
from schemas.envelope import Reference
from schemas.markings import Purpose, Tlp
from schemas.model import format_timestamp

DECISION_KIND = "release-decision"
VALID_FOR = timedelta(days=90)
"""How long a consent holds where nothing else is said."""

_VERB = "release"


@dataclass(frozen=True, slots=True)
class Grant:
    """What is granted of what was asked; what is empty stays as asked. `valid_until` is 90 days on where not said."""

    recipients: tuple[str, ...] = ()
    purposes: tuple[Purpose, ...] = ()
    holder: str | None = None
    conditions: str | None = None
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision in the outbox, and to whom it goes; `is_repeated`: this question was decided before."""

    item: OutboxItem
    to: str
    is_repeated: bool = False


def grant_release(node: Node, request_id: str, grant: Grant, author: Author) -> Decided:
    """Consent to what a partner asks about a message of this agency.

    Raises:
        NotFoundError: no such question is here, or the message it is about was not sent from here.
        UsageError: it is no question, or the grant goes beyond it.
        DeniedError: another agency decides; or the question is about another message than it refers to.
        NoRightError: the clause under which the message was sent lets nobody allow it.
    """
    found, asked = _load_question(node, request_id, author)
    recipients = grant.recipients or asked.recipients or ()
    purposes = grant.purposes or asked.purposes
    _demand_within("--to", recipients, asked.recipients or ())
    _demand_within("--purpose", [item.value for item in purposes], [item.value for item in asked.purposes])
    original = _load_original(node, asked.original.message, author)
    if asked.use is ReleaseUse.ONWARD:
        _verify_clause(node, original, recipients)
    now = node.clock.now()
    until = grant.valid_until or now + VALID_FOR
    if until <= now:
        raise UsageError(f"the consent would have ended at {until:%Y-%m-%d %H:%M} UTC", fix="name a later day")
    details = {
        **_repeat(asked),
        "held_by": grant.holder or asked.held_by,
        "purposes": [purpose.value for purpose in purposes],
        "outcome": "granted",
        "valid_until": format_timestamp(until),
        **({"recipients": list(recipients)} if recipients else {}),
        **({"conditions": grant.conditions} if grant.conditions else {}),
    }
    return _send(node, found, "Granted", details, author)


def refuse_release(node: Node, request_id: str, author: Author, *, ground: str, words: str | None = None) -> Decided:
    """Refuse what a partner asks about a message of this agency, on a named ground.

    Raises:
        NotFoundError, UsageError, DeniedError: as `grant_release`.
    """
    found, asked = _load_question(node, request_id, author)
    details = {
        **_repeat(asked),
        "held_by": asked.held_by,
        "purposes": [purpose.value for purpose in asked.purposes],
        "outcome": "refused",
        "refusal": {"ground": ground} | ({"words": words} if words else {}),
        **({"recipients": list(asked.recipients)} if asked.recipients else {}),
    }
    return _send(node, found, "Refused", details, author)


def _load_question(node: Node, request_id: str, author: Author) -> tuple[ReadMessage, ReleaseRequest]:
    found = read_message(node, request_id, reason=author.reason, case=author.case, verb=_VERB)
    asked = read_question(found)
    assert isinstance(found, ReadMessage)  # noqa: S101 - `read_question` refuses one's own
    if asked.original.agency != node.agency:
        raise DeniedError(
            f"only {asked.original.agency} can decide: the message comes from there",
            fix=f"ask it for {found.stored.sender}: agency release request --for {found.stored.message_id}",
            code="not-the-originator",
        )
    if not isinstance(asked, ReleaseInquiry) and found.alert.in_reply_to != asked.original.message:
        raise DeniedError("the question is about another message than it refers to", code="reference-refused")
    return found, asked


def _demand_within(option: str, granted: Any, asked: Any) -> None:
    outside = [item for item in granted if item not in asked]
    if outside:
        raise UsageError(f"{option}: nobody asked for {', '.join(outside)}", fix=f"asked is: {', '.join(asked)}")


def _load_original(node: Node, reference: Reference, author: Author) -> ReadOwnMessage:
    found = read_message(node, reference.id, reason=author.reason, case=author.case, verb=_VERB)
    if not isinstance(found, ReadOwnMessage) or found.stored.digest != reference.digest:
        raise NotFoundError("the message asked about was not sent from here")
    return found


def _verify_clause(node: Node, original: ReadOwnMessage, recipients: tuple[str, ...]) -> None:
    """Verify that the clause under which the original was sent lets it go on to these agencies."""
    findings = judge_clause(_find_clause(node, original), recipients)
    if findings:
        raise NoRightError(
            "; ".join(finding.sentence for finding in findings),
            fix="send it there yourself, or change the agreement; or refuse: agency release refuse ID --ground …",
            code=findings[0].code,
        )


def _find_clause(node: Node, found: ReadOwnMessage) -> Clause | None:
    with node.store.read() as snapshot:
        (delivery,) = list_deliveries(snapshot, found.stored.message_id)
        view = load_shelf(node, snapshot).find_view(delivery.agreement)
    if view is None or view.terms is None:
        return None
    header, alert = found.message.header, found.alert
    visible = VisibleFacts(
        node.agency, delivery.recipient, choose_shown_kind(alert.kind), header.routing.marking, size_bytes=0
    )
    content = describe_content(
        alert, purpose=found.message.purpose, urgency=header.routing.urgency, issued_at=header.issued_at
    )
    return judge_message(view.terms, visible, content).clause


def _choose_marking(node: Node, found: ReadMessage) -> Tlp:
    """Return the marking of a decision: never lower than that of the message it is about, whoever asked how."""
    marking, details = Tlp.from_code(found.stored.marking), found.alert.details
    assert isinstance(details, ReleaseRequest)  # noqa: S101 - `read_question` demands it
    with node.store.read() as snapshot:
        original = find_message_by_digest(snapshot, details.original.message.digest)
    markings = [marking, *([] if original is None else [Tlp.from_code(original.marking)])]
    return max(markings, key=lambda one: one.rank)


def _repeat(asked: ReleaseRequest) -> dict[str, Any]:
    court = {"court": asked.court.to_wire()} if asked.court else {}
    return {"original": asked.original.to_wire(), "use": asked.use.value, **court}


def _send(node: Node, found: ReadMessage, word: str, details: dict[str, Any], author: Author) -> Decided:
    stored = found.stored
    with node.store.read() as snapshot:
        before = find_answers(snapshot, stored.digest, DECISION_KIND)
        if before:
            item = load_item(snapshot, load_message(snapshot, before[0]).message_id)
            return Decided(item, stored.sender, is_repeated=True)
    reference = Reference(id=stored.message_id, digest=stored.digest)
    subject = f"{word}: {found.alert.subject}"
    alert = write_alert(node, found.alert, reference, author, DECISION_KIND, subject, details)
    report = send_alert(node, make_draft(alert, _choose_marking(node, found), author))
    with node.store.write() as transaction:
        mark_answered(transaction, stored.digest, at=node.clock.now())
    return Decided(report.items[0], stored.sender)
